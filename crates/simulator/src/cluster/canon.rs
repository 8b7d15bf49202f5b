//! The one log that there must be, as it becomes known by what nodes apply; and what each promise says about it.
//!
//! Every check here is an assertion: a broken promise ends the run where it is broken.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use papo_core::chat::{ChatState, Delivery, Outcome, StateDigest};
use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{Entry, Epoch, Index, Operation, RequestId};
use papo_core::members::{MemberHistory, MemberId, Members};

/// The key of a request: author and id.
pub type Key = (String, RequestId);

#[derive(Debug, Default)]
/// The one log, and all that was promised about it.
pub struct Canon {
    /// The log, as far as anybody applied it.
    pub entries: Vec<Arc<Entry>>,
    /// The state after it.
    pub chat: ChatState,
    members: MemberHistory,
    digests: Vec<StateDigest>,
    /// What each request came to, where it was settled first.
    pub settled: HashMap<Key, (Index, Outcome)>,
    names: HashMap<String, Index>,
    deliveries: HashMap<Index, Delivery>,
    /// The last message on each topic.
    pub tips: BTreeMap<String, Index>,
    coordinators: BTreeMap<Epoch, MemberId>,
    /// Where the members were changed last in each reign.
    changed: BTreeMap<Epoch, Index>,
    acknowledged: HashMap<Key, (Index, Outcome)>,
    refused: Vec<Key>,
}

impl Canon {
    /// The last index that anybody applied.
    pub fn last(&self) -> Index {
        self.entries.len() as Index
    }

    /// A node has applied `entry`. True if nobody had before.
    pub fn applied(&mut self, entry: &Arc<Entry>, by: &str) -> bool {
        if let Some(known) = self.entries.get(usize::try_from(entry.index - 1).expect("logs are short")) {
            assert_eq!(known, entry, "P3: {by} applied another entry at {}", entry.index);
            return false;
        }
        self.extend(entry);
        true
    }

    fn extend(&mut self, entry: &Arc<Entry>) {
        assert_eq!(entry.index, self.last() + 1, "P3: entries are applied in order");
        if let Some(before) = self.entries.last() {
            assert!(entry.lamport > before.lamport, "P4: Lamport clocks only grow: {entry:?}");
            assert!(entry.time >= before.time, "P9: timestamps never run backwards: {entry:?}");
            assert!(entry.epoch >= before.epoch, "epochs never fall: {entry:?}");
        }
        self.entries.push(Arc::clone(entry));
        self.members.append(entry);
        let applied = self.chat.apply(entry);
        self.digests.push(self.chat.digest());

        if let Some(id) = &entry.request_id {
            let key = (entry.author.clone(), id.clone());
            if let Some((first, outcome)) = self.settled.get(&key) {
                assert_eq!(applied.repeats, Some(*first), "P2: {key:?} took effect twice");
                assert_eq!(applied.outcome, *outcome, "P2: {key:?} was answered differently");
            } else {
                assert_eq!(applied.repeats, None, "P2: {key:?} repeats what was never there");
                self.settled.insert(key, (entry.index, applied.outcome));
            }
        }
        if applied.outcome == Outcome::Done && applied.repeats.is_none() {
            let name = match &entry.operation {
                Operation::Login { user } => Some(format!("user:{}", user.key)),
                Operation::Channel { channel } => Some(format!("channel:{}", channel.key)),
                _ => None,
            };
            if let Some(name) = name {
                let winner = self.names.insert(name, entry.index);
                assert_eq!(winner, None, "P6: two winners of one name: {entry:?}");
            }
        }
        if let Some(delivery) = applied.delivery {
            let topic = delivery.said.to.topic();
            let before = self.tips.insert(topic, entry.index).unwrap_or(0);
            assert_eq!(delivery.previous, before, "P8: the chain of a topic has a hole");
            self.deliveries.insert(entry.index, delivery);
        }
    }

    /// The state of a node that has applied `applied` entries.
    pub fn check_state(&self, by: &str, applied: Index, digest: StateDigest) {
        if applied > 0 {
            let ours = self.digests[usize::try_from(applied - 1).expect("logs are short")];
            assert_eq!(ours, digest, "P3: {by} has another state at {applied}");
        }
    }

    /// The members that the first `index` entries name.
    pub fn members(&self) -> &Members {
        self.members.current()
    }

    /// A node coordinates.
    pub fn coordinates(&mut self, epoch: Epoch, by: &MemberId) {
        let first = self.coordinators.entry(epoch).or_insert_with(|| by.clone());
        assert_eq!(first, by, "two coordinators of epoch {epoch}");
    }

    /// A coordinator that knows everything up to `commit` to be committed has ordered a change of the members.
    pub fn changes_members(&mut self, entry: &Entry, commit: Index) {
        if !matches!(entry.operation, Operation::AddMember(_) | Operation::RemoveMember { .. }) {
            return;
        }
        if let Some(before) = self.changed.insert(entry.epoch, entry.index) {
            assert!(before <= commit, "P11: two changes of the members are on their way at once: {entry:?}");
        }
    }

    /// How many epochs had a coordinator.
    pub fn reigns(&self) -> usize {
        self.coordinators.len()
    }

    /// A client was told that its write came to `outcome` at `index`.
    pub fn acknowledged(&mut self, key: Key, index: Index, outcome: Outcome) {
        let (first, settled) = *self.settled.get(&key).expect("P1: acknowledged, and nobody has applied it");
        assert_eq!((first, settled), (index, outcome), "P2: {key:?} was answered differently");
        self.acknowledged.insert(key, (index, outcome));
    }

    /// A client was told by everybody that it asked that its write certainly had no effect.
    pub fn refused(&mut self, key: Key) {
        self.refused.push(key);
    }

    /// A proxy was sent this.
    pub fn published(&self, delivery: &Delivery) {
        let ours = self.deliveries.get(&delivery.said.index);
        assert_eq!(ours, Some(delivery), "P8: published what was not committed");
    }

    /// All that must hold at the end of a run.
    pub fn check_end(&self) {
        for (key, told) in &self.acknowledged {
            assert_eq!(self.settled.get(key), Some(told), "P1: {key:?} was acknowledged and is gone");
        }
        for key in &self.refused {
            assert!(!self.settled.contains_key(key), "P10: {key:?} was refused and took effect");
        }
    }

    /// All that was said.
    pub fn messages(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.values()
    }

    /// The last entry's time and Lamport clock.
    pub fn stamps(&self) -> (WallTime, Lamport) {
        self.entries.last().map_or_else(Default::default, |entry| (entry.time, entry.lamport))
    }
}
