//! The one log that there must be, as it becomes known by what nodes apply, and what the promises say about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use papo_core::chat::{ChatState, Delivery, Outcome, StateDigest};
use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{Entry, Epoch, Index, Operation};
use papo_core::members::{MemberHistory, MemberId, Members};

use crate::checks::agreement::Agreement;
use crate::checks::p1_durable::Durable;
use crate::checks::p2_once::Once;
use crate::checks::p3_convergence::Convergence;
use crate::checks::p4_causal::Causal;
use crate::checks::p6_names::Names;
use crate::checks::p8_delivery::Deliveries;
use crate::checks::p10_refusal::Refusals;
use crate::checks::{Key, p9_clock, p11_growth, require};

/// The one log, and all that was promised about it.
#[derive(Debug, Default)]
pub struct Canon {
    /// The state after it.
    pub chat: ChatState,
    members: MemberHistory,
    log: Convergence,
    once: Once,
    names: Names,
    durable: Durable,
    refusals: Refusals,
    agreement: Agreement,
    /// What was shown of it in pages.
    pub causal: Causal,
    /// What was said, and shown as it was said.
    pub deliveries: Deliveries,
}

impl Canon {
    /// The log, as far as anybody applied it.
    pub fn entries(&self) -> &[Arc<Entry>] {
        self.log.entries()
    }

    /// The last index that anybody applied.
    pub fn last(&self) -> Index {
        self.entries().len() as Index
    }

    /// A node has applied `entry`. True if nobody had before.
    pub fn applied(&mut self, entry: &Arc<Entry>, by: &str) -> bool {
        let new = self.log.applied(by, entry);
        let is_new = new.as_ref().is_ok_and(|new| *new);
        require(new.map(|_| ()));
        if is_new {
            self.extend(entry);
        }
        is_new
    }

    fn extend(&mut self, entry: &Arc<Entry>) {
        if let Some(before) = self.entries().last() {
            require(Causal::follows(before, entry));
            require(p9_clock::follows(before, entry));
        }
        self.append_members(entry);
        let applied = self.chat.apply(entry);
        self.log.extend(entry, self.chat.digest());
        if let Some(key) = key(entry) {
            require(self.once.applied(key, entry.index, applied.repeats, applied.outcome));
        }
        if applied.outcome == Outcome::Done && applied.repeats.is_none() {
            require(self.names.took_effect(entry));
        }
        if let Some(delivery) = applied.delivery {
            require(self.deliveries.applied(delivery));
        }
    }

    fn append_members(&mut self, entry: &Arc<Entry>) {
        self.members.append(entry);
        let (before, after) = (self.members.at(entry.index - 1), self.members.current());
        if !std::ptr::eq(before, after) {
            require(p11_growth::changed(entry.index, before.voters(), after.voters()));
        }
    }

    /// Whether the members are more than there ever were of those names that they have now.
    pub(super) fn grew(&self) -> bool {
        let founders = self.entries().first().map(|entry| &entry.operation);
        let Some(Operation::Genesis(genesis)) = founders else { return false };
        let founded = |name: &str| genesis.members.iter().any(|member| member.id.name == name);
        self.members().voters().iter().any(|member| !founded(&member.id.name))
    }

    /// What a request came to, and where.
    pub fn settled(&self, key: &Key) -> Option<(Index, Outcome)> {
        self.once.settled(key)
    }

    /// An entry was applied first by `by`; so many of so many members have it on disk.
    pub fn check_durable(&self, by: &str, entry: &Entry, disks: usize, members: usize) {
        require(self.durable.applied(by, entry, disks, members));
    }

    /// The state of a node that has applied `applied` entries.
    pub fn check_state(&self, by: &str, applied: Index, digest: StateDigest) {
        require(self.log.state(by, applied, digest));
    }

    /// The members that the log names.
    pub fn members(&self) -> &Members {
        self.members.current()
    }

    /// A node coordinates.
    pub fn coordinates(&mut self, epoch: Epoch, by: &MemberId) {
        require(self.agreement.coordinates(epoch, by));
    }

    /// How many epochs had a coordinator.
    pub fn reigns(&self) -> usize {
        self.agreement.reigns()
    }

    /// A client was told that its write came to `outcome` at `index`.
    pub fn acknowledged(&mut self, key: Key, index: Index, outcome: Outcome) {
        require(self.once.answered(&key, index, outcome));
        let settled = self.once.settled(&key);
        require(self.durable.acknowledged(key, (index, outcome), settled));
    }

    /// A client was told by everybody that it asked that its write certainly had no effect.
    pub fn refused(&mut self, key: Key) {
        self.refusals.refused(key);
    }

    /// A proxy was sent this.
    pub fn published(&self, delivery: &Delivery) {
        require(self.deliveries.published(delivery));
    }

    /// All that must hold at the end of a run.
    pub fn check_end(&self) {
        require(self.durable.end(|key| self.once.settled(key).map(|(index, _)| index)));
        require(self.refusals.end(|key| self.once.settled(key).is_some()));
    }

    /// All that was said.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.deliveries.said()
    }

    /// The last message on each topic.
    pub fn tips(&self) -> &BTreeMap<String, Index> {
        self.deliveries.tips()
    }

    /// The last entry's time and Lamport clock.
    pub fn stamps(&self) -> (WallTime, Lamport) {
        self.entries().last().map_or_else(Default::default, |entry| (entry.time, entry.lamport))
    }
}

/// The key of the request in an entry.
fn key(entry: &Entry) -> Option<Key> {
    entry.request_id.clone().map(|id| (entry.author.clone(), id))
}
