//! A cluster in one thread: replicas driven exactly as the services drive them, in virtual time, over a simulated network
//! and simulated disks, with every random choice from one seed.
//!
//! A servidor's process looks at its inbox a moment after something arrived, takes all that is there, then a tick if the deadline
//! has come, and then does everything the core says, as the loop of the real one does. What that was is checked at once
//! (`canon`), so that a run ends where a promise is broken.

pub mod canon;
pub mod clients;
pub mod disk;
mod duties;
mod errands;
mod faults;
pub mod network;
pub mod node;
mod proxy;
mod services;
pub mod time;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use papo_core::chat::Delivery;
use papo_core::log::{ClusterId, Entry, Index, Position};
use papo_core::members::{DiskId, Member, MemberId};
use papo_core::replica::{Answer, Ask, Availability, Input, Message, Notice, RoleName, Status, Ticket};

use canon::Canon;
use clients::Client;
use disk::Content;
use network::{Link, Network};
use node::{Incoming, Node, name};
use proxy::Proxy;
use services::{ServiceEvent, Services};
use time::{MS, Time, US};

use crate::checks::{p7_availability, require};
use crate::coverage::{Coverage, Happening};
use crate::plan::Point;

/// Something that will happen.
#[derive(Debug)]
enum Event {
    Arrives {
        to: usize,
        letter: Letter,
    },
    /// The process looks at its inbox.
    Turn {
        node: usize,
        generation: u64,
    },
    /// The process wakes up by itself.
    Wakes {
        node: usize,
        generation: u64,
    },
    Synced {
        node: usize,
        generation: u64,
    },
    /// The process is killed.
    Dies {
        node: usize,
        generation: u64,
        at: Point,
    },
    /// A process that was asked to end had its time.
    GraceOver {
        node: usize,
        generation: u64,
    },
    /// Something among the services around the servidores.
    Service(ServiceEvent),
    /// A servidor learns where another one is now.
    Resolved {
        link: Link,
    },
    LogRead {
        node: usize,
        generation: u64,
        read: u64,
        entries: Vec<Arc<Entry>>,
    },
    Asked {
        node: usize,
        ticket: Ticket,
        ask: Ask,
        patience: Time,
    },
    Answered {
        node: usize,
        ticket: Ticket,
        answer: Answer,
        applied: Index,
        shown: Index,
    },
    Published {
        proxy: usize,
        delivery: Box<Delivery>,
    },
    /// A client goes on: with its next wish, or with another attempt at this one.
    Client {
        client: usize,
    },
    /// A client's attempt had no answer in time.
    Silence {
        client: usize,
        ticket: Ticket,
    },
}

/// A message on its way.
#[derive(Clone, Debug)]
struct Letter {
    from: MemberId,
    cluster: Option<ClusterId>,
    message: Message,
}

struct Scheduled {
    at: Time,
    number: u64,
    /// Boxed, so that what is moved about in the heap of all that will happen is small.
    event: Box<Event>,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// What a client was told, when, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The answer.
    pub answer: Answer,
    /// When it arrived.
    pub at: Time,
    /// The servidor that gave it.
    pub by: usize,
    /// How far that servidor was.
    pub applied: Index,
    /// How far its views were.
    pub shown: Index,
}

/// Members as a coordinator has ordered them, and where in the log.
#[derive(Debug)]
struct Change {
    position: Position,
    members: Vec<Member>,
}

/// The simulated world.
pub struct Cluster {
    /// The virtual time.
    pub now: Time,
    /// All chance of the run.
    pub rng: fastrand::Rng,
    /// The servidores.
    pub nodes: Vec<Node>,
    /// The network between them.
    pub network: Network,
    /// How long a sync takes.
    pub sync: std::ops::Range<Time>,
    /// The clients.
    pub clients: Vec<Client>,
    /// The proxies.
    pub proxies: Vec<Proxy>,
    /// The one log, and all that was promised.
    pub canon: Canon,
    /// What each request was answered.
    pub told: HashMap<Ticket, Told>,
    /// The last index that was told of each topic.
    pub tips: BTreeMap<String, Index>,
    /// All notices so far.
    pub notices: Vec<(Time, usize, Notice)>,
    /// What the brokers were told so far.
    pub announced: Vec<(Time, usize, Availability)>,
    /// The changes of members that coordinators have ordered.
    changes: Vec<Change>,
    /// Disks that are gone, and what was on them.
    lost: BTreeMap<DiskId, Content>,
    tickets: Ticket,
    /// How many probing writes were answered.
    pub proven: usize,
    /// How often entries were read back from a disk.
    pub log_reads: usize,
    errands: HashMap<Ticket, usize>,
    /// What happened so far.
    pub coverage: Coverage,
    /// Brokers, proxies, referencia and sessions, where the run has them.
    services: Option<Box<Services>>,
    /// What waits on jammed links.
    jammed: BTreeMap<Link, VecDeque<Letter>>,
    events: BinaryHeap<Reverse<Scheduled>>,
    number: u64,
    /// Whether every step is told.
    pub trace: bool,
}

impl Cluster {
    /// `count` servidores with empty disks, all of them founders, none of them started; referencia gives them ranks.
    pub fn new(count: usize, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut nodes: Vec<Node> = (0..count).map(|number| Node::new(number, rng.u64(1..))).collect();
        for (number, node) in nodes.iter_mut().enumerate() {
            node.genesis = (0..count).map(name).collect();
            node.rank = Some(number as u64 + 1);
        }
        Self {
            now: 0,
            rng,
            nodes,
            network: Network::default(),
            sync: 200 * US..2 * MS,
            clients: Vec::new(),
            proxies: vec![Proxy::default(), Proxy::default()],
            canon: Canon::default(),
            told: HashMap::new(),
            tips: BTreeMap::new(),
            notices: Vec::new(),
            announced: Vec::new(),
            changes: Vec::new(),
            lost: BTreeMap::new(),
            tickets: 0,
            proven: 0,
            log_reads: 0,
            errands: HashMap::new(),
            coverage: Coverage::default(),
            services: None,
            jammed: BTreeMap::new(),
            events: BinaryHeap::new(),
            number: 0,
            trace: false,
        }
    }

    /// A founded cluster that has settled: the highest rank coordinates and all follow.
    pub fn founded(count: usize, seed: u64) -> Self {
        let mut cluster = Self::new(count, seed);
        cluster.start_all();
        cluster.settle();
        cluster
    }

    /// Waits until one servidor coordinates, all that run follow it, and all have everything.
    pub fn settle(&mut self) {
        self.until("all follow one coordinator and have applied the same", 60 * time::S, Self::is_settled);
    }

    /// Waits until `node` coordinates a settled cluster.
    pub fn settle_under(&mut self, node: usize) {
        self.until("the expected one coordinates and all have applied the same", 60 * time::S, |cluster| {
            cluster.coordinator() == Some(node) && cluster.is_settled()
        });
    }

    /// As [`Cluster::settle`], where clients go on meanwhile: all follow, whatever is on its way.
    pub fn settle_with_clients(&mut self) {
        self.until("all follow one coordinator", 60 * time::S, |cluster| {
            let coordinator = cluster.coordinator().map(name);
            coordinator.is_some()
                && cluster.running().all(|node| cluster.status(node).coordinator == coordinator)
        });
    }

    /// Whether all that run follow one coordinator and have applied all of its log.
    pub fn is_settled(&self) -> bool {
        let Some(coordinator) = self.coordinator() else { return false };
        let leader = self.status(coordinator);
        leader.applied == leader.last
            && self.running().all(|node| {
                let status = self.status(node);
                let follows = node == coordinator || status.coordinator == Some(name(coordinator));
                follows && status.epoch == leader.epoch && status.applied == leader.last
            })
    }

    /// Runs until `done`.
    ///
    /// # Panics
    /// When `limit` has passed before.
    #[track_caller]
    pub fn until(&mut self, what: &str, limit: Time, done: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        while !done(self) {
            if !self.step(end) {
                require(p7_availability::late(&format!("{what}\n{}", self.describe()), time::span(limit)));
            }
        }
    }

    /// Lets `span` pass.
    pub fn pass(&mut self, span: Time) {
        let end = self.now + span;
        while self.step(end) {}
    }

    /// One event, if there is one up to `end`; otherwise it is `end`.
    fn step(&mut self, end: Time) -> bool {
        if self.events.peek().is_none_or(|Reverse(next)| next.at > end) {
            self.now = end;
            return false;
        }
        let Reverse(Scheduled { at, event, .. }) = self.events.pop().expect("there is one");
        self.now = at;
        self.happens(*event);
        true
    }

    fn schedule(&mut self, at: Time, event: Event) {
        self.number += 1;
        self.events.push(Reverse(Scheduled {
            at: at.max(self.now),
            number: self.number,
            event: Box::new(event),
        }));
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrives { to, letter: Letter { from, cluster, message } } => {
                if self.trace {
                    eprintln!("{} {} -> {}: {message:?}", self.clock(), from.name, name(to));
                }
                self.deliver(to, Incoming::Input(Input::Received { from, cluster, message }));
            }
            Event::Asked { node, ticket, ask, patience } => {
                self.deliver(node, Incoming::Ask { ticket, ask, patience });
            }
            Event::Turn { node, generation } if self.is_current(node, generation) => {
                self.nodes[node].turn_at = None;
                self.turn(node);
            }
            Event::Wakes { node, generation } if self.is_current(node, generation) => {
                self.wakes(node);
            }
            Event::Synced { node, generation } if self.is_current(node, generation) => self.synced(node),
            Event::Dies { node, generation, at } if self.is_current(node, generation) => {
                if self.nodes[node].dies_at == Some(at) {
                    self.die(node, at);
                }
            }
            Event::GraceOver { node, generation } => {
                if self.is_current(node, generation) {
                    self.coverage.count(Happening::GraceOver);
                    self.crash(node);
                }
            }
            Event::Service(event) => self.service_happens(event),
            Event::Resolved { link } => self.network.misleads(link, false),
            Event::LogRead { node, generation, read, entries } if self.is_current(node, generation) => {
                self.deliver(node, Incoming::Input(Input::LogRead { read, entries }));
            }
            Event::Turn { .. } | Event::Wakes { .. } | Event::Synced { .. } => {}
            Event::LogRead { .. } | Event::Dies { .. } => {}
            Event::Answered { node, ticket, answer, applied, shown } => {
                let told = Told { answer, at: self.now, by: node, applied, shown };
                self.answered(ticket, told);
            }
            Event::Published { proxy, delivery } => {
                self.canon.published(&delivery);
                if !self.proxies[proxy].take(&delivery) {
                    self.coverage.count(Happening::Republished);
                }
            }
            Event::Client { client } => self.client_goes_on(client),
            Event::Silence { client, ticket } => self.client_hears_nothing(client, ticket),
        }
    }

    fn is_current(&self, node: usize, generation: u64) -> bool {
        self.nodes[node].generation == generation && self.nodes[node].replica.is_some()
    }

    fn running(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].runs())
    }

    /// The number of the servidor of that name.
    pub(crate) fn number(&self, name: &str) -> usize {
        self.nodes.iter().position(|node| node.name == name).expect("only known names are sent to")
    }

    /// What a servidor says of itself.
    pub fn status(&self, node: usize) -> Status {
        let node = &self.nodes[node];
        node.replica.as_ref().expect("it runs").status(node.read_clocks(self.now))
    }

    /// The coordinator of the highest epoch, among those that run.
    pub fn coordinator(&self) -> Option<usize> {
        self.running()
            .map(|node| (self.status(node), node))
            .filter(|(status, _)| status.role == RoleName::Coordinator)
            .max_by_key(|(status, _)| status.epoch)
            .map(|(_, node)| node)
    }

    /// The highest epoch that somebody who runs has promised.
    pub fn epoch(&self) -> u64 {
        self.running().map(|node| self.status(node).epoch).max().unwrap_or(0)
    }

    pub(crate) fn clock(&self) -> String {
        format!("{:>10.3}ms", self.now as f64 / MS as f64)
    }

    /// Everybody's state, for whoever wants to know why a run failed.
    pub fn describe(&self) -> String {
        let mut text =
            format!("at {}, {} entries are known to be committed\n", self.clock(), self.canon.last());
        for (number, node) in self.nodes.iter().enumerate() {
            let disk = &node.disk;
            text += &format!(
                "{} disk {} {:?} log {} promise {:?}: ",
                node.name,
                disk.content.id,
                disk.health,
                disk.content.log.len(),
                disk.content.promise
            );
            if node.replica.is_none() {
                text += "down\n";
                continue;
            }
            let Status {
                me, role, epoch, coordinator, members, last, commit, applied, waiting, rank, ..
            } = self.status(number);
            let members: Vec<String> =
                members.iter().map(|m| format!("{}/{}", m.id.name, m.id.disk)).collect();
            text += &format!(
                "{role:?} rank {rank} epoch {epoch} of {coordinator:?} last {last} commit {commit} applied {applied} \
                 waiting {waiting} {:?}{} as {} among {members:?}\n",
                node.availability,
                if node.paused { " paused" } else { "" },
                me.disk,
            );
        }
        let busy: Vec<&Client> = self.clients.iter().filter(|client| client.wish.is_some()).collect();
        text += &format!("{} clients wait: {busy:?}\n", busy.len());
        text
    }
}
