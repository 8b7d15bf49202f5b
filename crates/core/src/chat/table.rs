use crate::log::Index;

use super::fingerprint::{Digest, RequestKey};
use super::outcome::Outcome;
use super::recent::Recalled;

/// How many of the upper bits of a key's hash choose among tables.
pub(super) const SHARD_BITS: u32 = 10;

/// One remembered request in 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    key: u128,
    digest: u64,
    /// The index, and in the lowest byte the outcome. 0 marks a free slot: indices begin at 1.
    settled: u64,
}

impl Slot {
    const FREE: Self = Self { key: 0, digest: 0, settled: 0 };

    pub(super) fn new(key: RequestKey, recalled: Recalled) -> Self {
        assert!((1..1 << 56).contains(&recalled.index), "an index fits in 56 bits");
        Self {
            key: key.bits(),
            digest: recalled.digest.bits(),
            settled: recalled.index << 8 | u64::from(recalled.outcome.code()),
        }
    }

    pub(super) fn index(&self) -> Index {
        self.settled >> 8
    }

    pub(super) fn recalled(&self) -> Recalled {
        let [code, ..] = self.settled.to_le_bytes();
        Recalled {
            index: self.index(),
            outcome: Outcome::from_code(code).expect("only codes of outcomes are stored"),
            digest: Digest::from_bits(self.digest),
        }
    }

    fn is_free(&self) -> bool {
        self.settled == 0
    }
}

/// A hash table of slots with linear probing, of any size rather than a power of two: it grows by about a quarter at a time,
/// which keeps it between 64 % and 80 % full (40 to 50 bytes a request), where doubling would leave it half empty.
///
/// Nothing is removed one by one: [`Table::clear_below`] rebuilds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    slots: Box<[Slot]>,
    used: usize,
}

impl Table {
    /// The slot of `key`, which may be one below the floor.
    pub(super) fn find(&self, key: RequestKey, seed: u64) -> Option<&Slot> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = &self.slots[self.probe(key.bits(), seed)];
        (!slot.is_free()).then_some(slot)
    }

    /// Adds `slot`, or replaces the one with its key. May drop slots below `floor` to make room.
    pub(super) fn insert(&mut self, slot: Slot, floor: Index, seed: u64) {
        if (self.used + 1) * 5 > self.slots.len() * 4 {
            self.rebuild(floor, seed);
        }
        self.put(slot, seed);
    }

    /// Drops the slots below `floor`, and gives their memory back.
    pub(super) fn clear_below(&mut self, floor: Index, seed: u64) {
        if self.slots.iter().any(|slot| !slot.is_free() && slot.index() < floor) {
            self.rebuild(floor, seed);
        }
    }

    /// How many slots are in use.
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Bytes of memory behind the table.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }

    /// How many slots a search for `key` looks at.
    #[cfg(test)]
    pub(super) fn steps(&self, key: RequestKey, seed: u64) -> usize {
        let (from, len) = (home(key.bits(), seed, self.slots.len()), self.slots.len());
        (self.probe(key.bits(), seed) + len - from) % len + 1
    }

    /// Lays the slots from `floor` on out afresh, with room for some more.
    fn rebuild(&mut self, floor: Index, seed: u64) {
        let kept = |slot: &&Slot| !slot.is_free() && slot.index() >= floor;
        let count = self.slots.iter().filter(kept).count();
        let old = std::mem::replace(&mut self.slots, vec![Slot::FREE; count * 25 / 16 + 4].into());
        self.used = 0;
        for slot in old.iter().filter(kept) {
            self.put(*slot, seed);
        }
    }

    fn put(&mut self, slot: Slot, seed: u64) {
        let at = self.probe(slot.key, seed);
        self.used += usize::from(self.slots[at].is_free());
        self.slots[at] = slot;
    }

    /// Where `key` is, or the free slot where it belongs. There is one: the table is never full.
    fn probe(&self, key: u128, seed: u64) -> usize {
        let mut at = home(key, seed, self.slots.len());
        while !self.slots[at].is_free() && self.slots[at].key != key {
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
        at
    }
}

/// A hash of `key` that only those who know `seed` can aim at: folds the product of its halves.
pub(super) fn mix(key: u128, seed: u64) -> u64 {
    let (low, high) = (key as u64, (key >> 64) as u64);
    let product = u128::from(low ^ seed) * u128::from(high ^ 0x9e37_79b9_7f4a_7c15);
    product as u64 ^ (product >> 64) as u64
}

/// Where in a table of `len` slots the search for `key` begins. The upper bits of the hash chose the table.
fn home(key: u128, seed: u64, len: usize) -> usize {
    let within = mix(key, seed) << SHARD_BITS;
    ((u128::from(within) * len as u128) >> 64) as usize
}
