use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use papo_service::{Mistake, Settings, duration};

use crate::dispatcher::{Policy, RateLimit};

/// Takes requests of clients and spreads them over the live servidores.
///
/// Clients connect a REQ socket to --client-port, servidores a DEALER to --servidor-port. A servidor is live while its
/// beacons arrive (every 100 ms; 400 ms of silence and it gets nothing more). A request whose servidor dies, withdraws or
/// takes longer than a second goes to another one under the same id, so that it takes effect once. A client is always
/// answered: by a servidor, or by the broker with an error, at --deadline at the latest.
///
/// Run as many brokers as you like; they do not know each other. SIGTERM: what is open is answered, and the broker ends as soon
/// as nobody asks for anything. In the second half of --grace new requests are refused.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "broker", version)]
pub struct BrokerSettings {
    /// Address of this host to listen on; 0.0.0.0 is all of them, :: is all of them with IPv6
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    pub listen: IpAddr,
    /// Port for clients
    #[arg(long, value_name = "PORT", default_value_t = 5557)]
    pub client_port: u16,
    /// Port for servidores
    #[arg(long, value_name = "PORT", default_value_t = 5558)]
    pub servidor_port: u16,
    /// When a client is answered with an error if no servidor has answered, from the arrival of its request
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub deadline: Duration,
    /// Requests that one servidor may have unanswered; more wait here
    #[arg(long, value_name = "N", default_value_t = 4096)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_in_flight: u32,
    /// Requests that may wait here while no servidor has room; more are refused at once
    #[arg(long, value_name = "N", default_value_t = 16_384)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_waiting: u32,
    /// Memory that open requests may take, in MiB; more are refused at once
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_memory: u32,
    /// Requests a second that one connection may send on average; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = 5000)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub rate_limit: u32,
    /// Requests that one connection may send at once after a silence
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate_burst: u32,
    /// How long open requests may still be answered after SIGTERM
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub grace: Duration,
}

impl Settings for BrokerSettings {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.client_port == self.servidor_port && self.client_port != 0 {
            mistakes.push(Mistake::new("servidor-port", "must not be the same as client-port"));
        }
        if self.deadline < Duration::from_millis(500) {
            mistakes.push(Mistake::new(
                "deadline",
                "must be 500ms or more: a dead servidor is noticed after 400ms",
            ));
        }
        mistakes
    }
}

impl BrokerSettings {
    /// Where clients connect.
    pub fn client_address(&self) -> SocketAddr {
        SocketAddr::new(self.listen, self.client_port)
    }

    /// Where servidores connect.
    pub fn servidor_address(&self) -> SocketAddr {
        SocketAddr::new(self.listen, self.servidor_port)
    }

    /// How the dispatcher decides.
    pub fn policy(&self) -> Policy {
        Policy {
            deadline: self.deadline,
            most_in_flight: count(self.max_in_flight),
            most_waiting: count(self.max_waiting),
            most_bytes: count(self.max_memory) << 20,
            rate: RateLimit::new(self.rate_limit, self.rate_burst),
            ..Policy::default()
        }
    }
}

fn count(number: u32) -> usize {
    usize::try_from(number).expect("a word has 32 bits or more")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn mistakes(arguments: &[&str]) -> Vec<String> {
        let settings =
            BrokerSettings::try_parse_from([&["broker"], arguments].concat()).expect("each key is right");
        settings.mistakes().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_defaults_are_those_of_the_wire_protocol() {
        let settings = BrokerSettings::try_parse_from(["broker"]).expect("no key is required");
        assert!(settings.mistakes().is_empty());
        assert_eq!(settings.client_address().to_string(), "0.0.0.0:5557");
        assert_eq!(settings.servidor_address().to_string(), "0.0.0.0:5558");
        assert_eq!(settings.policy().deadline, Duration::from_secs(5));
    }

    #[test]
    fn what_cannot_work_together_is_a_mistake() {
        assert_eq!(mistakes(&["--client-port=1", "--servidor-port=1"]).len(), 1);
        assert_eq!(mistakes(&["--client-port=0", "--servidor-port=0"]).len(), 0);
        let mistakes = mistakes(&["--deadline=499ms"]);
        assert!(mistakes[0].starts_with("deadline: must be 500ms or more"), "{mistakes:?}");
    }

    #[test]
    fn a_rate_limit_of_zero_is_none() {
        let settings = BrokerSettings::try_parse_from(["broker", "--rate-limit=0"]).expect("right");
        assert_eq!(settings.policy().rate, None);
    }
}
