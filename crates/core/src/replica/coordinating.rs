//! Ordering: the coordinator's work.
//!
//! It gives each write the next index, sends the entries while it stores them, and counts itself only once they are stored. An entry
//! of its own epoch that a majority holds durably is committed, and everything before it (Ongaro 2014, §3.6.2: entries
//! of older epochs are never committed by counting). A reign begins with an empty entry, which commits what was inherited.
//!
//! A coordinator that has not heard from a majority within the failure detector's limit resigns: by then the others may have
//! another one.

use std::sync::Arc;

use super::reign::{Progress, Reign};
use super::{Ack, Batch, Beacon, Message, Notice, Output, Proposal, Replica, Resigned, Role};
use crate::chat::{Digest, RequestKey};
use crate::clock::{Instant, Lamport, Now};
use crate::log::{Entry, Index, Operation, Position, RequestId};
use crate::members::{MemberId, ServerName};

/// How many entries may wait to be committed and applied. Beyond that writes stay where they came in, and are handed over again.
pub(super) const MAX_UNCOMMITTED: Index = 16_384;

/// How much the entries in memory may weigh, in bytes, before no more are ordered. Those who obey take twice as much, so that
/// whatever was ordered finds room with them.
pub(super) const MAX_UNCOMMITTED_BYTES: usize = 16 << 20;

/// How many entries one batch carries: large enough that a flood leaves in few messages. [`FETCH_BYTES`] bounds their size.
const BATCH_ENTRIES: usize = 1_024;

impl Replica {
    /// The first steps of a coordinator: the empty entry, the announcement, the first beacon.
    pub(super) fn open_reign(&mut self, now: Now) {
        for index in self.chat.applied() + 1..=self.log.last().index {
            let entry = self.log.get(index).expect("what is not applied is in memory");
            if let Some(identity) = identity(entry)
                && let Role::Coordinator(reign) = &mut self.role
            {
                reign.in_flight.insert(identity);
            }
        }
        self.order_own(now, Operation::Empty);
        let Role::Coordinator(reign) = &self.role else { return };
        let epoch = reign.epoch;
        self.outputs.push_back(Output::Announce { epoch });
        self.send_beacon(now);
        self.update_published();
    }

    /// Gives an entry of the system's own the next position.
    pub(super) fn order_own(&mut self, now: Now, operation: Operation) -> Arc<Entry> {
        self.append(now, String::new(), None, operation, Lamport::default())
    }

    pub(super) fn submitted(&mut self, now: Now, proposals: Vec<Proposal>) {
        if let Role::Coordinator(reign) = &self.role
            && reign.orders()
        {
            self.order_all(now, proposals);
        }
        // Otherwise they stay with the servidor that sent them, which hands them to the next coordinator.
    }

    pub(super) fn order_all(&mut self, now: Now, proposals: Vec<Proposal>) {
        for proposal in proposals {
            // Applied is what is committed and on our own disk: others may commit without it, and what is not applied stays in memory.
            let waiting = self.log.last().index - self.chat.applied();
            if waiting >= MAX_UNCOMMITTED || self.log.bytes_in_memory() >= MAX_UNCOMMITTED_BYTES {
                return;
            }
            self.order(now, proposal);
        }
    }

    fn order(&mut self, now: Now, proposal: Proposal) {
        let Proposal { author, request_id, operation, clock } = proposal;
        if operation.needs_rules() > self.chat.rules() {
            // Where it came from, the rules are in force already. They soon are here, and it comes again.
            return;
        }
        let identity = (RequestKey::of(&author, &request_id), Digest::of(&operation));
        let carried_out = self.chat.recall(&identity.0).is_some_and(|recalled| recalled.digest == identity.1);
        let Role::Coordinator(reign) = &mut self.role else { return };
        if carried_out || !reign.in_flight.insert(identity) {
            return;
        }
        self.append(now, author, Some(request_id), operation, clock);
    }

    fn append(
        &mut self,
        now: Now,
        author: String,
        request_id: Option<RequestId>,
        operation: Operation,
        clock: Lamport,
    ) -> Arc<Entry> {
        let Position { index: last, .. } = self.log.last();
        let (lamport, time) = self.log.last_stamps();
        let entry = Arc::new(Entry {
            index: last + 1,
            epoch: self.promise.epoch,
            lamport: lamport.receive(clock),
            time: time.max(self.clock.now(now)),
            author,
            request_id,
            operation,
        });
        let merged = self.log.merge(self.log.last(), &[Arc::clone(&entry)], self.commit);
        self.log_changed(now.instant, merged);
        entry
    }

    /// Broadcasts what was ordered since the last drain, and the commit index if it has news.
    pub(super) fn broadcast_news(&mut self) {
        let last = self.log.last();
        let commit = self.commit;
        loop {
            let Role::Coordinator(reign) = &mut self.role else { return };
            let previous = reign.sent;
            if previous.index == last.index && reign.told_commit == commit {
                return;
            }
            let entries = self.log.slice(previous.index + 1, BATCH_ENTRIES, super::fetching::FETCH_BYTES);
            let entries = entries.expect("what was ordered since the last drain is in memory");
            if let Some(end) = entries.last() {
                reign.sent = end.position();
            }
            reign.told_commit = commit;
            let batch = Batch { epoch: reign.epoch, previous, entries, commit };
            self.outputs.push_back(Output::Broadcast(Message::Batch(batch)));
        }
    }

    pub(super) fn ack(&mut self, now: Now, from: &MemberId, ack: Ack) {
        let commit = self.commit;
        let last = self.log.last().index;
        let Role::Coordinator(reign) = &mut self.role else { return };
        if ack.epoch != reign.epoch || ack.index > last {
            return;
        }
        let confirmed = Instant::from_nanos(ack.beacon).min(now.instant);
        let progress =
            reign.progress.entry(from.clone()).or_insert(Progress { acked: 0, confirmed: reign.since });
        progress.acked = progress.acked.max(ack.index);
        progress.confirmed = progress.confirmed.max(confirmed);
        let acked = progress.acked;
        self.remember_held(from, acked.min(commit));
        self.advance_commit();
        self.advance_hand_over(now);
        self.refuse_beyond(now.instant);
    }

    /// Commits what a majority holds, if it is of this epoch.
    pub(super) fn advance_commit(&mut self) {
        let durable = self.durable_index();
        let Role::Coordinator(reign) = &self.role else { return };
        let held = |id: &MemberId| if *id == self.me { durable } else { reign.acked(id) };
        let index = self.voters().reached_by_majority(held);
        if index > self.commit && index >= reign.opening {
            self.commit = index;
        }
    }

    /// Whether the reign's first entry is committed, and with it everything inherited.
    pub(super) fn reign_is_settled(&self) -> bool {
        matches!(&self.role, Role::Coordinator(reign) if self.commit >= reign.opening)
    }

    pub(super) fn tick_coordinator(&mut self, now: Now) {
        if let Some(why) = self.reason_to_resign(now.instant) {
            return self.resign(now, why);
        }
        let Role::Coordinator(reign) = &mut self.role else { return };
        let (beacon, membership, tips) = (
            now.instant >= reign.next_beacon,
            now.instant >= reign.next_membership,
            now.instant >= reign.next_tips,
        );
        if reign.hand_over.as_ref().is_some_and(|hand_over| now.instant >= hand_over.until) {
            reign.hand_over = None;
        }
        if beacon {
            self.send_beacon(now);
        }
        if membership {
            let next = now.instant + self.settings.timing.membership;
            let Role::Coordinator(reign) = &mut self.role else { return };
            reign.next_membership = next;
            self.review_members(now);
        }
        if tips {
            self.tell_tips(now);
        }
        if self.stopping {
            self.hand_over_to_best(now);
        }
    }

    fn reason_to_resign(&self, now: Instant) -> Option<Resigned> {
        let Role::Coordinator(reign) = &self.role else { return None };
        if !self.is_member() && self.commit >= self.members.since() {
            return Some(Resigned::Removed);
        }
        if self.disk_stuck(now) {
            return Some(Resigned::Disk);
        }
        (now.since(self.confirmed(now, reign)) > self.settings.timing.suspicion)
            .then_some(Resigned::NoMajority)
    }

    /// When a majority is known to have obeyed us last: nobody else had committed anything by then.
    fn confirmed(&self, now: Instant, reign: &Reign) -> Instant {
        let confirmed = |id: &MemberId| match reign.progress(id) {
            _ if *id == self.me => now,
            Some(progress) => progress.confirmed,
            None => reign.since,
        };
        self.voters().reached_by_majority(confirmed)
    }

    /// Answers the reads that claim to have seen more than there is, as far as it is certain that nobody else has it.
    pub(super) fn refuse_beyond(&mut self, now: Instant) {
        let last = self.log.last().index;
        let Role::Coordinator(reign) = &self.role else { return };
        if !self.requests.waits_beyond(last) {
            return;
        }
        let beyond = self.requests.beyond(last, self.confirmed(now, reign));
        self.answer_all(beyond);
    }

    pub(super) fn resign(&mut self, now: Now, why: Resigned) {
        self.notice(Notice::Resigned(why));
        let successor = self.best_successor(now);
        let epoch = self.promise.epoch;
        self.follow(now, now.instant);
        match why {
            // Somebody else is about to coordinate, or does already.
            Resigned::Overruled => self.expect(now),
            Resigned::Disk | Resigned::Removed => {
                self.offer_later(now);
                self.in_touch = None;
                if let Some(successor) = successor {
                    self.send(&successor.name, Message::HandOver { epoch });
                }
            }
            Resigned::NoMajority => self.in_touch = None,
        }
    }

    fn send_beacon(&mut self, now: Now) {
        let Role::Coordinator(reign) = &self.role else { return };
        let confirmed = self.confirmed(now.instant, reign).as_nanos();
        let ours = (self.me.clone(), self.durable_index().min(self.commit));
        let others = self.held.iter().map(|(id, held)| (id.clone(), *held));
        let held = others.chain([ours]).filter(|(id, _)| self.voters().counts(id));
        let beacon = Beacon {
            epoch: self.promise.epoch,
            last: self.log.last(),
            commit: self.commit,
            published: self.publishing.published(),
            sent: now.instant.as_nanos(),
            confirmed,
            answered: 0,
            held: held.collect(),
        };
        // Learners are told as well: that is how they catch up.
        let beacons: Vec<(ServerName, Beacon)> = self
            .others_heard_lately(now.instant)
            .into_iter()
            .map(|name| {
                let answered = reign.answered(&name).as_nanos();
                (name, Beacon { answered, ..beacon.clone() })
            })
            .collect();
        let next = now.instant + self.settings.timing.beacon;
        let Role::Coordinator(reign) = &mut self.role else { return };
        reign.next_beacon = next;
        for (name, beacon) in beacons {
            self.send(&name, Message::Beacon(beacon));
        }
    }

    /// Members, and everybody else who said something within the last seconds, in order of their names.
    pub(super) fn others_heard_lately(&self, now: Instant) -> Vec<ServerName> {
        let members = self.voters().voters().iter().map(|member| member.id.name.clone());
        let limit = self.settings.timing.disk_silence;
        let heard = self.peers.iter().filter(|(_, peer)| now.since(peer.heard) < limit);
        let mut names: Vec<ServerName> = members.chain(heard.map(|(id, _)| id.name.clone())).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| *name != self.me.name);
        names
    }

    fn tell_tips(&mut self, now: Now) {
        let next = now.instant + self.settings.timing.tips;
        let memory = self.settings.timing.tip_memory;
        let Role::Coordinator(reign) = &mut self.role else { return };
        reign.next_tips = next;
        // Publications get lost, nothing else tells old clients who coordinates, and a new proxy learns by it that it was found.
        // Each proxy forwards it once.
        self.outputs.push_back(Output::Announce { epoch: reign.epoch });
        let since = self.publishing.mark(now.instant, self.chat.applied(), memory);
        let tips = self.chat.recent_tips(since);
        self.outputs.extend(tips.map(|(topic, index)| Output::Tip { topic, index }));
    }

    /// A write was applied: copies of it are recognised by the chat state from now on.
    pub(super) fn landed(&mut self, identity: (RequestKey, Digest)) {
        if let Role::Coordinator(reign) = &mut self.role {
            reign.in_flight.remove(&identity);
        }
    }

    /// Publishes what is committed and not known to be published.
    pub(super) fn update_published(&mut self) {
        if !matches!(self.role, Role::Coordinator(_)) {
            return;
        }
        while let Some(delivery) = self.publishing.publish() {
            self.outputs.push_back(Output::Publish(delivery));
        }
    }
}

/// The identity of the request in an entry.
fn identity(entry: &Entry) -> Option<(RequestKey, Digest)> {
    let id = entry.request_id.as_ref()?;
    Some((RequestKey::of(&entry.author, id), Digest::of(&entry.operation)))
}
