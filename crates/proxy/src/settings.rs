use std::net::{IpAddr, SocketAddr};

use papo_service::{Mistake, Settings};

use crate::subscriptions::Rules;

/// Fans out what servidores publish to whoever subscribed.
///
/// Servidores connect a PUB socket to --publisher-port, clients a SUB socket to --subscriber-port. Each message is
/// forwarded once and in the order of the log, however many servidores publish it. A subscriber that does not keep up
/// misses messages (clients of ours notice and fetch them), and never slows the others.
///
/// A subscription must be a topic in full, a channel's name, user:NAME, servers or tip:TOPIC, and is sent that topic
/// only. Everything else (the empty one, a bare user:) is refused, silently, as ZeroMQ has no way to say no.
///
/// Run as many proxies as you like: servidores publish to all of them, a client needs one.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "proxy", version)]
pub struct ProxySettings {
    /// Address of this host to listen on; 0.0.0.0 is all of them, :: is all of them with IPv6
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    pub listen: IpAddr,
    /// Port for servidores
    #[arg(long, value_name = "PORT", default_value_t = 5555)]
    pub publisher_port: u16,
    /// Port for subscribers
    #[arg(long, value_name = "PORT", default_value_t = 5556)]
    pub subscriber_port: u16,
    /// Which subscriptions are accepted
    #[arg(long, value_name = "RULES", default_value = "open")]
    pub subscriptions: Rules,
    /// Messages that one subscriber may be behind; what comes then, it misses
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub subscriber_queue: u32,
}

impl Settings for ProxySettings {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.publisher_port == self.subscriber_port && self.publisher_port != 0 {
            mistakes.push(Mistake::new("subscriber-port", "must not be the same as publisher-port"));
        }
        mistakes
    }
}

impl ProxySettings {
    /// Where servidores connect.
    pub fn publisher_address(&self) -> SocketAddr {
        SocketAddr::new(self.listen, self.publisher_port)
    }

    /// Where subscribers connect.
    pub fn subscriber_address(&self) -> SocketAddr {
        SocketAddr::new(self.listen, self.subscriber_port)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_wire_protocol() {
        let settings = ProxySettings::try_parse_from(["proxy"]).expect("no key is required");
        assert!(settings.mistakes().is_empty());
        assert_eq!(settings.publisher_address().to_string(), "0.0.0.0:5555");
        assert_eq!(settings.subscriber_address().to_string(), "0.0.0.0:5556");
        assert_eq!(settings.subscriptions, Rules::Open);
    }

    #[test]
    fn one_port_for_both_sides_is_a_mistake() {
        let arguments = ["proxy", "--publisher-port=1", "--subscriber-port=1"];
        let settings = ProxySettings::try_parse_from(arguments).expect("each key is right");
        assert_eq!(settings.mistakes().len(), 1);
    }
}
