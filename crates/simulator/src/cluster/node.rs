//! One simulated servidor: its process, its disk, its clocks.

use papo_core::chat::Record;
use papo_core::clock::Now;
use papo_core::log::Index;
use papo_core::members::ServerName;
use papo_core::replica::{
    Ask, Availability, Input, Recovery, Replica, RequestLimits, Settings, Ticket, Timing,
};

use super::disk::{Content, Disk, Unsynced};
use super::time::{Clocks, Time};
use crate::plan::Point;

/// Something that waits for the process to take it.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// From the network, the disk or the operator.
    Input(Input),
    /// A client's request; its deadline counts from when it is taken.
    Ask {
        /// Under which it is answered.
        ticket: Ticket,
        /// What is asked.
        ask: Ask,
        /// How long the servidor has.
        patience: Time,
    },
}

#[derive(Debug)]
/// A servidor: what its host keeps, and its process.
pub struct Node {
    /// As configured.
    pub name: ServerName,
    /// Who founds the cluster, as configured.
    pub genesis: Vec<ServerName>,
    /// What referencia says, if it is there.
    pub rank: Option<u64>,
    /// The core's time spans.
    pub timing: Timing,
    /// Its disk.
    pub disk: Disk,
    /// Its host's clocks.
    pub clocks: Clocks,
    /// The process; none while it is down.
    pub replica: Option<Replica>,
    /// Which process it is: what was meant for an earlier one does not reach this one.
    pub generation: u64,
    /// What waits for the process.
    pub inbox: Vec<Incoming>,
    /// When the process looks at its inbox next.
    pub turn_at: Option<Time>,
    /// When it wakes up by itself.
    pub wake_at: Time,
    /// The earliest of the alarms that are set.
    pub(super) alarm: Option<Time>,
    /// Stopped by a signal; what arrives waits.
    pub paused: bool,
    /// Since when.
    pub(super) paused_at: Time,
    /// Was asked to stop.
    pub stopping: bool,
    /// Was asked to end as soon as it has handed everything over.
    pub(super) ends: bool,
    /// What the brokers were told last.
    pub availability: Availability,
    /// Kills the process before it carries out this many more outputs.
    pub dies_after: Option<usize>,
    /// Kills the process at this point of its work.
    pub dies_at: Option<Point>,
    /// How much longer than usual it takes to look at what came.
    pub slow: Time,
    /// A copy of the disk.
    pub snapshot: Option<Content>,
    /// It was started on a disk with a log, and has followed nobody since.
    pub(super) returns: bool,
    /// How many outputs were carried out.
    pub outputs: usize,
    /// How often in a row it asked to be woken at once.
    pub spins: u32,
    /// How much of what it applied was compared with the others.
    pub checked: Index,
    /// How far its views are.
    pub shown: Index,
    /// What its views hold, by what its core told it; pages are read from these.
    pub(super) views: Vec<Record>,
    /// How many writes, and how many reads, may wait at it.
    pub limit: usize,
}

impl Node {
    /// A servidor that was never started, with an empty disk of identity `disk`.
    pub fn new(number: usize, disk: u64) -> Self {
        Self {
            name: name(number),
            genesis: Vec::new(),
            rank: None,
            timing: Timing::default(),
            disk: Disk::empty(disk),
            clocks: Clocks::default(),
            replica: None,
            generation: 0,
            inbox: Vec::new(),
            turn_at: None,
            wake_at: 0,
            alarm: None,
            paused: false,
            paused_at: 0,
            stopping: false,
            ends: false,
            availability: Availability::Withdrawn,
            dies_after: None,
            dies_at: None,
            slow: 0,
            snapshot: None,
            returns: false,
            outputs: 0,
            spins: 0,
            checked: 0,
            shown: 0,
            views: Vec::new(),
            limit: RequestLimits::default().writes,
        }
    }

    /// Whether its process runs.
    pub fn runs(&self) -> bool {
        self.replica.is_some() && !self.paused
    }

    /// Starts the process from what is on the disk.
    pub fn start(&mut self, now: Time, rng: &mut fastrand::Rng) {
        assert!(self.replica.is_none(), "{} runs already", self.name);
        self.generation += 1;
        self.clocks.restart(now, rng.u64(0..1 << 40));
        let settings = Settings {
            name: self.name.clone(),
            genesis: self.genesis.clone(),
            session_key: [7; 32],
            seed: rng.u64(..),
            timing: self.timing.clone(),
            limits: RequestLimits { writes: self.limit, reads: self.limit },
        };
        let mut recovery = Recovery::new(settings, self.disk.content.stored());
        // The real views are on the disk as well, and what they lack is put into them in the same way.
        let replayed = self.disk.content.log.iter().filter_map(|entry| recovery.replay(entry.clone()));
        self.views = replayed.filter_map(|applied| applied.record).collect();
        self.replica = Some(recovery.finish(self.clocks.read(now)));
        self.availability = Availability::Withdrawn;
        self.inbox.extend(self.rank.map(|rank| Incoming::Input(Input::Rank(rank))));
    }

    /// The process is gone, and with it all that was not on the disk.
    pub(super) fn crash(&mut self, rng: &mut fastrand::Rng) -> Unsynced {
        self.end();
        self.disk.crash(rng)
    }

    /// The process is gone, and had nothing that was not on the disk.
    pub(super) fn end(&mut self) {
        self.replica = None;
        self.generation += 1;
        self.inbox.clear();
        self.turn_at = None;
        self.paused = false;
        self.stopping = false;
        self.ends = false;
        self.dies_after = None;
        self.dies_at = None;
    }

    /// What its clocks show.
    pub fn read_clocks(&self, now: Time) -> Now {
        self.clocks.read(now)
    }
}

/// The name of the servidor of that number.
pub fn name(number: usize) -> ServerName {
    format!("s{}", number + 1)
}
