//! What can go wrong, and how it is made good.

use papo_core::members::MemberId;
use papo_core::replica::{Input, Message, Replica};

use super::disk::{Content, Health};
use super::node::Incoming;
use super::{Cluster, Event};

impl Cluster {
    /// Starts all that are down.
    pub fn start_all(&mut self) {
        for node in 0..self.nodes.len() {
            if self.nodes[node].replica.is_none() {
                self.start(node);
            }
        }
    }

    /// Starts the process from what is on the disk.
    pub fn start(&mut self, node: usize) {
        self.note(node, "starts");
        let process = &mut self.nodes[node];
        process.start(self.now, &mut self.rng);
        let applied = process.replica.as_ref().expect("it was started").chat().applied();
        process.checked = 0;
        process.shown = applied;
        process.spins = 0;
        process.wake_at = 0;
        if process.disk.health == Health::Full {
            process.inbox.push(Incoming::Input(Input::DiskRefuses(true)));
        }
        let generation = process.generation;
        process.turn_at = Some(self.now);
        self.schedule(self.now, Event::Turn { node, generation });
    }

    /// SIGKILL, and the host's cache is lost too.
    pub fn crash(&mut self, node: usize) {
        self.note(node, "crashes");
        self.nodes[node].crash(&mut self.rng);
    }

    /// SIGSTOP.
    pub fn pause(&mut self, node: usize) {
        self.note(node, "is stopped");
        self.nodes[node].paused = true;
    }

    /// SIGCONT.
    pub fn resume(&mut self, node: usize) {
        self.note(node, "goes on");
        let process = &mut self.nodes[node];
        if !process.paused {
            return;
        }
        process.paused = false;
        let generation = process.generation;
        process.turn_at = Some(self.now);
        self.schedule(self.now, Event::Turn { node, generation });
    }

    /// SIGTERM.
    pub fn stop(&mut self, node: usize) {
        self.note(node, "is asked to stop");
        self.nodes[node].stopping = true;
        self.deliver(node, Incoming::Input(Input::Stop));
    }

    /// Whether a servidor that was asked to stop may end now.
    pub fn is_drained(&self, node: usize) -> bool {
        self.nodes[node].replica.as_ref().is_none_or(Replica::drained)
    }

    /// The disk is lost; the servidor, which must be down, gets an empty one.
    pub fn wipe(&mut self, node: usize) {
        assert!(self.nodes[node].replica.is_none(), "a running process holds its disk");
        self.note(node, "loses its disk");
        self.keep_lost_disk(node);
        let id = self.rng.u64(1..);
        self.nodes[node].disk = super::disk::Disk::empty(id);
    }

    /// The disk becomes what it was when `snapshot` was taken. The servidor must be down.
    pub fn roll_back(&mut self, node: usize, snapshot: Content) {
        assert!(self.nodes[node].replica.is_none(), "a running process holds its disk");
        self.note(node, "is rolled back");
        self.keep_lost_disk(node);
        self.nodes[node].disk.content = snapshot;
    }

    pub(super) fn keep_lost_disk(&mut self, node: usize) {
        let content = self.nodes[node].disk.content.clone();
        self.lost.insert(content.id, content);
    }

    /// The disk becomes full, stuck, or well again.
    pub fn set_disk(&mut self, node: usize, health: Health) {
        let before = std::mem::replace(&mut self.nodes[node].disk.health, health);
        self.note(node, &format!("has a disk that is {health:?}"));
        if (before == Health::Full) != (health == Health::Full) {
            self.deliver(node, Incoming::Input(Input::DiskRefuses(health == Health::Full)));
        }
        self.sync(node);
    }

    /// The host's wall clock is set.
    pub fn jump_clock(&mut self, node: usize, nanos: i64) {
        self.note(node, &format!("has its clock moved by {} ms", nanos / 1_000_000));
        self.nodes[node].clocks.offset += nanos;
    }

    /// Lets a message arrive that was sent by nobody, or long ago.
    pub fn inject(&mut self, to: usize, from: &MemberId, message: Message) {
        let cluster = self.nodes[to].replica.as_ref().and_then(Replica::cluster);
        self.deliver(to, Incoming::Input(Input::Received { from: from.clone(), cluster, message }));
    }

    /// Parts the groups from each other; whoever is in none is alone.
    pub fn partition(&mut self, groups: &[&[usize]]) {
        if self.trace {
            eprintln!("{} partition {groups:?}", self.clock());
        }
        self.network.partition(self.nodes.len(), groups);
    }

    /// Removes all cuts.
    pub fn heal(&mut self) {
        if self.trace {
            eprintln!("{} healed", self.clock());
        }
        self.network.heal();
    }

    fn note(&self, node: usize, what: &str) {
        if self.trace {
            eprintln!("{} {} {what}", self.clock(), self.nodes[node].name);
        }
    }
}
