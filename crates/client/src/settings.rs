use std::time::Duration;

use papo_transport::HostPort;

/// Where the chat is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// The brokers: names that may have many addresses, of which one is used at a time and another as soon as that fails.
    pub brokers: Vec<HostPort>,
    /// The proxies: names that may have many addresses. All are listened to, so that losing one loses no time; what comes
    /// twice is shown once.
    pub proxies: Vec<HostPort>,
    /// How often all names are looked up.
    pub refresh: Duration,
}

impl ClientSettings {
    /// One name for all brokers and one for all proxies, looked up every 2 s.
    pub fn new(broker: HostPort, proxy: HostPort) -> Self {
        Self { brokers: vec![broker], proxies: vec![proxy], refresh: Duration::from_secs(2) }
    }
}
