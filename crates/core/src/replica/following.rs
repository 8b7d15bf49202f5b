//! Obeying a coordinator: take its entries, acknowledge what is durable, fetch what was missed.
//!
//! `verified` is the heart of it: up to there our log is known to be the coordinator's. It starts, for each new coordinator, at
//! what is committed (every coordinator's log has that), and grows with each batch or beacon that meets our log. Only
//! what is verified *and* durable is acknowledged, and only verified entries are committed here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::electing::Standing;
use super::{Ack, Availability, Batch, Beacon, LogRead, Message, Notice, Output, Promised, Replica, Role};
use crate::clock::{Instant, Now, WallTime};
use crate::log::{Entry, Epoch, Index, Position, Promise, Write};
use crate::members::MemberId;

/// How many batches that came out of order are kept while the gap before them is fetched.
const MAX_STASHED: usize = 64;

/// How many entries one answer to a fetch holds, at most, and about how many bytes.
pub const FETCH_ENTRIES: usize = 2048;
/// See [`FETCH_ENTRIES`].
pub const FETCH_BYTES: usize = 512 << 10;

/// How far behind the commit index a servidor may be and still serve clients.
const SERVING_LAG: Index = 10_000;

/// A servidor that does not coordinate.
#[derive(Debug)]
pub(super) struct Following {
    /// When a coordinator, or somebody who is about to be one, was last heard.
    pub(super) heard: Instant,
    /// The coordinator of the promised epoch, once heard of, and since when.
    pub(super) obeyed: Option<(MemberId, Instant)>,
    /// What is being done about not hearing one.
    pub(super) standing: Option<Standing>,
    /// Not to stand before this.
    pub(super) patience: Instant,
    verified: Index,
    coordinator_last: Index,
    fetched_at: Option<Instant>,
    stash: BTreeMap<Index, Batch>,
    beacon: u64,
    acked: Index,
    asked_hand_over: Instant,
    handed_at: Instant,
}

impl Following {
    pub(super) fn new(now: Instant, commit: Index) -> Self {
        Self {
            heard: now,
            obeyed: None,
            standing: None,
            patience: now,
            verified: commit,
            coordinator_last: 0,
            fetched_at: None,
            stash: BTreeMap::new(),
            beacon: 0,
            acked: 0,
            asked_hand_over: now,
            handed_at: now,
        }
    }

    /// Whether a coordinator was heard within `limit`.
    pub(super) fn hears(&self, now: Instant, limit: std::time::Duration) -> bool {
        self.obeyed.is_some() && now.since(self.heard) < limit
    }
}

impl Replica {
    pub(super) fn batch(&mut self, now: Now, from: &MemberId, batch: Batch) {
        if self.obey(now, from, batch.epoch) {
            self.take_batch(now, batch);
        }
    }

    pub(super) fn beacon(&mut self, now: Now, from: &MemberId, beacon: Beacon) {
        if !self.obey(now, from, beacon.epoch) {
            return;
        }
        self.publishing.published_elsewhere(beacon.published);
        for (id, held) in beacon.held {
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.held = peer.held.max(held);
            }
        }
        let Role::Follower(following) = &mut self.role else { return };
        following.beacon = beacon.sent;
        following.coordinator_last = beacon.last.index;
        if self.log.holds(beacon.last) {
            following.verified = following.verified.max(beacon.last.index);
        } else {
            self.fetch_missing(now.instant);
        }
        self.learn_commit(beacon.commit);
        self.acknowledge(Some(beacon.sent));
        self.offer_to_coordinate(now);
    }

    /// Whether `from` may give orders in `epoch`; if so, it has been heard now.
    fn obey(&mut self, now: Now, from: &MemberId, epoch: Epoch) -> bool {
        self.highest = self.highest.max(epoch);
        if epoch < self.promise.epoch {
            let refused = Message::Refused { promised: self.promise.epoch };
            self.send(&from.name, refused);
            return false;
        }
        if epoch > self.promise.epoch {
            self.promise = Promise { epoch, candidate: from.name.clone() };
            self.persist_behind_log(now.instant, Write::Promise(self.promise.clone()));
            self.follow(now);
        }
        if self.promise.candidate != from.name {
            self.notice(Notice::RivalCoordinator(from.clone(), epoch));
            return false;
        }
        let commit = self.commit;
        let Role::Follower(following) = &mut self.role else { return false };
        following.heard = now.instant;
        following.standing = None;
        if following.obeyed.as_ref().is_none_or(|(id, _)| id != from) {
            *following = Following::new(now.instant, commit);
            following.obeyed = Some((from.clone(), now.instant));
            // What its predecessor was handed may be lost with it: the new one is handed everything at once.
            following.handed_at = Instant::ZERO;
            self.clock.follow(now);
            self.clock_samples = 0;
            self.next_clock = now.instant;
            self.notice(Notice::Follows(from.clone(), epoch));
        }
        true
    }

    fn take_batch(&mut self, now: Now, batch: Batch) {
        if !self.log.holds(batch.previous) {
            let Role::Follower(following) = &mut self.role else { return };
            let end = batch.previous.index + batch.entries.len() as Index;
            following.coordinator_last = following.coordinator_last.max(end);
            if following.stash.len() < MAX_STASHED {
                following.stash.insert(batch.previous.index, batch);
            }
            self.fetch_missing(now.instant);
            return;
        }
        self.take_entries(now.instant, batch.previous, &batch.entries);
        self.learn_commit(batch.commit);
        self.take_stashed(now.instant);
    }

    /// Takes over entries that follow a position which is in our log as well.
    fn take_entries(&mut self, now: Instant, previous: Position, entries: &[Arc<Entry>]) {
        let merged = self.log.merge(previous, entries, self.commit);
        self.log_changed(now, merged);
        let end = previous.index + entries.len() as Index;
        if let Role::Follower(following) = &mut self.role {
            following.verified = following.verified.max(end);
            following.coordinator_last = following.coordinator_last.max(end);
        }
    }

    fn take_stashed(&mut self, now: Instant) {
        loop {
            let Role::Follower(following) = &mut self.role else { return };
            let Some((_, batch)) = following.stash.first_key_value() else { return };
            let end = batch.previous.index + batch.entries.len() as Index;
            if end > following.verified && !self.log.holds(batch.previous) {
                return;
            }
            let (_, batch) = following.stash.pop_first().expect("there is a first one");
            if end > following.verified {
                self.take_entries(now, batch.previous, &batch.entries);
            }
            self.learn_commit(batch.commit);
        }
    }

    /// The coordinator has committed up to `commit`; so have we, as far as our log is known to be its.
    fn learn_commit(&mut self, commit: Index) {
        let Role::Follower(following) = &self.role else { return };
        self.commit = self.commit.max(commit.min(following.verified));
    }

    /// Tells the coordinator what is durable here: at once when that is more than before, and in answer to each beacon.
    pub(super) fn acknowledge(&mut self, beacon: Option<u64>) {
        let durable = self.durable_index();
        let epoch = self.promise.epoch;
        let Role::Follower(following) = &mut self.role else { return };
        let Some((coordinator, _)) = &following.obeyed else { return };
        let index = following.verified.min(durable);
        if index <= following.acked && beacon.is_none() {
            return;
        }
        following.acked = index;
        let to = coordinator.name.clone();
        let ack = Ack { epoch, index, beacon: following.beacon };
        self.send(&to, Message::Ack(ack));
    }

    /// Asks the coordinator for what follows the verified part of our log, unless it was asked just now.
    fn fetch_missing(&mut self, now: Instant) {
        let retry = self.settings.timing.retry;
        let epoch = self.promise.epoch;
        let Role::Follower(following) = &mut self.role else { return };
        let Some((coordinator, _)) = &following.obeyed else { return };
        if following.fetched_at.is_some_and(|at| now.since(at) < retry) {
            return;
        }
        following.fetched_at = Some(now);
        let to = coordinator.name.clone();
        let after = following.verified;
        self.send(&to, Message::Fetch { epoch, after });
    }

    /// Answers a fetch: from memory, or by way of the disk.
    pub(super) fn fetch(&mut self, from: &MemberId, epoch: Epoch, after: Index) {
        let speaks_for_epoch = match &self.role {
            Role::Coordinator(_) => true,
            // A candidate takes the log over from one who promised: nothing changes that log but the candidate.
            _ => self.promise.candidate == from.name,
        };
        if epoch != self.promise.epoch || !speaks_for_epoch || after > self.log.last().index {
            return;
        }
        let previous = self.log.position_at(after);
        if let Some(entries) = self.log.slice(after + 1, FETCH_ENTRIES, FETCH_BYTES) {
            self.send(&from.name, Message::Fetched { epoch, previous, entries });
            return;
        }
        self.reads.retain(|_, read| read.to != from.name);
        let read = self.next_read;
        self.next_read += 1;
        self.reads.insert(read, LogRead { to: from.name.clone(), epoch, previous });
        self.outputs.push_back(Output::ReadLog { read, from: after + 1 });
    }

    pub(super) fn log_read(&mut self, read: u64, entries: Vec<Arc<Entry>>) {
        let Some(LogRead { to, epoch, previous }) = self.reads.remove(&read) else { return };
        // Only committed entries are asked of the disk, and they do not change; the epoch may have.
        if epoch == self.promise.epoch && !entries.is_empty() {
            self.send(&to, Message::Fetched { epoch, previous, entries });
        }
    }

    pub(super) fn fetched(
        &mut self,
        now: Now,
        from: &MemberId,
        epoch: Epoch,
        previous: Position,
        entries: &[Arc<Entry>],
    ) {
        if epoch != self.promise.epoch || !self.log.holds(previous) {
            return;
        }
        match &mut self.role {
            Role::Candidate(_) => self.take_over_log(now, from, previous, entries),
            Role::Follower(following) => {
                if following.obeyed.as_ref().is_none_or(|(id, _)| id != from) {
                    return;
                }
                following.heard = now.instant;
                following.fetched_at = None;
                self.take_entries(now.instant, previous, entries);
                self.take_stashed(now.instant);
                let Role::Follower(following) = &self.role else { return };
                if following.verified < following.coordinator_last && !entries.is_empty() {
                    self.fetch_missing(now.instant);
                }
            }
            Role::Coordinator(_) => {}
        }
    }

    /// Becomes a follower of nobody in particular.
    pub(super) fn follow(&mut self, now: Now) {
        if matches!(self.role, Role::Coordinator(_)) {
            self.clock.follow(now);
        }
        self.role = Role::Follower(Following::new(now.instant, self.commit));
        self.reads.clear();
    }

    pub(super) fn asked_promise(&mut self, now: Now, from: &MemberId, epoch: Epoch) {
        self.highest = self.highest.max(epoch);
        if epoch < self.promise.epoch || (epoch == self.promise.epoch && self.promise.candidate != from.name) {
            let refused = Message::Refused { promised: self.promise.epoch };
            self.send(&from.name, refused);
            return;
        }
        if epoch == self.promise.epoch {
            // A repeated question. If the promise is still on its way to the disk, it will be told from there.
            if self.disk.idle() {
                self.tell_promise(now, from.name.clone(), epoch);
            }
            return;
        }
        if matches!(self.role, Role::Coordinator(_)) {
            self.notice(Notice::Resigned(super::Resigned::Overruled));
        }
        self.promise = Promise { epoch, candidate: from.name.clone() };
        // From this moment on nothing of an older epoch is acknowledged or taken: the role that did so is gone.
        self.follow(now);
        self.persist_behind_log(now.instant, Write::Promise(self.promise.clone()));
    }

    pub(super) fn promise_durable(&mut self, now: Now, promise: &super::disk::MadePromise) {
        if promise.epoch != self.promise.epoch {
            return;
        }
        if promise.to == self.me.name {
            self.own_promise_durable();
        } else {
            self.tell_promise(now, promise.to.clone(), promise.epoch);
        }
    }

    fn tell_promise(&mut self, now: Now, to: String, epoch: Epoch) {
        let last = self.log.last();
        let published = self.publishing.published();
        self.send(&to, Message::Promised(Promised { epoch, last, wall: now.wall, published }));
    }

    /// Asks for the coordination, if our rank is higher, we have all, and have had for a while.
    fn offer_to_coordinate(&mut self, now: Now) {
        let stability = self.settings.timing.stability;
        let retry = self.settings.timing.retry;
        if self.stopping || !self.is_member() || self.disk_stuck(now.instant) {
            return;
        }
        let caught_up = self.chat.applied() == self.commit && self.log.last().index - self.commit < 1_000;
        let Role::Follower(following) = &mut self.role else { return };
        let Some((coordinator, since)) = &following.obeyed else { return };
        let lower = self.members.current().rank_of(&coordinator.name).is_none_or(|rank| rank < self.rank);
        let stable = now.instant.since(*since) >= stability;
        let asked = now.instant.since(following.asked_hand_over) < retry * 4;
        if caught_up && lower && stable && !asked {
            following.asked_hand_over = now.instant;
            let to = coordinator.name.clone();
            self.send(&to, Message::AskHandOver);
        }
    }

    pub(super) fn tick_follower(&mut self, now: Now) {
        let Role::Follower(following) = &self.role else { return };
        if following.hears(now.instant, self.settings.timing.suspicion) {
            return;
        }
        self.look_for_coordinator(now);
    }

    pub(super) fn following_deadline(&self, following: &Following) -> Instant {
        if let Some(standing) = &following.standing {
            return standing.until();
        }
        (following.heard + self.settings.timing.suspicion).max(following.patience)
    }

    /// Hands clients' writes to the coordinator: what came in since the last drain, and what has been without an answer for long.
    pub(super) fn hand_over_requests(&mut self, now: Now) {
        if !self.requests.has_writes() {
            return;
        }
        let retry = self.settings.timing.retry;
        let epoch = self.promise.epoch;
        match &mut self.role {
            Role::Candidate(_) => {}
            Role::Coordinator(reign) => {
                if reign.orders() {
                    let again = reign.hands_again(now.instant, retry);
                    let proposals = self.requests.hand_over(epoch, now.instant, again);
                    self.order_all(now, proposals);
                }
            }
            Role::Follower(following) => {
                let Some((coordinator, _)) = &following.obeyed else { return };
                if now.instant.since(following.heard) >= self.settings.timing.suspicion {
                    return;
                }
                let again = now.instant.since(following.handed_at) >= retry;
                if again {
                    following.handed_at = now.instant;
                } else if !self.requests.has_unhanded() {
                    return;
                }
                let to = coordinator.name.clone();
                let again = again.then(|| Instant::from_nanos(now.instant.as_nanos().saturating_sub(retry.as_nanos() as u64)));
                let proposals = self.requests.hand_over(epoch, now.instant, again);
                if !proposals.is_empty() {
                    self.send(&to, Message::Submit(proposals));
                }
            }
        }
    }

    /// What the brokers should know.
    pub(super) fn update_availability(&mut self, now: Now) {
        let lag = self.commit.saturating_sub(self.chat.applied());
        let follows = match &self.role {
            Role::Follower(following) => following.hears(now.instant, self.settings.timing.suspicion),
            Role::Candidate(_) => false,
            Role::Coordinator(_) => true,
        };
        let able = follows && self.is_member() && lag < SERVING_LAG && !self.disk_stuck(now.instant);
        let availability = match (able, self.stopping) {
            (_, true) => Availability::Draining,
            (true, false) => Availability::Serving,
            (false, false) => Availability::Withdrawn,
        };
        if availability != self.availability {
            self.availability = availability;
            self.outputs.push_back(Output::Availability(availability));
            if availability == Availability::Withdrawn {
                let answers = self.requests.give_back();
                self.answer_all(answers);
            }
        }
    }

    pub(super) fn ask_clock(&mut self, now: Now) {
        self.next_clock = now.instant + self.settings.timing.clock;
        let Role::Follower(following) = &self.role else { return };
        let Some((coordinator, _)) = &following.obeyed else { return };
        // The first few samples come in quick succession, so that the filter has something to choose from.
        if self.clock_samples < 5 {
            self.next_clock = now.instant + self.settings.timing.clock / 10;
        }
        let to = coordinator.name.clone();
        self.send(&to, Message::AskClock { sent: now.instant.as_nanos() });
    }

    pub(super) fn told_clock(&mut self, now: Now, from: &MemberId, sent: u64, time: WallTime, last: Index) {
        let Role::Follower(following) = &self.role else { return };
        let sent = Instant::from_nanos(sent);
        if following.obeyed.as_ref().is_none_or(|(id, _)| id != from) || sent > now.instant {
            return;
        }
        self.clock.observe(sent, now.instant, time);
        self.clock_samples += 1;
        // The coordinator's log ended at `last` after these reads had come in: what they claim to have seen is not in it.
        let last = last.max(self.log.last().index);
        let beyond = self.requests.beyond(last, sent);
        self.answer_all(beyond);
    }
}
