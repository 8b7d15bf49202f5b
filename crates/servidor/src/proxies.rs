//! What subscribers are sent, by way of every proxy.
//!
//! All servidores stay connected to all proxies all the time, though only the coordinator publishes: a PUB socket that connects when
//! it is needed would lose what it is told first. For the same reason a process that has just been started keeps what it publishes
//! until the proxies have had time to answer: it may coordinate sooner than it is connected.

use std::time::{Duration, Instant};

use papo_core::chat::Delivery;
use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{Epoch, Index};
use papo_service::Failure;
use papo_transport::{Change, Frames, HostPort, Kind, Net, Resolver, SocketId, SocketOptions, TargetId};
use papo_wire::publication::{Announcement, Publication, Tip};
use papo_wire::stamp::Stamp;
use papo_wire::topic::{self, Topic};

/// How long connecting to a proxy may take, once its address is known. What is longer than this is lost, and found by
/// clients of ours.
const CONNECTING: Duration = Duration::from_millis(200);

/// How long proxies are waited for that nobody knows an address of.
const UNKNOWN: Duration = Duration::from_secs(1);

/// How many messages wait for each proxy. ZeroMQ keeps them for one that is gone as well, for as long as its name resolves: they must fit
/// into memory. What is dropped beyond, clients find by the index of the message before, and by the tips.
const QUEUE: usize = 10_000;

/// The socket for proxies.
#[derive(Debug)]
pub(crate) struct Proxies {
    targets: Vec<TargetId>,
    socket: SocketId,
    /// When the first connections are there.
    opens: Instant,
    /// What is published then; `None` from then on.
    kept: Option<Vec<Frames>>,
}

impl Proxies {
    /// Follows every address of every one of `targets`.
    pub(crate) fn new(
        net: &mut impl Net,
        resolver: &mut Resolver,
        targets: &[HostPort],
    ) -> Result<Self, Failure> {
        let options = SocketOptions { send_queue: QUEUE, ..crate::links::options() };
        let socket = net.open(Kind::Publish, &options)?;
        let targets = targets.iter().map(|target| resolver.watch(target)).collect();
        Ok(Self { targets, socket, opens: Instant::now() + UNKNOWN, kept: Some(Vec::new()) })
    }

    /// Takes a change of addresses; false if it is not about proxies.
    pub(crate) fn resolved(&mut self, net: &mut impl Net, change: &Change) -> bool {
        if !self.targets.contains(&change.target) {
            return false;
        }
        for address in &change.removed {
            net.disconnect(self.socket, *address);
        }
        for address in &change.added {
            match net.connect(self.socket, *address) {
                Ok(()) => {
                    tracing::info!(proxy = %address, "connecting");
                    self.opens = self.opens.min(Instant::now() + CONNECTING);
                }
                Err(error) => tracing::warn!(proxy = %address, %error, "cannot connect"),
            }
        }
        true
    }

    /// When what was kept is to be published.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.kept.as_ref().map(|_| self.opens)
    }

    /// Publishes what was kept, if it is time.
    pub(crate) fn turn(&mut self, net: &mut impl Net) {
        if self.deadline().is_some_and(|opens| Instant::now() >= opens) {
            for frames in self.kept.take().into_iter().flatten() {
                let _ = net.send(self.socket, frames);
            }
        }
    }

    /// Publishes a message.
    pub(crate) fn publish(&mut self, net: &mut impl Net, delivery: Delivery) {
        let stamp = Stamp::Index(delivery.said.index);
        self.send(net, &Publication::Said(delivery), stamp);
    }

    /// Tells the last index of a topic.
    pub(crate) fn tip(
        &mut self,
        net: &mut impl Net,
        topic: &str,
        index: Index,
        time: WallTime,
        clock: Lamport,
    ) {
        let of = match topic.strip_prefix(topic::USER_PREFIX) {
            Some(user) => papo_core::chat::To::User(user.to_owned()),
            None => papo_core::chat::To::Channel(topic.to_owned()),
        };
        self.send(net, &Publication::Tip(Tip { of, index, time, clock }), Stamp::Unordered);
    }

    /// Announces this servidor as the coordinator.
    pub(crate) fn announce(
        &mut self,
        net: &mut impl Net,
        coordinator: &str,
        epoch: Epoch,
        time: WallTime,
        clock: Lamport,
    ) {
        let announcement = Announcement { coordinator: coordinator.to_owned(), epoch, time, clock };
        self.send(net, &Publication::Coordinator(announcement), Stamp::Epoch(epoch));
    }

    fn send(&mut self, net: &mut impl Net, publication: &Publication, stamp: Stamp) {
        let (topic, payload) = publication.encode();
        debug_assert!(Topic::parse(&topic).is_some(), "everything published has a topic of the system");
        let frames = vec![topic, payload, stamp.encode()];
        match &mut self.kept {
            Some(kept) => kept.push(frames),
            None => {
                // PUB drops what it cannot send; subscribers notice by `previous`, and by tips.
                let _ = net.send(self.socket, frames);
            }
        }
    }
}
