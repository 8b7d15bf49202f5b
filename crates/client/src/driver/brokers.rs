//! The ways to a broker: one socket for each address, of which each session uses one until it fails.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use papo_core::clock::Instant;
use papo_transport::{Change, Frames, Kind, LinkChanges, Links, Net, SocketId, SocketOptions};

/// A broker answers everything within its deadline, so a connection on which nothing at all comes back for this long leads
/// nowhere, whatever TCP believes.
const SILENCE: Duration = Duration::from_secs(10);

/// All brokers that the name has.
pub(super) struct Brokers {
    links: Links,
    /// Since when each link has been asked something without any answer.
    silent: HashMap<SocketAddr, Instant>,
}

impl Brokers {
    pub(super) fn new() -> Self {
        // Room for one request of each of a few thousand sessions; more wait with their sessions.
        let options = SocketOptions { send_queue: 4096, receive_queue: 4096, ..SocketOptions::default() };
        Self { links: Links::new(Kind::Dealer, options), silent: HashMap::new() }
    }

    pub(super) fn follow(&mut self, net: &mut impl Net, change: &Change) {
        let changes = self.links.follow(net, change);
        self.note(&changes);
    }

    /// Sends by way number `way`, or by the next one that takes it; tells which, or `None` if none does.
    pub(super) fn send(
        &mut self,
        net: &mut impl Net,
        now: Instant,
        way: usize,
        frames: &Frames,
    ) -> Option<usize> {
        let links: Vec<_> = self.links.iter().collect();
        for step in 0..links.len() {
            let way = (way + step) % links.len();
            let (address, socket) = links[way];
            if net.send(socket, frames.clone()).is_ok() {
                self.silent.entry(address).or_insert(now);
                return Some(way);
            }
        }
        None
    }

    pub(super) fn is_link(&self, socket: SocketId) -> bool {
        self.links.address(socket).is_some()
    }

    /// Something came in by that socket.
    pub(super) fn heard(&mut self, socket: SocketId) {
        if let Some(address) = self.links.address(socket) {
            self.silent.remove(&address);
        }
    }

    /// Opens anew what has been silent for too long, and what could not be opened before.
    pub(super) fn repair(&mut self, net: &mut impl Net, now: Instant) {
        let changes = self.links.repair(net);
        self.note(&changes);
        let silent = self.silent.iter().filter(|(_, since)| now.since(**since) >= SILENCE);
        let silent: Vec<SocketAddr> = silent.map(|(address, _)| *address).collect();
        for address in silent {
            tracing::debug!(%address, "a broker has been silent: connecting anew");
            let changes = self.links.reopen(net, address);
            self.note(&changes);
        }
    }

    fn note(&mut self, changes: &LinkChanges) {
        for (address, _) in &changes.closed {
            self.silent.remove(address);
        }
        for error in &changes.failed {
            tracing::warn!(%error, "cannot connect to broker");
        }
    }
}
