use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use papo_core::members::{MAX_MEMBERS, is_server_name};
use papo_service::{Mistake, Settings};
use papo_transport::HostPort;

/// The chat itself: replicated state, history, election, clock.
///
/// Each servidor keeps the whole history on its own disk. A write is answered once a majority of them has it on disk; any
/// minority may be killed, cut off or lose its disk at any moment. Start three, each with its own name and data directory:
///
///   servidor --name servidor-1 --data /data/1 --genesis servidor-1,servidor-2,servidor-3 --peers host2:5570,host3:5570
///
/// The first name of --genesis founds the cluster, once, when all of them are there with empty disks. A servidor that comes
/// back with an empty disk learns the history from the others, and counts again when it has it. So does one of another name
/// that comes later, once `papo members admit` said that it is to be a member.
///
/// Every setting can be given as a flag, as an environment variable (PAPO_NAME), or in a YAML file (name: servidor-1);
/// the first of them wins.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "servidor", version)]
pub(crate) struct Servidor {
    /// Its name: unique in the cluster, and the same after every restart
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Directory of its database; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Instead of --name and --data: take the first free slot of this directory, and the name that belongs to it
    ///
    /// For containers that have no stable name of their own: all replicas share the volume, and each claims a slot
    /// (DIR/1, DIR/2, ...) under a lock that ends with its process.
    #[arg(long, value_name = "DIR")]
    pub(crate) slots: Option<PathBuf>,
    /// What names of slots begin with: slot 2 is PREFIX-2
    #[arg(long, value_name = "PREFIX", default_value = "servidor")]
    pub(crate) slot_prefix: String,
    /// IP address to listen on
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    pub(crate) listen: IpAddr,
    /// Port for other servidores
    #[arg(long, value_name = "PORT", default_value_t = 5570)]
    pub(crate) port: u16,
    /// Port on which the log is published to other servidores [default: the port after --port]
    #[arg(long, value_name = "PORT")]
    pub(crate) replication_port: Option<u16>,
    /// Where others reach this servidor [default: the host's name and --port]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) advertise: Option<HostPort>,
    /// Where the brokers are; every address of each name is used
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',', default_value = "broker:5558")]
    pub(crate) broker: Vec<HostPort>,
    /// Where the proxies are; every address of each name is used
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',', default_value = "proxy:5555")]
    pub(crate) proxy: Vec<HostPort>,
    /// Where the referencia is
    #[arg(long, value_name = "HOST:PORT", default_value = "referencia:5560")]
    pub(crate) referencia: HostPort,
    /// Where other servidores may be found, besides those that the referencia lists; names may have several addresses
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',')]
    pub(crate) peers: Vec<HostPort>,
    /// Who founds a new cluster: names of all its servidores, the same list at each; the first one proposes it
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) genesis: Vec<String>,
    /// How long a stop may take: requests in flight are answered, and the coordination is handed over
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = papo_service::duration)]
    pub(crate) grace: Duration,
    /// Whether drills may crash, freeze, cut off and break this servidor: for tests only
    #[arg(long, value_name = "true|false", default_value_t = false, action = clap::ArgAction::Set)]
    pub(crate) drill_hooks: bool,
    /// Address where drills do so, as 127.0.0.1:9101; needs --drill-hooks true
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) drill_listen: Option<SocketAddr>,
}

impl Settings for Servidor {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        match (&self.slots, &self.name, &self.data) {
            (None, name, data) => {
                if name.is_none() {
                    mistakes.push(Mistake::new(
                        "name",
                        "is missing: say how this servidor is called, as servidor-1",
                    ));
                }
                if data.is_none() {
                    mistakes
                        .push(Mistake::new("data", "is missing: say where its database is to be, as /data"));
                }
            }
            (Some(_), None, None) => {}
            (Some(_), ..) => {
                mistakes.push(Mistake::new(
                    "slots",
                    "replaces `name` and `data`: give either these two or `slots`",
                ));
            }
        }
        let named = self.name.iter().chain(&self.genesis).chain([&self.slot_prefix]);
        for name in named.filter(|name| !is_server_name(name)) {
            let wrong = format!("`{name}` is no name: use 1 to 63 letters, digits, `-`, `_` or `.`");
            mistakes.push(Mistake::new("name", wrong));
        }
        let mut genesis = self.genesis.clone();
        genesis.sort_unstable();
        genesis.dedup();
        if genesis.len() != self.genesis.len() {
            mistakes.push(Mistake::new("genesis", "names a servidor twice"));
        }
        if genesis.len() > MAX_MEMBERS {
            mistakes.push(Mistake::new("genesis", format!("names more than {MAX_MEMBERS} servidores")));
        }
        match (self.drill_hooks, self.drill_listen) {
            (true, None) => mistakes.push(Mistake::new(
                "drill-hooks",
                "are served nowhere: say `drill-listen`, as 127.0.0.1:9101",
            )),
            (false, Some(_)) => {
                mistakes.push(Mistake::new("drill-listen", "is of no use without `drill-hooks` being true"));
            }
            _ => {}
        }
        mistakes
    }

    fn drill_hooks(&self) -> Option<SocketAddr> {
        self.drill_listen.filter(|_| self.drill_hooks)
    }
}
