//! One simulated servidor: its process, its disk, its clocks.

use papo_core::clock::Now;
use papo_core::log::Index;
use papo_core::members::ServerName;
use papo_core::replica::{Ask, Availability, Input, Recovery, Replica, Settings, Ticket, Timing};

use super::disk::Disk;
use super::time::{Clocks, Time};

/// Something that waits for the process to take it.
#[derive(Clone, Debug)]
pub(crate) enum Incoming {
    Input(Input),
    /// A client's request; its deadline counts from when it is taken.
    Ask {
        ticket: Ticket,
        ask: Ask,
        patience: Time,
    },
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: ServerName,
    pub(crate) genesis: Vec<ServerName>,
    /// What referencia says, if it is there.
    pub(crate) rank: Option<u64>,
    pub(crate) timing: Timing,
    pub(crate) disk: Disk,
    pub(crate) clocks: Clocks,
    /// The process; none while it is down.
    pub(crate) replica: Option<Replica>,
    /// Which process it is: what was meant for an earlier one does not reach this one.
    pub(crate) generation: u64,
    pub(crate) inbox: Vec<Incoming>,
    /// When the process looks at its inbox next.
    pub(crate) turn_at: Option<Time>,
    pub(crate) wake_at: Time,
    pub(crate) paused: bool,
    /// Was asked to stop.
    pub(crate) stopping: bool,
    /// What the brokers were told last.
    pub(crate) availability: Availability,
    /// Kills the process before it carries out this many more outputs.
    pub(crate) dies_after: Option<usize>,
    pub(crate) outputs: usize,
    /// How often in a row it asked to be woken at once.
    pub(crate) spins: u32,
    /// How much of what it applied was compared with the others.
    pub(crate) checked: Index,
    /// How far its views are.
    pub(crate) shown: Index,
}

impl Node {
    pub(crate) fn new(number: usize, disk: u64) -> Self {
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
            paused: false,
            stopping: false,
            availability: Availability::Withdrawn,
            dies_after: None,
            outputs: 0,
            spins: 0,
            checked: 0,
            shown: 0,
        }
    }

    pub(crate) fn runs(&self) -> bool {
        self.replica.is_some() && !self.paused
    }

    /// Starts the process from what is on the disk.
    pub(crate) fn start(&mut self, now: Time, rng: &mut fastrand::Rng) {
        assert!(self.replica.is_none(), "{} runs already", self.name);
        self.generation += 1;
        self.clocks.restart(now, rng.u64(0..1 << 40));
        let settings = Settings {
            name: self.name.clone(),
            genesis: self.genesis.clone(),
            session_key: [7; 32],
            seed: rng.u64(..),
            timing: self.timing.clone(),
        };
        let mut recovery = Recovery::new(settings, self.disk.content.stored());
        for entry in &self.disk.content.log {
            recovery.replay(entry.clone());
        }
        self.replica = Some(recovery.finish(self.clocks.read(now)));
        self.availability = Availability::Withdrawn;
        self.inbox.extend(self.rank.map(|rank| Incoming::Input(Input::Rank(rank))));
    }

    /// The process is gone, and with it all that was not on the disk.
    pub(crate) fn crash(&mut self, rng: &mut fastrand::Rng) {
        self.replica = None;
        self.generation += 1;
        self.inbox.clear();
        self.turn_at = None;
        self.paused = false;
        self.stopping = false;
        self.dies_after = None;
        self.disk.crash(rng);
    }

    pub(crate) fn read_clocks(&self, now: Time) -> Now {
        self.clocks.read(now)
    }
}

pub(crate) fn name(number: usize) -> ServerName {
    format!("s{}", number + 1)
}
