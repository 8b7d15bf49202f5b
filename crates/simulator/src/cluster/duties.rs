//! A servidor's turn: its inbox goes into the core, and what the core says is done.

use papo_core::log::Write;
use papo_core::replica::{Availability, FETCH_ENTRIES, Input, Message, Notice, Output, Request};

use super::node::Incoming;
use super::time::{MS, US, span};
use super::{Cluster, Event};

/// A process that wants to be woken at once this often in a row, without time passing, is a busy loop.
const MAX_SPINS: u32 = 20;

impl Cluster {
    /// Puts something into a process's inbox; it will look at it in a moment.
    pub(super) fn deliver(&mut self, node: usize, incoming: Incoming) {
        let at = self.now + self.rng.u64(5 * US..100 * US);
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
        for incoming in process.inbox.drain(..) {
            let input = match incoming {
                Incoming::Input(input) => input,
                Incoming::Ask { ticket, ask, patience } => {
                    Input::Request(Request { ticket, deadline: now.instant + span(patience), ask })
                }
            };
            replica.handle(now, input);
        }
        if now.instant >= replica.deadline() {
            replica.handle(now, Input::Tick);
        }
        self.check_node(node);
        while let Some(output) =
            self.nodes[node].replica.as_mut().and_then(|replica| replica.poll_output(now))
        {
            if self.nodes[node].dies_after == Some(0) {
                return self.crash(node);
            }
            self.nodes[node].dies_after = self.nodes[node].dies_after.map(|left| left - 1);
            self.nodes[node].outputs += 1;
            self.carry_out(node, output);
        }
        self.sync(node);
        self.sleep(node);
    }

    /// Sleeps until the deadline.
    fn sleep(&mut self, node: usize) {
        let process = &mut self.nodes[node];
        let Some(replica) = &process.replica else { return };
        let wake_at = process.clocks.moment(replica.deadline());
        process.spins = if wake_at <= self.now { process.spins + 1 } else { 0 };
        if process.spins == MAX_SPINS {
            panic!("s{} is a busy loop: its deadline stays in the past\n{}", node + 1, self.describe());
        }
        let process = &mut self.nodes[node];
        if wake_at != process.wake_at || wake_at <= self.now {
            process.wake_at = wake_at;
            let generation = process.generation;
            self.schedule(wake_at, Event::Wakes { node, generation });
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
                self.nodes[node].disk.push(id, write);
            }
            Output::ReadLog { read, from } => self.read_log(node, read, from),
            Output::Answer { ticket, answer } => {
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
            }
            Output::Publish(delivery) => {
                for proxy in 0..self.proxies.len() {
                    // One connection each: what is sent first arrives first.
                    let at = self.now + 100 * US;
                    self.schedule(at, Event::Published { proxy, delivery: delivery.clone() });
                }
            }
            Output::Tip { topic, index } => {
                let told = self.tips.entry(topic).or_default();
                *told = (*told).max(index);
            }
            Output::Announce { .. } => {}
            Output::Availability(availability) => {
                self.nodes[node].availability = availability;
                self.announced.push((self.now, node, availability));
            }
            Output::Notice(notice) => self.take_notice(node, notice),
        }
    }

    fn take_notice(&mut self, node: usize, notice: Notice) {
        match &notice {
            Notice::Coordinates(epoch) => {
                let me = self.nodes[node].replica.as_ref().expect("it runs").me().clone();
                self.canon.coordinates(*epoch, &me);
            }
            Notice::MembersChange(entry) => {
                let commit = self.status(node).commit;
                self.canon.changes_members(entry, commit);
            }
            Notice::RivalCoordinator(..) => panic!("two coordinators claim one epoch: {notice:?}"),
            _ => {}
        }
        self.notices.push((self.now, node, notice));
    }

    fn send_all(&mut self, node: usize, message: &Message) {
        for to in 0..self.nodes.len() {
            if to != node {
                self.send(node, to, message);
            }
        }
    }

    fn send(&mut self, node: usize, to: usize, message: &Message) {
        let replica = self.nodes[node].replica.as_ref().expect("it runs");
        let (from, cluster) = (replica.me().clone(), replica.cluster());
        let arrivals = self.network.arrivals(&mut self.rng, self.now, (node, to), message);
        for at in arrivals {
            let (from, message) = (from.clone(), message.clone());
            self.schedule(at, Event::Arrives { to, from, cluster, message });
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
        let at = self.now + self.rng.u64(100 * US..2 * MS);
        self.schedule(at, Event::LogRead { node, generation, read, entries });
    }

    /// Lets the disk begin to sync what is queued.
    pub(super) fn sync(&mut self, node: usize) {
        let took = self.rng.u64(self.sync.clone());
        let process = &mut self.nodes[node];
        if process.disk.begin().is_some() {
            let generation = process.generation;
            self.schedule(self.now + took, Event::Synced { node, generation });
        }
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
        let status = self.status(node);
        assert!(status.applied <= status.commit && status.commit <= status.last, "applied <= commit <= last");
        let fresh: Vec<_> = log[known as usize..applied as usize].to_vec();
        for entry in &fresh {
            if self.canon.applied(entry, &self.nodes[node].name) {
                self.check_durable(entry, &status);
            }
        }
        self.canon.check_state(&self.nodes[node].name, applied, digest);
        self.nodes[node].checked = applied;
    }

    /// What is applied anywhere is on the disks of a majority: of the members then, or of those that a later entry names.
    fn check_durable(&self, entry: &papo_core::log::Entry, status: &papo_core::replica::Status) {
        let stored = |id: &papo_core::members::MemberId| {
            let disks = self.nodes.iter().map(|node| &node.disk.content).chain(self.lost.values());
            disks.filter(|content| content.id == id.disk).any(|content| content.holds(entry))
        };
        let then = self.canon.members().majority(stored);
        let later =
            status.members.iter().filter(|member| stored(&member.id)).count() > status.members.len() / 2;
        assert!(then || later, "P1: applied, and not on a majority of disks: {entry:?}\n{}", self.describe());
    }

    /// Whether brokers send clients to this servidor.
    pub fn serves(&self, node: usize) -> bool {
        self.nodes[node].availability == Availability::Serving && self.nodes[node].replica.is_some()
    }
}
