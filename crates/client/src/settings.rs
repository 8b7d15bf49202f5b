use std::time::Duration;

use papo_transport::HostPort;

/// Where the chat is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// The brokers: a name that may have many addresses, of which one is used at a time and another as soon as that fails.
    pub broker: HostPort,
    /// The proxies: a name that may have many addresses. All are listened to, so that losing one loses no time; what comes
    /// twice is shown once.
    pub proxy: HostPort,
    /// How often both names are looked up.
    pub refresh: Duration,
}

impl ClientSettings {
    /// Looks both names up every 2 s.
    pub fn new(broker: HostPort, proxy: HostPort) -> Self {
        Self { broker, proxy, refresh: Duration::from_secs(2) }
    }
}
