//! Discovery: gives each servidor its rank, takes heartbeats, lists the live ones.
//!
//! [`registry`] decides, [`server`] talks. Nothing is stored: see the registry for why ranks are for good all the same.

mod counters;
mod server;

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use papo_service::{Boot, Failure, Settings};
use papo_transport::{Kind, Net, SocketOptions, ZmqContext, ZmqNet};
use papo_wire::limits::REFUSED_BYTES;

use crate::counters::Counters;
use crate::server::Server;
use papo_referencia::registry::{self, Registry};

/// Discovery: gives each servidor its rank, takes heartbeats, lists the live ones.
///
/// Servidores ask for their rank when they start (`rank`), say that they live (`heartbeat`) and find one another
/// (`list`). The chat goes on while this is down. Nothing is stored on a disk: servidores tell the rank that their
/// log holds when they ask again.
///
/// Every setting can be given as a flag, as an environment variable (PAPO_PORT), or in a YAML file (port: 5560);
/// the first of them wins.
#[derive(clap::Parser)]
#[command(name = "referencia", version)]
struct Referencia {
    /// IP address to listen on
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    listen: IpAddr,
    /// Port to listen on; 0 takes a free one, and the log tells which
    #[arg(long, value_name = "PORT", default_value_t = 5560)]
    port: u16,
    /// How long a servidor may be silent before it is no longer listed
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = papo_service::duration)]
    expiry: Duration,
}

impl Settings for Referencia {}

/// Requests of one connection that may wait: a servidor has one at a time. With the longest frame that is read, this bounds what a
/// connection can make the process hold.
const QUEUE: usize = 4;
/// A loop that has not turned for this long is stuck.
const STUCK: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    papo_service::run(serve)
}

fn serve(boot: Boot<Referencia>) -> Result<(), Failure> {
    let Boot { settings, shutdown, health, metrics, .. } = boot;
    let mut net = ZmqNet::new(&ZmqContext::new())?;
    // Requests are a few hundred bytes; what is longer is read to be answered that it is too long.
    let options =
        SocketOptions { max_message: REFUSED_BYTES, receive_queue: QUEUE, ..SocketOptions::default() };
    let socket = net.open(Kind::Router, &options)?;
    let address =
        net.bind(socket, SocketAddr::new(settings.listen, settings.port)).map_err(Failure::config)?;
    tracing::info!(%address, "listening");

    let mut server = Server::new(net, socket, Registry::new(settings.expiry), Counters::new(&metrics));
    health.set_started();
    health.set_ready();
    // What `/livez` calls the loop: a name of before, which whoever reads it may know.
    server.run(&shutdown, &health.watch("desk", STUCK));
    Ok(())
}
