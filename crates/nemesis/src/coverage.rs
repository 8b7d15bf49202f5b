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

    /// Counts that deeds of a kind cannot be done, and why.
    pub fn skip(&mut self, kind: Kind, why: &str) {
        self.0.entry(kind).or_default().skipped.insert(why.to_owned());
    }

    /// How many deeds are known to have happened.
    pub fn proven(&self) -> usize {
        self.0.values().map(|count| count.proven).sum()
    }

    /// How many kinds of deeds are known to have happened.
    pub fn proven_kinds(&self) -> usize {
        self.0.values().filter(|count| count.proven > 0).count()
    }

    /// What was never proven to have happened: a sentence each. That is what was done in vain; and, of a run that is `whole` (that goes on
    /// until each kind was dealt), what was not done at all though it could have been.
    pub fn doubts(&self, whole: bool) -> Vec<String> {
        let unseen = self.0.iter().filter(|(_, count)| count.proven == 0);
        let mut doubts: Vec<String> = unseen
            .filter_map(|(kind, count)| match count.done {
                0 if whole && count.skipped.is_empty() => Some(format!("{kind}: never done")),
                0 => None,
                done => Some(format!("{kind}: done {done} times, and never seen to have happened")),
            })
            .collect();
        if self.proven() == 0 {
            doubts.push("no fault is proven to have happened".to_owned());
        }
        doubts
    }

    /// How many kinds of deeds cannot be done here.
    pub fn skipped_kinds(&self) -> usize {
        self.0.values().filter(|count| count.done == 0 && !count.skipped.is_empty()).count()
    }

    /// What was not done because it cannot be done here: a sentence for each reason.
    pub fn skipped(&self) -> Vec<String> {
        let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (kind, count) in self.0.iter().filter(|(_, count)| count.done == 0) {
            for why in &count.skipped {
                by_reason.entry(why).or_default().push(kind.to_string());
            }
        }
        by_reason.into_iter().map(|(why, kinds)| format!("skipped: {} ({why})", kinds.join("; "))).collect()
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

    fn proven() -> Outcome {
        Outcome::Proven("T".to_owned())
    }

    #[test]
    fn a_kind_that_was_done_and_never_seen_is_a_doubt() {
        let mut coverage = Coverage::of(&[Kind::Freeze, Kind::Slow, Kind::Stop]);
        assert_eq!(coverage.doubts(false), ["no fault is proven to have happened"]);
        coverage.note(Kind::Freeze, &Outcome::Unproven("it was dead".to_owned()));
        coverage.note(Kind::Freeze, &proven());
        assert!(coverage.doubts(false).is_empty(), "{:?}", coverage.doubts(false));
        coverage.note(Kind::Slow, &Outcome::Unproven("nothing was said".to_owned()));
        assert_eq!(coverage.doubts(false).len(), 1);
        assert_eq!((coverage.proven(), coverage.proven_kinds()), (1, 1));
    }

    #[test]
    fn in_a_whole_run_a_kind_that_was_never_done_is_a_doubt_and_one_that_cannot_be_done_is_told() {
        let mut coverage = Coverage::of(&[Kind::Freeze, Kind::FullDisk, Kind::ReadOnly, Kind::Stop]);
        coverage.note(Kind::Freeze, &proven());
        coverage.skip(Kind::FullDisk, "not root");
        coverage.skip(Kind::ReadOnly, "not root");
        assert_eq!(coverage.doubts(true), ["SIGTERM: never done"]);
        assert!(coverage.doubts(false).is_empty(), "{:?}", coverage.doubts(false));
        assert_eq!(coverage.skipped(), ["skipped: full disk; read-only disk (not root)"]);
        coverage.note(Kind::Stop, &proven());
        assert!(coverage.doubts(true).is_empty(), "{:?}", coverage.doubts(true));
        assert!(coverage.to_string().contains("skipped: not root"), "{coverage}");
    }
}
