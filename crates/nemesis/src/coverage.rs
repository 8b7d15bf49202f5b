//! What of all that is possible has happened.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::deed::Kind;
use crate::perform::Outcome;

/// Counts of each kind.
#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeMap<Kind, Count>);

#[derive(Clone, Debug, Default)]
struct Count {
    done: usize,
    proven: usize,
    skipped: BTreeSet<String>,
}

impl Coverage {
    /// Of these kinds, with nothing done.
    pub fn of(kinds: &[Kind]) -> Self {
        Self(kinds.iter().map(|kind| (*kind, Count::default())).collect())
    }

    /// Counts a deed.
    pub fn note(&mut self, kind: Kind, outcome: &Outcome) {
        let count = self.0.entry(kind).or_default();
        match outcome {
            Outcome::Proven(_) => (count.done, count.proven) = (count.done + 1, count.proven + 1),
            Outcome::Unproven(_) => count.done += 1,
            Outcome::Skipped(why) => drop(count.skipped.insert(why.clone())),
        }
    }

    /// How many deeds are known to have happened.
    pub fn proven(&self) -> usize {
        self.0.values().map(|count| count.proven).sum()
    }

    /// What was done, and never proven to have happened: a sentence each.
    pub fn doubts(&self) -> Vec<String> {
        let unseen = self.0.iter().filter(|(_, count)| count.done > 0 && count.proven == 0);
        let mut doubts: Vec<String> = unseen
            .map(|(kind, count)| {
                format!("{kind}: done {} times, and never seen to have happened", count.done)
            })
            .collect();
        if self.proven() == 0 {
            doubts.push("no fault is proven to have happened".to_owned());
        }
        doubts
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<70} {:>5} {:>6}", "what", "done", "proven")?;
        for (kind, count) in &self.0 {
            write!(f, "{:<70} {:>5} {:>6}", kind.to_string(), count.done, count.proven)?;
            for why in &count.skipped {
                write!(f, "  skipped: {why}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_was_done_and_never_seen_is_a_doubt_and_one_that_was_skipped_is_none() {
        let mut coverage = Coverage::of(&[Kind::Freeze, Kind::Slow, Kind::FullDisk, Kind::Stop]);
        assert_eq!(coverage.doubts(), ["no fault is proven to have happened"]);
        coverage.note(Kind::Freeze, &Outcome::Unproven("it was dead".to_owned()));
        coverage.note(Kind::Freeze, &Outcome::Proven("T".to_owned()));
        coverage.note(Kind::FullDisk, &Outcome::Skipped("not root".to_owned()));
        assert!(coverage.doubts().is_empty(), "{:?}", coverage.doubts());
        coverage.note(Kind::Slow, &Outcome::Unproven("nothing was said".to_owned()));
        assert_eq!(coverage.doubts().len(), 1);
        assert_eq!(coverage.proven(), 1);
        assert!(coverage.to_string().contains("skipped: not root"), "{coverage}");
    }
}
