//! What can go wrong, and how it is made good.

use papo_core::members::{DiskId, MemberId};
use papo_core::replica::{Input, Message, Replica};

use super::disk::{Content, Health};
use super::network::Link;
use super::node::Incoming;
use super::time::{Time, US};
use super::{Cluster, Event};
use crate::coverage::Happening;
use crate::plan::Point;

impl Cluster {
    /// Starts all that are down.
    pub fn start_all(&mut self) {
        for node in 0..self.nodes.len() {
            if self.nodes[node].replica.is_none() {
                self.start(node);
            }
        }
    }

    /// Starts the process from what is on the disk. A damaged disk is refused, and moved aside by the operator: the next start finds
    /// an empty one.
    pub fn start(&mut self, node: usize) {
        if self.nodes[node].disk.damaged {
            self.coverage.count(Happening::DamageRefused);
            return self.wipe(node);
        }
        self.note(node, "starts");
        self.nodes[node].returns = !self.nodes[node].disk.content.log.is_empty();
        if self.nodes[node].returns {
            self.coverage.count(Happening::Restart);
        }
        let process = &mut self.nodes[node];
        process.start(self.now, &mut self.rng);
        let applied = process.replica.as_ref().expect("it was started").chat().applied();
        process.checked = 0;
        process.shown = applied;
        process.spins = 0;
        process.wake_at = 0;
        process.alarm = None;
        if process.disk.health == Health::Full {
            self.coverage.count(Happening::DiskFull);
            process.inbox.push(Incoming::Input(Input::DiskRefuses(true)));
        }
        let generation = process.generation;
        process.turn_at = Some(self.now);
        self.schedule(self.now, Event::Turn { node, generation });
        self.service_starts(node);
    }

    /// SIGKILL, and the host's cache is lost too.
    pub fn crash(&mut self, node: usize) {
        self.note(node, "crashes");
        let unsynced = self.nodes[node].crash(&mut self.rng);
        if unsynced.lost > 0 {
            self.coverage.count(Happening::UnsyncedLost);
        }
        if unsynced.kept > 0 {
            self.coverage.count(Happening::UnsyncedKept);
        }
        if unsynced.lost > 0 && unsynced.kept > 0 {
            self.coverage.count(Happening::Torn);
        }
    }

    /// The process is killed at that point of its work, as was planned.
    pub(super) fn die(&mut self, node: usize, at: Point) {
        self.coverage.count(match at {
            Point::AtOnce => Happening::CrashAtOnce,
            Point::BeforePersist => Happening::CrashBeforePersist,
            Point::BeforeSync => Happening::CrashBeforeSync,
            Point::DuringSync => Happening::CrashDuringSync,
            Point::AfterSync => Happening::CrashAfterSync,
            Point::BeforeActing => Happening::CrashBeforeActing,
            Point::AmidOutputs(_) => Happening::CrashAmidOutputs,
        });
        self.crash(node);
    }

    /// Has the process killed when it gets to that point.
    pub fn crash_at(&mut self, node: usize, at: Point) {
        match at {
            Point::AtOnce => self.die(node, at),
            Point::AmidOutputs(outputs) => self.nodes[node].dies_after = Some(outputs),
            _ => self.nodes[node].dies_at = Some(at),
        }
    }

    /// SIGSTOP.
    pub fn pause(&mut self, node: usize) {
        self.note(node, "is stopped");
        if !self.nodes[node].paused {
            self.nodes[node].paused_at = self.now;
        }
        self.nodes[node].paused = true;
    }

    /// SIGCONT.
    pub fn resume(&mut self, node: usize) {
        self.note(node, "goes on");
        let process = &mut self.nodes[node];
        if !process.paused {
            return;
        }
        self.coverage.count(Happening::Pause);
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

    /// SIGTERM as a service manager means it: the process ends as soon as it has handed everything over, or when `grace` is over.
    pub fn terminate(&mut self, node: usize, grace: Time) {
        self.coverage.count(Happening::Drain);
        self.stop(node);
        let process = &mut self.nodes[node];
        if !std::mem::replace(&mut process.ends, true) {
            let generation = process.generation;
            self.schedule(self.now + grace, Event::GraceOver { node, generation });
        }
    }

    /// Ends a process that is to end and has nothing left to do, as the servidor's loop does.
    pub(super) fn end_if_drained(&mut self, node: usize) {
        let process = &self.nodes[node];
        if !process.ends || !process.replica.as_ref().is_some_and(Replica::drained) {
            return;
        }
        assert!(!process.disk.has_work(), "{} is drained, and waits for its disk", process.name);
        self.note(node, "ends");
        self.coverage.count(Happening::StoppedInOrder);
        self.nodes[node].end();
    }

    /// Whether a servidor that was asked to stop may end now.
    pub fn is_drained(&self, node: usize) -> bool {
        self.nodes[node].replica.as_ref().is_none_or(Replica::drained)
    }

    /// The disk is lost; the servidor, which must be down, gets an empty one.
    pub fn wipe(&mut self, node: usize) {
        assert!(self.nodes[node].replica.is_none(), "a running process holds its disk");
        self.note(node, "loses its disk");
        self.coverage.count(Happening::DiskWiped);
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

    /// The disk becomes what it was when its snapshot was taken, under a new identity. The servidor must be down.
    pub fn restore(&mut self, node: usize) {
        let Some(snapshot) = self.nodes[node].snapshot.clone() else { return };
        self.coverage.count(Happening::SnapshotRestored);
        let id = DiskId(self.rng.u64(1..));
        self.keep_lost_disk(node);
        self.nodes[node].disk = super::disk::Disk::empty(id.0);
        self.nodes[node].disk.content = Content { id, ..snapshot };
        self.note(node, "gets an old snapshot as its new disk");
    }

    pub(super) fn keep_lost_disk(&mut self, node: usize) {
        let content = self.nodes[node].disk.content.clone();
        self.lost.insert(content.id, content);
    }

    /// The disk becomes full, stuck, or well again.
    pub fn set_disk(&mut self, node: usize, health: Health) {
        let before = std::mem::replace(&mut self.nodes[node].disk.health, health);
        self.note(node, &format!("has a disk that is {health:?}"));
        if before != health && health == Health::Full && self.nodes[node].replica.is_some() {
            self.coverage.count(Happening::DiskFull);
        }
        if (before == Health::Full) != (health == Health::Full) {
            self.deliver(node, Incoming::Input(Input::DiskRefuses(health == Health::Full)));
        }
        self.sync(node);
    }

    /// The host's wall clock is set.
    pub fn jump_clock(&mut self, node: usize, nanos: i64) {
        self.note(node, &format!("has its clock moved by {} ms", nanos / 1_000_000));
        self.nodes[node].clocks.offset += nanos;
        self.coverage.count(Happening::ClockJump);
    }

    /// The host's clocks are fast by `ppm` parts per million from now on.
    pub fn drift(&mut self, node: usize, ppm: i64) {
        self.note(node, &format!("has clocks that are fast by {ppm} ppm"));
        self.nodes[node].clocks.begin_to_drift(self.now, ppm);
        self.coverage.count(Happening::ClockDrift);
    }

    /// The process is killed, and started elsewhere; the others learn where within `known_within`.
    pub fn move_away(&mut self, node: usize, known_within: Time) {
        self.crash(node);
        self.note(node, "gets another address");
        self.coverage.count(Happening::Moved);
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            self.network.misleads((other, node), true);
            let at = self.now + self.rng.u64(..=known_within);
            self.schedule(at, Event::Resolved { link: (other, node) });
        }
        self.start(node);
    }

    /// What goes from the one to the other waits, until [`Cluster::heal`].
    pub fn jam(&mut self, from: usize, to: usize) {
        self.note(from, &format!("has its link to s{} jammed", to + 1));
        self.network.jam((from, to));
        self.jammed.entry((from, to)).or_default();
    }

    /// Whether a servidor is down, stopped or slow, has a disk that takes nothing, or is cut off from somebody.
    pub fn is_broken(&self, node: usize) -> bool {
        let process = &self.nodes[node];
        !process.runs()
            || process.slow > 0
            || process.disk.health != Health::Well
            || self.network.hinders(node)
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
        for link in self.jammed.keys().copied().collect::<Vec<_>>() {
            self.free(link);
        }
    }

    /// Ends a cut and a jam of one link.
    pub fn mend(&mut self, from: usize, to: usize) {
        self.network.mend((from, to));
        self.network.misleads((from, to), false);
        self.free((from, to));
    }

    /// What waits on a jammed link arrives, all at once and in order.
    fn free(&mut self, link: Link) {
        self.network.free(link);
        let Some(letters) = self.jammed.remove(&link) else { return };
        if !letters.is_empty() {
            self.coverage.count(Happening::Jammed);
        }
        for letter in letters {
            self.schedule(self.now + 100 * US, Event::Arrives { to: link.1, letter });
        }
    }

    /// Tells what is going on, if every step is told.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("{} {}", self.clock(), what());
        }
    }

    fn note(&self, node: usize, what: &str) {
        if self.trace {
            eprintln!("{} {} {what}", self.clock(), self.nodes[node].name);
        }
    }
}
