//! Catching up: whoever lacks entries asks for them in bounded steps, of the coordinator, or, to become one, of whoever promised
//! with the longest log.
//!
//! A lost question or answer is made good by the next beacon, or by the candidate's own retry.

use std::sync::Arc;

use super::{LogRead, Message, Output, Replica, Role};
use crate::clock::{Instant, Now};
use crate::log::{Entry, Epoch, Index, Position};
use crate::members::MemberId;

/// How many entries one answer to a fetch holds, at most, and about how many bytes.
pub const FETCH_ENTRIES: usize = 2048;
/// See [`FETCH_ENTRIES`].
pub const FETCH_BYTES: usize = 512 << 10;

impl Replica {
    /// Asks the coordinator for what follows the verified part of our log, unless it was asked just now.
    pub(super) fn fetch_missing(&mut self, now: Instant) {
        let retry = self.settings.timing.retry;
        let epoch = self.promise.epoch;
        let lags = self.disk_lags();
        let Role::Follower(following) = &mut self.role else { return };
        let Some((coordinator, _)) = &following.obeyed else { return };
        if following.fetched_at.is_some_and(|at| now.since(at) < retry) {
            return;
        }
        following.fetched_at = Some(now);
        if lags {
            return;
        }
        let to = coordinator.name.clone();
        let after = following.verified;
        self.send(&to, Message::Fetch { epoch, after });
    }

    /// Answers a fetch: from memory, or by way of the disk.
    pub(super) fn fetch(&mut self, from: &MemberId, epoch: Epoch, after: Index) {
        let speaks_for_epoch = match &self.role {
            Role::Coordinator(_) => true,
            // A candidate takes the log over from one who promised. Nothing changes that log but the candidate, unless it lost: then
            // the winner of its epoch may be obeyed, and what came since is not what was promised with.
            Role::Follower(following) => {
                let waits = following.obeyed.is_none() && self.log.last().epoch < epoch;
                waits && self.promise.candidate == from.name
            }
            Role::Candidate(_) => false,
        };
        if epoch != self.promise.epoch || !speaks_for_epoch || after > self.log.last().index {
            return;
        }
        let previous = self.log.position_at(after);
        if let Some(entries) = self.log.slice(after + 1, FETCH_ENTRIES, FETCH_BYTES) {
            self.send(&from.name, Message::Fetched { epoch, previous, entries });
            return;
        }
        // A disk may take longer than whoever asks waits before it asks again. Were what is being read begun anew each time, no
        // answer would ever be in time.
        let asked = LogRead { to: from.name.clone(), epoch, previous };
        if self.reads.values().any(|read| *read == asked) {
            return;
        }
        self.reads.retain(|_, read| read.to != from.name);
        let read = self.next_read;
        self.next_read += 1;
        self.reads.insert(read, asked);
        self.outputs.push_back(Output::ReadLog { read, from: after + 1 });
    }

    pub(super) fn log_read(&mut self, read: u64, mut entries: Vec<Arc<Entry>>) {
        let Some(LogRead { to, epoch, previous }) = self.reads.remove(&read) else { return };
        // Only committed entries are asked of the disk, and they do not change; what follows them on the disk may, and so may
        // the epoch.
        entries.truncate(usize::try_from(self.commit.saturating_sub(previous.index)).unwrap_or(usize::MAX));
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
            Role::Follower(following) if following.obeys(from) => {
                following.hear(now.instant, self.settings.timing.suspicion);
                self.take_fetched(now.instant, previous, entries);
            }
            Role::Follower(_) | Role::Coordinator(_) => {}
        }
    }

    fn take_fetched(&mut self, now: Instant, previous: Position, entries: &[Arc<Entry>]) {
        let end = previous.index + entries.len() as Index;
        let news = matches!(&self.role, Role::Follower(following) if end > following.verified);
        if !news || self.disk_lags() {
            return;
        }
        self.take_entries(now, previous, entries);
        self.take_stashed(now);
        // Only news asks for more: an answer that came late, or twice, would begin a second chain of questions beside the first.
        let Role::Follower(following) = &mut self.role else { return };
        following.fetched_at = None;
        if following.verified < following.coordinator_last {
            self.fetch_missing(now);
        }
    }
}
