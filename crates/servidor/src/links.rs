//! Links to the other servidores: one DEALER for each, to its ROUTER, and one SUB for what all of them publish.
//!
//! Who is behind an address is learned from greetings: *seeds* are addresses where somebody may be (configured, remembered,
//! listed by the referencia), *links* belong to a name. Both sides of a conversation send on their own DEALER and receive on
//! their own ROUTER, so there is nothing to be kept in step.
//!
//! A link that stays silent is closed and opened again: its address may have gone to somebody else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use papo_core::replica::Message;
use papo_service::Failure;
use papo_transport::{Change, Frames, HostPort, Kind, Net, Resolver, SocketId, SocketOptions, TargetId};
use papo_wire::topic::REPLICATION;

use crate::cut::Cut;
use crate::letter::{self, Address, Sender};

/// After this much silence a link is opened anew. Greetings come every second.
const SILENCE: Duration = Duration::from_secs(3);

/// How long to wait for a connection to whoever has just been started, before it is tried again to greet it.
const NEWCOMER: Duration = Duration::from_millis(10);

/// One batch of entries or one answer to a catch-up, with room to spare.
const LARGEST: usize = 16 << 20;

/// How many messages wait for a slow peer before it misses some.
const QUEUE: usize = 10_000;

/// How many batches of the log wait for a peer that is frozen before it misses some, which it then fetches. Batches may be half a
/// megabyte each, and memory is for those who read.
const BATCHES: usize = 128;

#[derive(Debug)]
enum Target {
    Seed,
    Peer(String),
    Replication,
}

#[derive(Debug)]
struct Link {
    address: Address,
    peer: TargetId,
    replication: TargetId,
    dealer: Option<(SocketId, SocketAddr)>,
    heard: Instant,
    /// Of the process at the other end, once it has greeted.
    incarnation: u64,
}

/// All sockets for servidores.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) router: SocketId,
    pub(crate) subscriber: SocketId,
    publisher: SocketId,
    own: Address,
    targets: BTreeMap<TargetId, Target>,
    seeds: BTreeMap<SocketAddr, SocketId>,
    seed_names: BTreeSet<String>,
    links: BTreeMap<String, Link>,
    /// Processes that were started lately and are not told yet who we are: they cannot send us anything before.
    newcomers: BTreeMap<String, Newcomer>,
    /// Whom a drill keeps apart from us.
    pub(crate) cut: Cut,
    reviewed: Instant,
}

/// When to greet it, and when to leave it to the greetings of every second.
#[derive(Clone, Copy, Debug)]
struct Newcomer {
    at: Instant,
    until: Instant,
}

pub(crate) fn options() -> SocketOptions {
    SocketOptions { max_message: LARGEST, send_queue: QUEUE, receive_queue: QUEUE }
}

/// For the sockets that batches of the log leave and arrive by.
fn replication_options() -> SocketOptions {
    SocketOptions { max_message: LARGEST, send_queue: BATCHES, receive_queue: BATCHES }
}

impl Links {
    /// Binds our side. `advertised` tells others where it is.
    pub(crate) fn bind(
        net: &mut impl Net,
        peer: SocketAddr,
        replication: SocketAddr,
        advertised: &HostPort,
    ) -> Result<Self, Failure> {
        let router = net.open(Kind::Router, &options())?;
        let bound = net.bind(router, peer).map_err(Failure::config)?;
        let publisher = net.open(Kind::Publish, &replication_options())?;
        let published = net.bind(publisher, replication).map_err(Failure::config)?;
        let subscriber = net.open(Kind::Subscribe, &replication_options())?;
        net.subscribe(subscriber, REPLICATION.as_bytes());
        let own = Address {
            peer: advertised.to_string(),
            replication: advertised.with_port(published.port()).to_string(),
        };
        tracing::info!(address = %bound, replication = %published, advertised = %own.peer, "listening for servidores");
        Ok(Self {
            router,
            subscriber,
            publisher,
            own,
            targets: BTreeMap::new(),
            seeds: BTreeMap::new(),
            seed_names: BTreeSet::new(),
            links: BTreeMap::new(),
            newcomers: BTreeMap::new(),
            cut: Cut::default(),
            reviewed: Instant::now(),
        })
    }

    /// Where others reach us.
    pub(crate) fn own(&self) -> &Address {
        &self.own
    }

    /// Greets whoever is at `target` from now on, unless that is known already.
    pub(crate) fn add_seed(&mut self, resolver: &mut Resolver, target: &HostPort) {
        let name = target.to_string();
        let known = name == self.own.peer || self.links.values().any(|link| link.address.peer == name);
        if !known && self.seed_names.insert(name) {
            self.targets.insert(resolver.watch(target), Target::Seed);
        }
    }

    /// Somebody was heard, and may have said where it is. True if that is news.
    pub(crate) fn heard(
        &mut self,
        net: &mut impl Net,
        resolver: &mut Resolver,
        name: &str,
        address: Option<Address>,
        incarnation: Option<u64>,
    ) -> bool {
        if let Some(link) = self.links.get_mut(name) {
            link.heard = Instant::now();
            if link.greeted_by(net, incarnation) {
                self.newcomers.insert(name.to_owned(), Newcomer::new());
            }
            if address.as_ref().is_none_or(|address| *address == link.address) {
                return false;
            }
        }
        let Some(address) = address else { return false };
        let (Ok(peer), Ok(replication)) =
            (address.peer.parse::<HostPort>(), address.replication.parse::<HostPort>())
        else {
            tracing::warn!(servidor = name, address = address.peer, "peer announced an invalid address");
            return false;
        };
        self.forget(net, resolver, name);
        tracing::info!(servidor = name, address = %peer, "peer connected");
        let link = Link {
            address,
            peer: resolver.watch(&peer),
            replication: resolver.watch(&replication),
            dealer: None,
            heard: Instant::now(),
            incarnation: incarnation.unwrap_or(0),
        };
        self.targets.insert(link.peer, Target::Peer(name.to_owned()));
        self.targets.insert(link.replication, Target::Replication);
        self.links.insert(name.to_owned(), link);
        self.newcomers.insert(name.to_owned(), Newcomer::new());
        true
    }

    fn forget(&mut self, net: &mut impl Net, resolver: &mut Resolver, name: &str) {
        let Some(link) = self.links.remove(name) else { return };
        for target in [link.peer, link.replication] {
            resolver.forget(target);
            self.targets.remove(&target);
        }
        if let Some((socket, _)) = link.dealer {
            net.close(socket);
        }
    }

    /// Takes a change of addresses; false if it is not about servidores.
    pub(crate) fn resolved(&mut self, net: &mut impl Net, change: &Change) -> bool {
        match self.targets.get(&change.target) {
            None => return false,
            Some(Target::Seed) => {
                for address in &change.removed {
                    if let Some(socket) = self.seeds.remove(address) {
                        net.close(socket);
                    }
                }
                for address in &change.added {
                    if let Some(socket) = dealer(net, *address) {
                        self.seeds.insert(*address, socket);
                    }
                }
            }
            Some(Target::Peer(name)) => {
                if let (Some(link), Some(address)) = (self.links.get_mut(name), change.added.first()) {
                    link.connect(net, *address);
                }
            }
            Some(Target::Replication) => {
                for address in &change.removed {
                    net.disconnect(self.subscriber, *address);
                }
                for address in &change.added {
                    if let Err(error) = net.connect(self.subscriber, *address) {
                        tracing::warn!(%address, %error, "cannot follow what a servidor publishes");
                    }
                }
            }
        }
        true
    }

    /// Opens silent links anew.
    pub(crate) fn review(&mut self, net: &mut impl Net) {
        let now = Instant::now();
        if now.duration_since(self.reviewed) < SILENCE {
            return;
        }
        self.reviewed = now;
        for link in self.links.values_mut().filter(|link| now.duration_since(link.heard) >= SILENCE) {
            if let Some((_, address)) = link.dealer {
                link.connect(net, address);
            }
        }
    }

    /// Sends to one servidor; false if it is not known or its queue is full.
    pub(crate) fn send(&self, net: &mut impl Net, to: &str, header: &[u8], message: &Message) -> bool {
        if self.cut.severs(to) {
            return true;
        }
        let Some((socket, _)) = self.links.get(to).and_then(|link| link.dealer) else { return false };
        net.send(socket, vec![header.to_vec(), letter::encode(message)]).is_ok()
    }

    /// Sends to all servidores over the publishing socket. Where some are cut off, to each of the others by itself: what is
    /// published reaches everybody.
    pub(crate) fn broadcast(&self, net: &mut impl Net, header: &[u8], message: &Message) {
        if self.cut.severs_some() {
            for name in self.links.keys() {
                self.send(net, name, header, message);
            }
            return;
        }
        let frames: Frames = vec![REPLICATION.as_bytes().to_vec(), header.to_vec(), letter::encode(message)];
        // PUB drops what it cannot send; beacons tell the others that they missed something.
        let _ = net.send(self.publisher, frames);
    }

    /// Greets everybody, and every address where somebody may be.
    pub(crate) fn greet(&self, net: &mut impl Net, sender: &Sender, message: &Message) {
        let frames = self.greeting(sender, message);
        let linked = self.links.iter().filter(|(name, _)| !self.cut.severs(name));
        let linked = linked.filter_map(|(_, link)| link.dealer);
        let known: BTreeSet<SocketAddr> = linked.clone().map(|(_, address)| address).collect();
        // Whoever is cut off may be behind any of the others.
        let seeds = self.seeds.iter().filter(|_| !self.cut.severs_some());
        let seeds = seeds.filter(|(address, _)| !known.contains(*address)).map(|(_, socket)| *socket);
        for socket in linked.map(|(socket, _)| socket).chain(seeds) {
            // Whoever is not there is greeted again in a second.
            let _ = net.send(socket, frames.clone());
        }
    }

    /// When somebody who was started lately has to be greeted.
    pub(crate) fn newcomers_deadline(&self) -> Option<Instant> {
        self.newcomers.values().map(|newcomer| newcomer.at).min()
    }

    /// Greets those who were started lately, as soon as there is a connection to them: in the second until the next greeting
    /// they would serve clients, and could hand nothing over to us.
    pub(crate) fn greet_newcomers(&mut self, net: &mut impl Net, sender: &Sender, message: &Message) {
        let frames = self.greeting(sender, message);
        let now = Instant::now();
        let (links, cut) = (&self.links, &self.cut);
        self.newcomers.retain(|name, newcomer| {
            if cut.severs(name) {
                return false;
            }
            if now < newcomer.at {
                return true;
            }
            newcomer.at = now + NEWCOMER;
            let socket = links.get(name).and_then(|link| link.dealer).map(|(socket, _)| socket);
            let greeted = socket.is_some_and(|socket| net.send(socket, frames.clone()).is_ok());
            !greeted && now < newcomer.until
        });
    }

    fn greeting(&self, sender: &Sender, message: &Message) -> Frames {
        let sender = Sender { address: Some(self.own.clone()), ..sender.clone() };
        vec![sender.encode(), letter::encode(message)]
    }

    /// Names and addresses, to be remembered.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&str, &str)> {
        self.links.iter().map(|(name, link)| (name.as_str(), link.address.peer.as_str()))
    }
}

impl Newcomer {
    fn new() -> Self {
        let at = Instant::now();
        Self { at, until: at + SILENCE }
    }
}

impl Link {
    /// A process that was started anew is connected to at once; true if it was. By itself the socket would try again later and
    /// later, up to a second apart, and the other side would serve clients without what we have for it.
    fn greeted_by(&mut self, net: &mut impl Net, incarnation: Option<u64>) -> bool {
        let Some(incarnation) = incarnation else { return false };
        let before = std::mem::replace(&mut self.incarnation, incarnation);
        if before == incarnation {
            return false;
        }
        if let Some((_, address)) = self.dealer {
            self.connect(net, address);
        }
        true
    }

    fn connect(&mut self, net: &mut impl Net, address: SocketAddr) {
        if let Some((socket, _)) = self.dealer.take() {
            net.close(socket);
        }
        self.dealer = dealer(net, address).map(|socket| (socket, address));
    }
}

fn dealer(net: &mut impl Net, address: SocketAddr) -> Option<SocketId> {
    let opened = net.open(Kind::Dealer, &options()).map_err(|error| error.to_string());
    let connected = opened.and_then(|socket| match net.connect(socket, address) {
        Ok(()) => Ok(socket),
        Err(error) => {
            net.close(socket);
            Err(error.to_string())
        }
    });
    connected.map_err(|error| tracing::warn!(%address, error, "cannot connect to servidor")).ok()
}
