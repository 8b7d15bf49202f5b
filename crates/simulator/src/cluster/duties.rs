//! A servidor's turn: its inbox goes into the core, and what the core says is done.

use std::sync::Arc;

use papo_core::log::{Entry, Operation, Write};
use papo_core::members::Member;
use papo_core::replica::{
    Availability, FETCH_ENTRIES, Input, Message, Notice, Output, Request, Resigned, RoleName,
};

use super::disk::Health;
use super::network::{Fate, Link};
use super::node::Incoming;
use super::time::{MS, Time, US, span};
use super::{Change, Cluster, Event, Letter};
use crate::checks::agreement::{Agreement, Stored};
use crate::checks::{p7_availability, p10_refusal, p11_growth, require};
use crate::coverage::Happening;
use crate::plan::Point;

/// How many entries may wait for a disk: what a coordinator leaves uncommitted, and some batches.
const BACKLOG: usize = 2 * 16_384;

/// Who has been silent for so long is not relied on by brokers.
const SILENCE: Time = 400 * MS;
/// How many messages wait on a jammed link; more are dropped.
const MAX_QUEUED: usize = 100;

/// A process that wants to be woken at once this often in a row, without time passing, is a busy loop.
const MAX_SPINS: u32 = 20;

impl Cluster {
    /// Puts something into a process's inbox; it will look at it in a moment.
    pub(super) fn deliver(&mut self, node: usize, incoming: Incoming) {
        let slow = self.nodes[node].slow;
        let slow = if slow > 0 { self.rng.u64(..slow) } else { 0 };
        let at = self.now + self.rng.u64(5 * US..100 * US) + slow;
        let process = &mut self.nodes[node];
        if process.replica.is_none() {
            return;
        }
        process.inbox.push(incoming);
        if process.turn_at.is_none() && !process.paused {
            process.turn_at = Some(at);
            let generation = process.generation;
            self.schedule(at, Event::Turn { node, generation });
        }
    }

    pub(super) fn turn(&mut self, node: usize) {
        let process = &mut self.nodes[node];
        let Some(replica) = process.replica.as_mut().filter(|_| !process.paused) else { return };
        let now = process.clocks.read(self.now);
        let mut told_durable = false;
        for incoming in process.inbox.drain(..) {
            let input = match incoming {
                Incoming::Input(input) => input,
                Incoming::Ask { ticket, ask, patience } => {
                    Input::Request(Request { ticket, deadline: now.instant + span(patience), ask })
                }
            };
            told_durable |= matches!(input, Input::Durable(_));
            replica.handle(now, input);
        }
        if now.instant >= replica.deadline() {
            replica.handle(now, Input::Tick);
        }
        self.check_node(node);
        self.check_queues(node);
        if told_durable && self.nodes[node].dies_at == Some(Point::BeforeActing) {
            return self.die(node, Point::BeforeActing);
        }
        while let Some(output) =
            self.nodes[node].replica.as_mut().and_then(|replica| replica.poll_output(now))
        {
            if self.nodes[node].dies_after == Some(0) {
                return self.die(node, Point::AmidOutputs(0));
            }
            let persists = matches!(output, Output::Persist { .. });
            if persists && self.nodes[node].dies_at == Some(Point::BeforePersist) {
                return self.die(node, Point::BeforePersist);
            }
            self.nodes[node].dies_after = self.nodes[node].dies_after.map(|left| left - 1);
            self.nodes[node].outputs += 1;
            self.carry_out(node, output);
        }
        self.reads_pages(node);
        self.sync(node);
        self.sleep(node);
        self.end_if_drained(node);
    }

    /// Sleeps until the deadline.
    fn sleep(&mut self, node: usize) {
        let process = &mut self.nodes[node];
        let Some(replica) = &process.replica else { return };
        let wake_at = process.clocks.moment(replica.deadline());
        process.spins = if wake_at <= self.now { process.spins + 1 } else { 0 };
        if process.spins == MAX_SPINS {
            require(p7_availability::busy_loop(&self.nodes[node].name));
        }
        let process = &mut self.nodes[node];
        process.wake_at = wake_at;
        // Deadlines are put off again and again: an alarm that is set already sets itself to the new one when it goes off.
        if process.alarm.is_none_or(|alarm| wake_at < alarm) {
            self.set_alarm(node, wake_at);
        }
    }

    fn set_alarm(&mut self, node: usize, at: Time) {
        let process = &mut self.nodes[node];
        process.alarm = Some(at);
        let generation = process.generation;
        self.schedule(at, Event::Wakes { node, generation });
    }

    /// An alarm goes off: that of an earlier deadline, or the one that the process waits for.
    pub(super) fn wakes(&mut self, node: usize) {
        let process = &mut self.nodes[node];
        if process.alarm.is_some_and(|alarm| alarm <= self.now) {
            process.alarm = None;
        }
        if process.wake_at <= self.now {
            self.turn(node);
        } else if process.alarm.is_none_or(|alarm| process.wake_at < alarm) {
            let at = process.wake_at;
            self.set_alarm(node, at);
        }
    }

    fn carry_out(&mut self, node: usize, output: Output) {
        if self.trace && !matches!(output, Output::Send { .. } | Output::Broadcast(_) | Output::Greet(_)) {
            eprintln!("{} {}: {output:?}", self.clock(), self.nodes[node].name);
        }
        match output {
            Output::Send { to, message } => {
                let to = self.number(&to);
                self.send(node, to, &message);
            }
            Output::Greet(hello) => {
                self.send_all(node, &Message::Hello(hello));
            }
            Output::Broadcast(message) => self.send_all(node, &message),
            Output::Persist { id, write } => {
                if let Write::RenewDisk(_) = &write {
                    self.keep_lost_disk(node);
                }
                self.notice_cut(node, &write);
                self.check_change(node, &write);
                self.nodes[node].disk.push(id, write);
            }
            Output::ReadLog { read, from } => self.read_log(node, read, from),
            Output::Answer { ticket, answer } => {
                if self.answers_request(node, ticket, answer) {
                    return;
                }
                let applied = self.applied(node);
                let shown = self.nodes[node].shown;
                let at = self.now + self.rng.u64(50 * US..300 * US);
                self.schedule(at, Event::Answered { node, ticket, answer, applied, shown });
            }
            Output::Index { records, applied } => {
                let shown = &mut self.nodes[node].shown;
                assert!(applied >= *shown, "what the views hold only grows");
                assert!(
                    records.iter().all(|record| record.index > *shown && record.index <= applied),
                    "records are indexed once, and completely"
                );
                *shown = applied;
                self.nodes[node].views.extend(records);
            }
            Output::Publish(delivery) => {
                self.publish(node, &delivery);
                for proxy in 0..self.proxies.len() {
                    // One connection each: what is sent first arrives first.
                    let at = self.now + 100 * US;
                    self.schedule(at, Event::Published { proxy, delivery: delivery.clone() });
                }
            }
            Output::Tip { topic, index } => {
                self.tell_tip(node, &topic, index);
                let told = self.tips.entry(topic).or_default();
                *told = (*told).max(index);
            }
            Output::Announce { .. } => {}
            Output::Availability(availability) => {
                self.nodes[node].availability = availability;
                self.announced.push((self.now, node, availability));
                self.tell_brokers(node);
            }
            Output::Notice(notice) => self.take_notice(node, notice),
        }
    }

    fn notice_cut(&mut self, node: usize, write: &Write) {
        let Write::Append { after, .. } = write else { return };
        if *after < self.nodes[node].disk.content.log.len() as u64 {
            self.coverage.count(Happening::Suffix);
        }
    }

    fn take_notice(&mut self, node: usize, notice: Notice) {
        self.count_notice(node, &notice);
        match &notice {
            Notice::Coordinates(epoch) => {
                let me = self.nodes[node].replica.as_ref().expect("it runs").me().clone();
                self.canon.coordinates(*epoch, &me);
            }
            Notice::RivalCoordinator(rival, epoch) => self.canon.coordinates(*epoch, &rival.clone()),
            _ => {}
        }
        self.notices.push((self.now, node, notice));
    }

    fn count_notice(&mut self, node: usize, notice: &Notice) {
        let happening = match notice {
            Notice::Suspected => Happening::Suspected,
            Notice::Standing(_) => Happening::Standing,
            Notice::Coordinates(_) => Happening::Elected,
            Notice::HandingOver(_) if !self.canon.chat.places().wants(&self.nodes[node].name) => {
                Happening::DismissedCoordinator
            }
            Notice::HandingOver(_) => Happening::HandOver,
            Notice::Resigned(Resigned::Overruled) => Happening::Overruled,
            Notice::Resigned(Resigned::NoMajority) => Happening::NoMajority,
            Notice::Resigned(Resigned::Disk) => Happening::DiskResigned,
            Notice::Follows(..) if std::mem::take(&mut self.nodes[node].returns) => Happening::Rejoin,
            _ => return,
        };
        self.coverage.count(happening);
    }

    fn send_all(&mut self, node: usize, message: &Message) {
        for to in 0..self.nodes.len() {
            if to != node {
                self.send(node, to, message);
            }
        }
    }

    fn send(&mut self, node: usize, to: usize, message: &Message) {
        self.check_words(node, message);
        let replica = self.nodes[node].replica.as_ref().expect("it runs");
        let (at, again) =
            match self.network.fate(&mut self.rng, &mut self.coverage, self.now, (node, to), message) {
                Fate::Lost => return,
                Fate::Waits => (None, None),
                Fate::Arrives { at, again } => (Some(at), again),
            };
        let letter =
            Letter { from: replica.me().clone(), cluster: replica.cluster(), message: message.clone() };
        let Some(at) = at else { return self.queue((node, to), letter) };
        let copy = again.map(|again| (again, letter.clone()));
        self.schedule(at, Event::Arrives { to, letter });
        if let Some((at, letter)) = copy {
            self.schedule(at, Event::Arrives { to, letter });
        }
    }

    /// Leaves a letter on a jammed link. A queue that is full drops what is new.
    fn queue(&mut self, link: Link, letter: Letter) {
        let queue = self.jammed.entry(link).or_default();
        if queue.len() < MAX_QUEUED {
            queue.push_back(letter);
        } else {
            self.coverage.count(Happening::JamLost);
        }
    }

    fn read_log(&mut self, node: usize, read: u64, from: u64) {
        let process = &self.nodes[node];
        let generation = process.generation;
        let from = usize::try_from(from - 1).expect("logs are short");
        // The end of a log that is being written may come back as well: a reader of the disk sees what is there.
        let entries: Vec<_> =
            process.disk.content.log.iter().skip(from).take(FETCH_ENTRIES).cloned().collect();
        self.log_reads += 1;
        self.coverage.count(Happening::ReadBack);
        let at = self.now + self.rng.u64(100 * US..2 * MS);
        self.schedule(at, Event::LogRead { node, generation, read, entries });
    }

    /// Lets the disk begin to sync what is queued.
    pub(super) fn sync(&mut self, node: usize) {
        let took = self.rng.u64(self.sync.clone()) + self.nodes[node].disk.slow;
        let process = &mut self.nodes[node];
        if process.dies_at == Some(Point::BeforeSync) && process.disk.has_work() && process.runs() {
            return self.die(node, Point::BeforeSync);
        }
        if process.disk.begin().is_none() {
            if process.disk.health == Health::Stuck && process.disk.has_work() && process.replica.is_some() {
                self.coverage.count(Happening::DiskStuck);
            }
            return;
        }
        let generation = process.generation;
        if process.dies_at == Some(Point::DuringSync) {
            self.schedule(self.now + took / 2, Event::Dies { node, generation, at: Point::DuringSync });
        }
        self.schedule(self.now + took, Event::Synced { node, generation });
    }

    pub(super) fn synced(&mut self, node: usize) {
        if std::mem::take(&mut self.nodes[node].disk.fails) {
            // Never tried again: the process ends, and what is on the disk is what its successor finds.
            self.coverage.count(Happening::FsyncFailed);
            return self.crash(node);
        }
        if let Some(up_to) = self.nodes[node].disk.finish() {
            if self.nodes[node].dies_at == Some(Point::AfterSync) {
                return self.die(node, Point::AfterSync);
            }
            self.deliver(node, Incoming::Input(Input::Durable(up_to)));
        }
        self.sync(node);
    }

    pub(super) fn applied(&self, node: usize) -> u64 {
        self.nodes[node].replica.as_ref().map_or(0, |replica| replica.chat().applied())
    }

    /// Compares what the node has applied with what the others have.
    fn check_node(&mut self, node: usize) {
        let Some(replica) = &self.nodes[node].replica else { return };
        let (applied, digest) = (replica.chat().applied(), replica.chat().digest());
        let process = &self.nodes[node];
        let known = process.checked;
        assert!(applied >= known, "what was applied stays applied");
        if applied == known {
            return;
        }
        let log = &process.disk.content.log;
        assert!(applied <= log.len() as u64, "{} applied what is not on its disk", process.name);
        let fresh: Vec<_> = log[known as usize..applied as usize].to_vec();
        for entry in &fresh {
            if self.canon.applied(entry, &self.nodes[node].name) {
                self.count_entry(entry);
                self.check_durable(entry, node);
            }
        }
        self.canon.check_state(&self.nodes[node].name, applied, digest);
        self.nodes[node].checked = applied;
    }

    fn count_entry(&mut self, entry: &Entry) {
        match entry.operation {
            Operation::Admit { .. } => self.coverage.count(Happening::Admitted),
            Operation::Dismiss { .. } => self.coverage.count(Happening::Dismissed),
            Operation::AddMember(_) => {
                self.coverage.count(Happening::MemberAdded);
                if self.canon.grew() {
                    self.coverage.count(Happening::Grown);
                }
            }
            Operation::RemoveMember { replaced_by, .. } => {
                self.coverage.count(Happening::MemberRemoved);
                if replaced_by.is_none() {
                    self.coverage.count(Happening::Shrunk);
                }
            }
            _ => {}
        }
    }

    /// What is applied anywhere is on the disks of a majority: of the members then, or of those that the next change names, which
    /// counts for its coordinator from when it orders it.
    fn check_durable(&self, entry: &Entry, by: usize) {
        let status = self.status(by);
        assert!(status.applied <= status.commit && status.commit <= status.last, "applied <= commit <= last");
        let stored = |member: &&Member| {
            let disks = self.nodes.iter().map(|node| &node.disk.content).chain(self.lost.values());
            disks.filter(|content| content.id == member.id.disk).any(|content| content.holds(entry))
        };
        let then = self.canon.members().voters();
        let next = self.changes.iter().filter(|change| {
            let follows = change.position.index > entry.index && change.position.epoch >= entry.epoch;
            follows && p11_growth::changed(entry.index, then, &change.members).is_ok()
        });
        let lists = next.map(|change| &change.members[..]).chain([&status.members[..]]);
        let count = |list: &[Member]| (list.iter().filter(stored).count(), list.len());
        let (disks, members) =
            lists.map(count).find(|(disks, members)| *disks > members / 2).unwrap_or_else(|| count(then));
        self.canon.check_durable(&status.me.name, entry, disks, members);
    }

    /// A coordinator changes the members one at a time.
    fn check_change(&mut self, node: usize, write: &Write) {
        let Write::Append { after, entries, committed } = write else { return };
        let Some(at) = entries.iter().position(|entry| p11_growth::is_change(entry)) else { return };
        let status = self.status(node);
        if status.role != RoleName::Coordinator || entries[at].epoch != status.epoch {
            return;
        }
        let disk = &self.nodes[node].disk;
        // What is still queued for the disk counts as well.
        let before: Vec<Arc<Entry>> =
            disk.expected(*after).into_iter().chain(entries[..at].iter().cloned()).collect();
        let name = &self.nodes[node].name;
        require(p11_growth::ordered(name, &entries[at], *committed, before.iter().map(|entry| &**entry)));
        self.changes.push(Change { position: entries[at].position(), members: status.members });
    }

    /// What somebody says is on its disk is there; and whoever has promised an epoch obeys no older one.
    fn check_words(&self, node: usize, message: &Message) {
        let content = &self.nodes[node].disk.content;
        let last = content.log.last().map(|entry| entry.position()).unwrap_or_default();
        let stored = Stored { promise: &content.promise, last };
        require(Agreement::says(&self.nodes[node].name, message, stored));
    }

    /// Nothing piles up, however long something does not go on.
    fn check_queues(&self, node: usize) {
        let process = &self.nodes[node];
        let Some(replica) = &process.replica else { return };
        require(p10_refusal::bounded(
            &process.name,
            "entries that wait for the disk",
            process.disk.backlog(),
            BACKLOG,
        ));
        let waiting = replica.waiting();
        require(p10_refusal::bounded(&process.name, "requests", waiting, 2 * process.limit));
    }

    /// Whether brokers send clients to this servidor: it said that it serves, and has not been silent for long.
    pub fn serves(&self, node: usize) -> bool {
        let process = &self.nodes[node];
        let silent = process.paused && self.now - process.paused_at > SILENCE;
        process.availability == Availability::Serving && process.replica.is_some() && !silent
    }
}
