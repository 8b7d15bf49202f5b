//! Which service listens where.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The lowest of the wire's ports: the proxy's, for publishers.
pub(crate) const LOWEST: u16 = 5555;

/// How far the second broker is from the first. More servidores than can be members fit in between.
const APART: u16 = 200;

/// The wire's ports, moved so that the lowest is where it should be. Numbers of services count from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    lowest: u16,
}

impl Ports {
    pub(crate) fn new(lowest: u16) -> Self {
        Self { lowest }
    }

    pub(super) fn proxy_publishers(self, number: u16) -> SocketAddr {
        self.at(5555 + APART * (number - 1))
    }

    pub(super) fn proxy_subscribers(self, number: u16) -> SocketAddr {
        self.at(5556 + APART * (number - 1))
    }

    pub(super) fn broker_clients(self, number: u16) -> SocketAddr {
        self.at(5557 + APART * (number - 1))
    }

    pub(super) fn broker_servidores(self, number: u16) -> SocketAddr {
        self.at(5558 + APART * (number - 1))
    }

    pub(super) fn referencia(self) -> SocketAddr {
        self.at(5560)
    }

    /// Where servidor `number` is asked by others, and by `papo members`.
    pub(crate) fn servidor(self, number: u16) -> SocketAddr {
        self.at(5570 + 10 * number)
    }

    pub(super) fn replication(self, number: u16) -> SocketAddr {
        self.at(5571 + 10 * number)
    }

    /// Where the wire's port `port` is here.
    fn at(self, port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.lowest + (port - LOWEST)))
    }
}

/// Why a port cannot be listened on, if so. It is free again when this returns.
pub(super) fn occupied(address: SocketAddr) -> Option<std::io::Error> {
    TcpListener::bind(address).err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(ports: Ports) -> Vec<u16> {
        let pairs = (1..=9).flat_map(|n| {
            [
                ports.proxy_publishers(n),
                ports.proxy_subscribers(n),
                ports.broker_clients(n),
                ports.broker_servidores(n),
                ports.servidor(n),
                ports.replication(n),
            ]
        });
        pairs.chain([ports.referencia()]).map(|address| address.port()).collect()
    }

    #[test]
    fn the_first_of_each_has_the_port_of_the_wire() {
        let ports = Ports::new(LOWEST);
        let first = [
            ports.proxy_publishers(1),
            ports.proxy_subscribers(1),
            ports.broker_clients(1),
            ports.broker_servidores(1),
            ports.referencia(),
            ports.servidor(1),
            ports.replication(1),
        ];
        assert_eq!(first.map(|address| address.port()), [5555, 5556, 5557, 5558, 5560, 5580, 5581]);
    }

    #[test]
    fn no_port_is_used_twice_and_all_exist_wherever_the_lowest_is() {
        for lowest in [1024, LOWEST, 60_000] {
            let mut ports = all(Ports::new(lowest));
            let count = ports.len();
            ports.sort_unstable();
            ports.dedup();
            assert_eq!(ports.len(), count);
            assert_eq!(ports[0], lowest);
        }
    }

    #[test]
    fn a_port_that_is_taken_is_noticed_and_a_free_one_stays_free() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address");
        assert!(occupied(address).is_some());
        drop(taken);
        assert!(occupied(address).is_none());
        assert!(occupied(address).is_none());
    }
}
