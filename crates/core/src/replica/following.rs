//! Obeying a coordinator: take its entries, acknowledge what is durable.
//!
//! `verified` is the heart of it: up to there our log is known to be the coordinator's. It starts, for each new reign, at
//! what is committed (every coordinator's log has that), and grows with each batch or beacon that meets our log. Only
//! what is verified *and* durable is acknowledged, and only verified entries are committed here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::coordinating::{MAX_UNCOMMITTED, MAX_UNCOMMITTED_BYTES};
use super::electing::Standing;
use super::{Ack, Batch, Beacon, Message, Notice, Replica, Resigned, Role, Timing};
use crate::clock::{Instant, Now};
use crate::log::{Entry, Epoch, Index, Position, Promise, Write};
use crate::members::MemberId;

/// How many batches that came out of order are kept while the gap before them is fetched.
const MAX_STASHED: usize = 64;

/// A servidor that does not coordinate.
#[derive(Debug)]
pub(super) struct Following {
    /// When a coordinator, or somebody who is about to be one, was last heard.
    pub(super) heard: Option<Instant>,
    /// The coordinator of the promised epoch, once heard of, and since when.
    pub(super) obeyed: Option<(MemberId, Instant)>,
    /// What is being done about not hearing one.
    pub(super) standing: Option<Standing>,
    /// Not to look for a coordinator before this.
    pub(super) patience: Instant,
    /// A higher rank said that it would coordinate, and did not: it is not asked again.
    pub(super) disappointed: bool,
    pub(super) verified: Index,
    pub(super) coordinator_last: Index,
    coordinator_commit: Index,
    /// Since when the coordinator has something to commit, and commits nothing.
    stalled_since: Option<Instant>,
    /// Since when the coordinator is known to have more than we.
    pub(super) lacks_since: Option<Instant>,
    pub(super) fetched_at: Option<Instant>,
    /// The coordinator's monotonic clock in its last beacon.
    pub(super) beacon: u64,
    pub(super) asked_hand_over: Option<Instant>,
    /// When all writes without an answer were last handed to the coordinator.
    pub(super) handed_at: Option<Instant>,
    /// A question to the coordinator whether a read claims to have seen too much: the reads that came before the first moment
    /// are answered once the second one, on the coordinator's clock, is confirmed.
    pub(super) doubt: Option<(Instant, u64)>,
    stash: BTreeMap<Index, Batch>,
    acked: Index,
}

impl Following {
    /// Obeys nobody yet, and hopes to hear of a coordinator until `patience` ends.
    pub(super) fn new(patience: Instant, commit: Index) -> Self {
        Self {
            heard: None,
            obeyed: None,
            standing: None,
            patience,
            disappointed: false,
            verified: commit,
            coordinator_last: 0,
            coordinator_commit: 0,
            stalled_since: None,
            lacks_since: None,
            fetched_at: None,
            beacon: 0,
            asked_hand_over: None,
            handed_at: None,
            doubt: None,
            stash: BTreeMap::new(),
            acked: 0,
        }
    }

    /// A coordinator, or somebody who is about to be one, was heard.
    pub(super) fn hear(&mut self, now: Instant, suspicion: Duration) {
        self.heard = Some(now);
        self.patience = now + suspicion;
        self.standing = None;
    }

    /// Whether a coordinator, or somebody who is about to be one, was heard within `limit`.
    pub(super) fn expects(&self, now: Instant, limit: Duration) -> bool {
        self.heard.is_some_and(|heard| now.since(heard) < limit)
    }

    /// The coordinator says how far it has ordered and committed.
    fn note_progress(&mut self, now: Instant, last: Index, commit: Index) {
        if commit >= last {
            self.stalled_since = None;
        } else if commit > self.coordinator_commit || self.stalled_since.is_none() {
            self.stalled_since = Some(now);
        }
        self.coordinator_commit = self.coordinator_commit.max(commit);
    }

    /// Whether the coordinator has had something to commit for `limit`, and has committed nothing: enough servidores obey it, and
    /// too few of them store what it orders. Others might do better.
    pub(super) fn is_stalled(&self, now: Instant, limit: Duration) -> bool {
        self.stalled_since.is_some_and(|since| now.since(since) >= limit)
    }

    /// Whether a coordinator was heard within `limit`.
    pub(super) fn hears(&self, now: Instant, limit: Duration) -> bool {
        self.obeyed.is_some() && self.expects(now, limit)
    }

    pub(super) fn obeys(&self, id: &MemberId) -> bool {
        self.obeyed.as_ref().is_some_and(|(obeyed, _)| obeyed == id)
    }

    /// When a coordinator is to be looked for, or the next step of that to be taken, if nothing is heard.
    pub(super) fn looks_at(&self) -> Instant {
        self.standing.as_ref().map_or(self.patience, Standing::until)
    }

    /// When something is to be done if nothing is heard.
    pub(super) fn deadline(&self, timing: &Timing) -> Instant {
        self.fetches_at(timing).map_or(self.looks_at(), |fetch| fetch.min(self.looks_at()))
    }

    /// When to ask for what we lack, if it has not arrived by then.
    pub(super) fn fetches_at(&self, timing: &Timing) -> Option<Instant> {
        let lacks = self.lacks_since.filter(|_| self.obeyed.is_some())? + timing.on_its_way;
        Some(self.fetched_at.map_or(lacks, |fetched| lacks.max(fetched + timing.retry)))
    }

    /// The coordinator's log reaches to `last`, ours is known to be the same up to `verified`.
    pub(super) fn compare(&mut self, now: Instant, last: Index, verified: Index) {
        self.coordinator_last = self.coordinator_last.max(last);
        self.verified = self.verified.max(verified);
        if self.verified < self.coordinator_last {
            self.lacks_since.get_or_insert(now);
        } else {
            self.lacks_since = None;
        }
    }

    /// Keeps a batch until the gap before it is closed. Of two from one place the longer one is kept.
    fn stash(&mut self, batch: Batch) {
        let at = batch.previous.index;
        let longer = self.stash.get(&at).is_none_or(|kept| kept.entries.len() < batch.entries.len());
        if longer && (self.stash.len() < MAX_STASHED || self.stash.contains_key(&at)) {
            self.stash.insert(at, batch);
        }
    }
}

impl Replica {
    pub(super) fn batch(&mut self, now: Now, from: &MemberId, batch: Batch) {
        if self.obey(now, from, batch.epoch) && !self.disk_lags() {
            self.take_batch(now, batch);
        }
    }

    pub(super) fn beacon(&mut self, now: Now, from: &MemberId, beacon: Beacon) {
        if !self.obey(now, from, beacon.epoch) {
            return;
        }
        let unheard = Instant::from_nanos(beacon.sent).since(Instant::from_nanos(beacon.answered));
        if unheard < self.settings.timing.suspicion {
            self.in_touch = Some(now.instant);
        }
        self.publishing.published_elsewhere(beacon.published);
        for (id, held) in beacon.held {
            if id == self.me && held > self.log.last().index {
                return self.outdated(now);
            }
            self.remember_held(&id, held);
        }
        let Role::Follower(following) = &mut self.role else { return };
        following.beacon = beacon.sent;
        let verified = if self.log.holds(beacon.last) { beacon.last.index } else { 0 };
        following.compare(now.instant, beacon.last.index, verified);
        following.note_progress(now.instant, beacon.last.index, beacon.commit);
        self.learn_commit(beacon.commit);
        self.acknowledge(Some(beacon.sent));
        self.end_doubt(now, beacon.confirmed);
        self.offer_to_coordinate(now);
    }

    /// Whether `from` may give orders in `epoch`; if so, it has been heard now.
    ///
    /// Whoever orders in an epoch was promised it by a majority, so there is one such at most; a candidate that stood for the same
    /// epoch and hears the winner has lost, and follows it.
    fn obey(&mut self, now: Now, from: &MemberId, epoch: Epoch) -> bool {
        self.highest = self.highest.max(epoch);
        if epoch < self.promise.epoch {
            let refused = Message::Refused { promised: self.promise.epoch };
            self.send(&from.name, refused);
            return false;
        }
        let rival = match &self.role {
            Role::Coordinator(_) => epoch == self.promise.epoch,
            Role::Follower(following) => {
                epoch == self.promise.epoch && following.obeyed.is_some() && !following.obeys(from)
            }
            Role::Candidate(_) => false,
        };
        if rival {
            self.notice(Notice::RivalCoordinator(from.clone(), epoch));
            return false;
        }
        // Who coordinates again in a newer epoch may have lost entries of the older one in between: what was verified against
        // its log then says nothing of its log now, and batches kept from then are not its any more.
        let new_reign = epoch > self.promise.epoch;
        if new_reign {
            if matches!(self.role, Role::Coordinator(_)) {
                self.notice(Notice::Resigned(Resigned::Overruled));
            }
            self.promise = Promise { epoch, candidate: from.name.clone() };
            self.persist_behind_log(now.instant, Write::Promise(self.promise.clone()));
        }
        if new_reign || !matches!(&self.role, Role::Follower(following) if following.obeys(from)) {
            self.follow(now, now.instant);
            let Role::Follower(following) = &mut self.role else { return false };
            following.obeyed = Some((from.clone(), now.instant));
            self.clock.follow(now);
            self.clock_samples = 0;
            self.next_clock = now.instant;
            self.notice(Notice::Follows(from.clone(), epoch));
        }
        let Role::Follower(following) = &mut self.role else { return false };
        following.hear(now.instant, self.settings.timing.suspicion);
        true
    }

    fn take_batch(&mut self, now: Now, batch: Batch) {
        if !self.log.holds(batch.previous) {
            let Role::Follower(following) = &mut self.role else { return };
            let end = batch.previous.index + batch.entries.len() as Index;
            following.compare(now.instant, end, 0);
            following.stash(batch);
            // Batches come in order: what is missing before this one was lost.
            self.fetch_missing(now.instant);
            return;
        }
        self.take_entries(now.instant, batch.previous, &batch.entries);
        self.learn_commit(batch.commit);
        self.take_stashed(now.instant);
    }

    /// Takes over entries that follow a position which is in our log as well.
    pub(super) fn take_entries(&mut self, now: Instant, previous: Position, entries: &[Arc<Entry>]) {
        let merged = self.log.merge(previous, entries, self.commit);
        self.log_changed(now, merged);
        let end = previous.index + entries.len() as Index;
        if let Role::Follower(following) = &mut self.role {
            following.compare(now, end, end);
        }
    }

    pub(super) fn take_stashed(&mut self, now: Instant) {
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

    /// Whether our disk is so far behind that entries are better left with the coordinator, which has them: memory is bounded.
    pub(super) fn disk_lags(&self) -> bool {
        let (last, durable) = (self.log.last().index, self.durable_index());
        // What is stored is not the disk's fault, however much waits to be committed: refusing more would not end that.
        last - durable > MAX_UNCOMMITTED
            || (durable < last && self.log.bytes_in_memory() > MAX_UNCOMMITTED_BYTES * 2)
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

    /// Becomes a follower of nobody in particular, who looks for a coordinator when `patience` ends.
    pub(super) fn follow(&mut self, now: Now, patience: Instant) {
        if matches!(self.role, Role::Coordinator(_)) {
            self.clock.follow(now);
        }
        self.role = Role::Follower(Following::new(patience, self.commit));
        self.reads.clear();
    }

    pub(super) fn tick_follower(&mut self, now: Now) {
        let Role::Follower(following) = &self.role else { return };
        let fetches_at = following.fetches_at(&self.settings.timing);
        if now.instant >= following.looks_at() {
            self.look_for_coordinator(now);
        }
        if fetches_at.is_some_and(|at| now.instant >= at) {
            self.fetch_missing(now.instant);
        }
    }
}
