use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

/// A host (a name, or an IP address) and a port, as people write them: `broker:5557`, `tcp://broker:5557`,
/// `10.0.0.7:5557`, `[::1]:5557`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Host {
    Name(String),
    Address(IpAddr),
}

/// Why a text is not a [`HostPort`].
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum HostPortError {
    /// No `:port` at the end.
    #[error("{0:?}: expected host:port")]
    NoPort(String),
    /// The port is not a number between 1 and 65535.
    #[error("{0:?}: the port must be a number between 1 and 65535")]
    BadPort(String),
    /// The host is empty, too long, or has a character that no host name has. An IPv6 address needs brackets.
    #[error("{0:?}: not a host name or IP address (IPv6 needs brackets: [::1]:5557)")]
    BadHost(String),
}

impl HostPort {
    /// The host as it was written, without brackets.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.host {
            Host::Name(name) => name.clone(),
            Host::Address(ip) => ip.to_string(),
        }
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, when the host is one already and needs no resolving.
    #[must_use]
    pub fn numeric(&self) -> Option<SocketAddr> {
        match self.host {
            Host::Address(ip) => Some(SocketAddr::new(ip, self.port)),
            Host::Name(_) => None,
        }
    }

    /// The same host with another port.
    #[must_use]
    pub fn with_port(&self, port: u16) -> Self {
        Self { host: self.host.clone(), port }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self { host: Host::Address(address.ip()), port: address.port() }
    }
}

impl FromStr for HostPort {
    type Err = HostPortError;

    fn from_str(text: &str) -> Result<Self, HostPortError> {
        let bare = text.strip_prefix("tcp://").unwrap_or(text);
        let (host, port) = bare.rsplit_once(':').ok_or_else(|| HostPortError::NoPort(text.to_owned()))?;
        let host = parse_host(host).ok_or_else(|| HostPortError::BadHost(text.to_owned()))?;
        let port = parse_port(port).ok_or_else(|| HostPortError::BadPort(text.to_owned()))?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => write!(f, "{name}:{}", self.port),
            Host::Address(ip) => SocketAddr::new(*ip, self.port).fmt(f),
        }
    }
}

fn parse_port(text: &str) -> Option<u16> {
    // `u16::from_str` takes a leading plus sign.
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|port| *port != 0)
}

fn parse_host(text: &str) -> Option<Host> {
    if let Some(inner) = text.strip_prefix('[') {
        let ip: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(Host::Address(ip.into()));
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Some(Host::Address(ip.into()));
    }
    let name_like = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let valid = !text.is_empty() && text.len() <= 253 && text.bytes().all(name_like);
    valid.then(|| Host::Name(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read_as_people_write_them() {
        for (text, host, port, numeric) in [
            ("broker:5557", "broker", 5557, false),
            ("tcp://broker:5557", "broker", 5557, false),
            (
                "servidor-0.servidor.chat.svc.cluster.local:5570",
                "servidor-0.servidor.chat.svc.cluster.local",
                5570,
                false,
            ),
            ("papo_broker_1:1", "papo_broker_1", 1, false),
            ("10.0.0.7:65535", "10.0.0.7", 65535, true),
            ("[::1]:5557", "::1", 5557, true),
            ("tcp://[fe80::1]:5557", "fe80::1", 5557, true),
        ] {
            let parsed: HostPort = text.parse().unwrap();
            assert_eq!((parsed.host().as_str(), parsed.port()), (host, port));
            assert_eq!(parsed.numeric().is_some(), numeric, "{text}");
            assert_eq!(parsed.to_string(), text.trim_start_matches("tcp://"));
        }
    }

    #[test]
    fn each_mistake_is_named() {
        use HostPortError::{BadHost, BadPort, NoPort};
        let error = |text: &str| text.parse::<HostPort>().unwrap_err();
        for text in ["broker", "", "tcp"] {
            assert_eq!(error(text), NoPort(text.to_owned()));
        }
        for text in ["broker:", "broker:0", "broker:65536", "broker:+1", "broker:x", "[::1]:"] {
            assert_eq!(error(text), BadPort(text.to_owned()));
        }
        for text in
            [":5557", "::1:5557", "a b:5557", "udp://broker:5557", "[::1:5557", "[broker]:5557", "é:1"]
        {
            assert_eq!(error(text), BadHost(text.to_owned()));
        }
    }

    #[test]
    fn another_port_keeps_the_host() {
        let host: HostPort = "servidor-1:5570".parse().unwrap();
        assert_eq!(host.with_port(5571).to_string(), "servidor-1:5571");
    }
}
