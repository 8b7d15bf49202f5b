//! P1: what was acknowledged is on a majority of disks, and stays.

use std::collections::BTreeMap;

use papo_core::chat::Outcome;
use papo_core::log::{Entry, Index};

use super::{Check, Key, broken, named};

const P: &str = "P1 durable";

/// What clients were told is stored.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    acknowledged: BTreeMap<Key, (Index, Outcome)>,
}

impl Durable {
    /// An entry was applied somewhere; so many of so many members have it on disk.
    ///
    /// # Errors
    /// If that is no majority.
    pub fn applied(&self, by: &str, entry: &Entry, disks: usize, members: usize) -> Check {
        if disks > members / 2 {
            return Ok(());
        }
        broken(
            P,
            format!(
                "{by} applied the entry {} of epoch {} ({:?}), which is on {disks} disks of {members} only",
                entry.index, entry.epoch, entry.operation
            ),
        )
    }

    /// A client was told that its write is stored; `settled` is what is known of it.
    ///
    /// # Errors
    /// If nobody has applied it.
    pub fn acknowledged(
        &mut self,
        key: Key,
        told: (Index, Outcome),
        settled: Option<(Index, Outcome)>,
    ) -> Check {
        if settled.is_none() {
            return broken(P, format!("{} was acknowledged, and nobody has applied it", named(&key)));
        }
        self.acknowledged.insert(key, told);
        Ok(())
    }

    /// The run is over; `settled` is what the log says of a request.
    ///
    /// # Errors
    /// If something that was acknowledged is missing.
    pub fn end(&self, settled: impl Fn(&Key) -> Option<Index>) -> Check {
        for (key, (index, _)) in &self.acknowledged {
            if settled(key) != Some(*index) {
                return broken(P, format!("{} was acknowledged at {index} and is missing", named(key)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{entry, key, sentence};
    use super::*;

    #[test]
    fn what_is_on_half_of_the_disks_only_is_found() {
        let durable = Durable::default();
        assert_eq!(durable.applied("s1", &entry(3, 1, 3, 3), 3, 5), Ok(()));
        assert!(sentence(durable.applied("s1", &entry(3, 1, 3, 3), 2, 4)).contains("on 2 disks of 4 only"));
    }

    #[test]
    fn acknowledged_and_missing_is_found() {
        let mut durable = Durable::default();
        let told = (7, Outcome::Done);
        assert!(sentence(durable.acknowledged(key("a"), told, None)).contains("nobody has applied it"));
        assert_eq!(durable.acknowledged(key("b"), told, Some(told)), Ok(()));
        assert_eq!(durable.end(|_| Some(7)), Ok(()));
        let lost = sentence(durable.end(|_| None));
        assert_eq!(lost, "P1 durable: request b of ana was acknowledged at 7 and is missing");
    }
}
