use std::collections::BTreeMap;
use std::net::SocketAddr;

use papo_client::ClientSettings;
use papo_transport::HostPort;

/// Where the cluster under test is reached from here: numeric addresses that lead to it for as long as the drill lives, whatever
/// becomes of the pods behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Clients' side of brokers. Each client uses one at a time and another as soon as that fails, so with two addresses both
    /// are used; of one address that leads to several brokers, only the broker it leads to at the time.
    pub brokers: Vec<SocketAddr>,
    /// Subscribers' side of proxies. All are listened to at a time, and what comes twice is shown once.
    pub proxies: Vec<SocketAddr>,
    /// Every servidor that is expected to be there, by its name, each at an address of its own.
    pub servidores: BTreeMap<String, SocketAddr>,
}

impl Reach {
    /// The same for the client library.
    pub(crate) fn client_settings(&self) -> ClientSettings {
        let all = |addresses: &[SocketAddr]| addresses.iter().map(|at| HostPort::from(*at)).collect();
        let refresh = std::time::Duration::from_secs(2);
        ClientSettings { brokers: all(&self.brokers), proxies: all(&self.proxies), refresh }
    }
}
