//! Takes client requests and spreads them over the live servidores.

use std::process::ExitCode;

use papo_broker::{Broker, BrokerMetrics, BrokerSettings};
use papo_service::{Boot, Failure};
use papo_transport::{ZmqContext, ZmqNet};
use tracing::info;

fn main() -> ExitCode {
    papo_service::run(serve)
}

fn serve(boot: Boot<BrokerSettings>) -> Result<(), Failure> {
    let Boot { settings, shutdown, health, metrics, .. } = boot;
    let incarnation = getrandom::u64().map_err(|error| Failure::failed(error.to_string()))?;
    let net = ZmqNet::new(&ZmqContext::new())?;
    let broker =
        Broker::bind(net, &settings, incarnation, BrokerMetrics::new(&metrics)).map_err(Failure::config)?;
    info!(clients = %broker.client_address(), servidores = %broker.servidor_address(), "listening");
    broker.run(&shutdown, &health);
    Ok(())
}
