use std::collections::VecDeque;

use crate::clock::WallTime;
use crate::log::Index;

use super::fingerprint::{Digest, RequestKey};
use super::outcome::Outcome;
use super::table::{SHARD_BITS, Slot, Table, mix};

/// For how many full hours an id is remembered.
const HOURS: i64 = 24;
const HOUR: i64 = 3_600_000_000_000;

/// What is remembered of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// The entry that settled it.
    pub index: Index,
    /// What it came to.
    pub outcome: Outcome,
    /// What it asked for.
    pub digest: Digest,
}

/// The requests of the last 24 hours of log time.
///
/// They are forgotten by generations: all requests of one hour of the log at once, when its last possible moment is 24 h
/// ago. As the log is in the order of time, a generation is a range of indices: forgetting one raises
/// [`Recent::floor`], and what was settled below it is no longer known, whether or not its slot was already cleared.
/// So every replica forgets the same requests at the same entry, and clearing can take its time: it goes shard by shard, one
/// with each entry applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recent {
    shards: Vec<Table>,
    /// The hours remembered (counted from the Unix epoch), each with the first entry applied in it.
    generations: VecDeque<(i64, Index)>,
    /// The first entry whose request is remembered.
    floor: Index,
    /// How many shards may still hold slots from below the floor: the last ones.
    uncleared: usize,
    /// Decides on where keys are placed, such that nobody can choose ids that crowd in one place.
    seed: u64,
}

impl Recent {
    /// Small shards, so that growing one is neither a pause nor a second copy of everything.
    const SHARDS: usize = 1 << SHARD_BITS;

    pub(super) fn new() -> Self {
        Self {
            shards: vec![Table::default(); Self::SHARDS],
            generations: VecDeque::new(),
            floor: 0,
            uncleared: 0,
            seed: 0,
        }
    }

    /// Places keys by a secret from now on.
    ///
    /// # Panics
    /// When ids are already remembered.
    pub(super) fn reseed(&mut self, secret: &[u8]) {
        assert_eq!(self.len(), 0, "the cluster is founded before anything is remembered");
        // FNV-1a: the secret is random already, it only has to be folded.
        self.seed = secret.iter().fold(0xcbf2_9ce4_8422_2325, |seed, byte| {
            (seed ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
    }

    /// Goes on to the entry `index` at `time`, and forgets what is too old by then. A time before that of an earlier
    /// entry counts as that one.
    pub(super) fn advance(&mut self, index: Index, time: WallTime) {
        let hour = time.as_nanos().div_euclid(HOUR);
        if self.generations.back().is_none_or(|(latest, _)| *latest < hour) {
            self.generations.push_back((hour, index));
            while self.generations.front().is_some_and(|(oldest, _)| *oldest < hour - HOURS) {
                self.generations.pop_front();
                self.uncleared = Self::SHARDS;
            }
            self.floor = self.generations.front().map_or(index, |(_, first)| *first);
        }
        if self.uncleared > 0 {
            self.shards[Self::SHARDS - self.uncleared].clear_below(self.floor, self.seed);
            self.uncleared -= 1;
        }
    }

    /// What is remembered of the request `key`.
    pub(super) fn recall(&self, key: RequestKey) -> Option<Recalled> {
        let slot = self.shards[self.shard(key)].find(key, self.seed)?;
        (slot.index() >= self.floor).then(|| slot.recalled())
    }

    /// Remembers a request that is not remembered.
    pub(super) fn remember(&mut self, key: RequestKey, recalled: Recalled) {
        let shard = self.shard(key);
        self.shards[shard].insert(Slot::new(key, recalled), self.floor, self.seed);
    }

    /// How many slots are in use, including those of forgotten requests that were not cleared yet.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(Table::len).sum()
    }

    /// Bytes of memory that the tables take.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.shards) + self.shards.iter().map(Table::bytes).sum::<usize>()
    }

    /// How many slots a search for `key` looks at.
    #[cfg(test)]
    pub(super) fn steps(&self, key: RequestKey) -> usize {
        self.shards[self.shard(key)].steps(key, self.seed)
    }

    /// How many hours are told apart.
    #[cfg(test)]
    pub(super) fn hours(&self) -> usize {
        self.generations.len()
    }

    /// How many shards hold anything.
    #[cfg(test)]
    pub(super) fn shards_in_use(&self) -> usize {
        self.shards.iter().filter(|shard| shard.len() > 0).count()
    }

    fn shard(&self, key: RequestKey) -> usize {
        (mix(key.bits(), self.seed) >> (u64::BITS - SHARD_BITS)) as usize
    }
}
