//! The chat itself: replicated state, history, election, clock.
//!
//! The core decides ([`papo_core::replica`]); this crate moves what it says to sockets and to the disk, and back.
//!
//! | file | what |
//! |---|---|
//! | `settings`, `slots` | what it is started with |
//! | `recover`, `indexing` | from a data directory to a running replica, and what its views are told |
//! | `server` | the loop that owns everything, and `duties`, what the core tells it to do |
//! | `links`, `letter` | the other servidores |
//! | `brokers`, `requests` | clients' requests |
//! | `proxies` | what subscribers are sent |
//! | `registration` | the referencia |
//! | `probes`, `metrics`, `notices` | what operators see |
//! | `cut` | what a drill keeps apart |

mod brokers;
mod clocks;
mod cut;
mod disk;
mod indexing;
mod letter;
mod links;
mod metrics;
mod notices;
mod probes;
mod proxies;
mod recover;
mod registration;
mod requests;
mod server;
mod settings;
mod slots;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use papo_service::{Boot, Failure};
use papo_transport::{HostPort, ZmqContext, ZmqNet};

use crate::server::Server;
use crate::settings::Servidor;

/// How long a replica waits for a slot: longer than the container that it replaces may take to stop.
const SLOT_PATIENCE: Duration = Duration::from_secs(30);

/// How many slots there are where no genesis says how many servidores belong to the cluster.
const SLOTS: usize = 7;

fn main() -> ExitCode {
    papo_service::run(serve)
}

fn serve(boot: Boot<Servidor>) -> Result<(), Failure> {
    let place = Place::find(&boot.settings)?;
    let advertise = advertised(&boot.settings)?;
    let net = ZmqNet::new(&ZmqContext::new())?;
    let mut server = Server::start(net, &boot, &place.name, &place.data, &advertise)?;
    boot.health.set_started();
    server.run(boot)
}

/// Name and data directory, held for as long as this value lives.
struct Place {
    name: String,
    data: PathBuf,
    _slot: Option<slots::Slot>,
}

impl Place {
    fn find(settings: &Servidor) -> Result<Self, Failure> {
        match (&settings.slots, &settings.name, &settings.data) {
            (Some(dir), ..) => {
                let count = if settings.genesis.is_empty() { SLOTS } else { settings.genesis.len() };
                let slot =
                    slots::claim(dir, &settings.slot_prefix, count, SLOT_PATIENCE).map_err(Failure::disk)?;
                tracing::info!(name = slot.name, data = %slot.data.display(), "slot claimed");
                Ok(Self { name: slot.name.clone(), data: slot.data.clone(), _slot: Some(slot) })
            }
            (None, Some(name), Some(data)) => {
                Ok(Self { name: name.clone(), data: data.clone(), _slot: None })
            }
            _ => Err(Failure::config("say `name` and `data`, or `slots`")),
        }
    }
}

/// Where others reach this servidor.
fn advertised(settings: &Servidor) -> Result<HostPort, Failure> {
    if let Some(address) = &settings.advertise {
        return Ok(address.clone());
    }
    if !settings.listen.is_unspecified() {
        return Ok(SocketAddr::new(settings.listen, settings.port).into());
    }
    let uname = rustix::system::uname();
    let host = uname.nodename().to_string_lossy();
    format!("{host}:{}", settings.port).parse().map_err(|error| {
        Failure::config(format!("advertise: the host's name is of no use ({error}); say it"))
    })
}
