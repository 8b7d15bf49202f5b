//! Links to the brokers: one DEALER for every address of their names.
//!
//! A beacon goes to each of them all the time, and at once when it has news: a broker sends requests only to servidores
//! that it hears. A broker that does not answer beacons is connected to anew.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use papo_transport::{Change, HostPort, Kind, Net, Resolver, SocketId, SocketOptions, TargetId};
use papo_wire::envelope::{Beacon, State, ToBroker};

/// How often brokers are told that we are here: a quarter of what they wait for.
const BEACON: Duration = Duration::from_millis(100);

/// A broker that has answered no beacon for this long is connected to anew.
const SILENCE: Duration = Duration::from_secs(3);

#[derive(Debug)]
struct Link {
    socket: SocketId,
    heard: Instant,
}

/// All sockets for brokers.
#[derive(Debug)]
pub(crate) struct Brokers {
    targets: Vec<TargetId>,
    links: BTreeMap<SocketAddr, Link>,
    beacon: Beacon,
    next_beacon: Instant,
}

impl Brokers {
    /// Follows every address of every one of `targets`.
    pub(crate) fn new(resolver: &mut Resolver, targets: &[HostPort], name: String, incarnation: u64) -> Self {
        let beacon = Beacon { state: State::Withdrawn, incarnation, index: 0, name };
        let targets = targets.iter().map(|target| resolver.watch(target)).collect();
        Self { targets, links: BTreeMap::new(), beacon, next_beacon: Instant::now() }
    }

    /// Takes a change of addresses; false if it is not about brokers.
    pub(crate) fn resolved(&mut self, net: &mut impl Net, change: &Change) -> bool {
        if !self.targets.contains(&change.target) {
            return false;
        }
        for address in &change.removed {
            if let Some(link) = self.links.remove(address) {
                net.close(link.socket);
            }
        }
        for address in &change.added {
            self.connect(net, *address);
        }
        self.next_beacon = Instant::now();
        true
    }

    fn connect(&mut self, net: &mut impl Net, address: SocketAddr) {
        if let Some(old) = self.links.remove(&address) {
            net.close(old.socket);
        }
        let options = SocketOptions { send_queue: 20_000, receive_queue: 20_000, ..crate::links::options() };
        let opened = net.open(Kind::Dealer, &options).map_err(|error| error.to_string());
        match opened
            .and_then(|socket| net.connect(socket, address).map(|()| socket).map_err(|e| e.to_string()))
        {
            Ok(socket) => {
                tracing::info!(broker = %address, "connecting");
                self.links.insert(address, Link { socket, heard: Instant::now() });
            }
            Err(error) => tracing::warn!(broker = %address, error, "cannot connect"),
        }
    }

    /// Says at once what changed.
    pub(crate) fn announce(&mut self, net: &mut impl Net, state: State, index: u64) {
        self.beacon.state = state;
        self.beacon.index = index;
        self.send_beacons(net);
    }

    /// Sends beacons when it is time; opens silent links anew.
    pub(crate) fn turn(&mut self, net: &mut impl Net, index: u64) {
        let now = Instant::now();
        if now < self.next_beacon {
            return;
        }
        self.beacon.index = index;
        self.send_beacons(net);
        let silent: Vec<SocketAddr> = self
            .links
            .iter()
            .filter(|(_, link)| now.duration_since(link.heard) >= SILENCE)
            .map(|(address, _)| *address)
            .collect();
        for address in silent {
            self.connect(net, address);
        }
    }

    fn send_beacons(&mut self, net: &mut impl Net) {
        self.next_beacon = Instant::now() + BEACON;
        for link in self.links.values() {
            // A broker that is away hears the next one.
            let _ = net.send(link.socket, ToBroker::Beacon(self.beacon.clone()).encode());
        }
    }

    /// A broker answered.
    pub(crate) fn heard(&mut self, socket: SocketId) {
        if let Some(link) = self.links.values_mut().find(|link| link.socket == socket) {
            link.heard = Instant::now();
        }
    }

    /// Whether this socket leads to a broker.
    pub(crate) fn owns(&self, socket: SocketId) -> bool {
        self.links.values().any(|link| link.socket == socket)
    }

    /// How many answered a beacon lately.
    pub(crate) fn alive(&self) -> usize {
        self.links.values().filter(|link| link.heard.elapsed() < SILENCE).count()
    }

    /// When [`Brokers::turn`] is to be called.
    pub(crate) fn deadline(&self) -> Instant {
        self.next_beacon
    }
}
