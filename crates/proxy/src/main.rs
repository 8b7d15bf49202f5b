//! Fans chat messages and announcements out to subscribers.

use std::process::ExitCode;

use papo_proxy::{Proxy, ProxyMetrics, ProxySettings};
use papo_service::{Boot, Failure};
use papo_transport::{ZmqContext, ZmqNet};
use tracing::info;

fn main() -> ExitCode {
    papo_service::run(serve)
}

fn serve(boot: Boot<ProxySettings>) -> Result<(), Failure> {
    let Boot { settings, shutdown, health, metrics, .. } = boot;
    let net = ZmqNet::new(&ZmqContext::new())?;
    let proxy = Proxy::bind(net, &settings, ProxyMetrics::new(&metrics)).map_err(Failure::config)?;
    info!(
        publishers = %proxy.publisher_address(),
        subscribers = %proxy.subscriber_address(),
        subscriptions = ?settings.subscriptions,
        "listening"
    );
    proxy.run(&shutdown, &health);
    Ok(())
}
