use std::collections::BTreeMap;

use serde::Serialize;

use crate::checks::{Promise, Violation, check_facts};
use crate::event::RequestId;
use crate::evidence::{Evidence, Facts};
use crate::verdict::{Verdict, VerdictCounts, verdicts};

/// How many violations of one promise the printed report names.
const NAMED: usize = 10;

/// What an audit came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Pass, fail or unknown.
    pub conclusion: Conclusion,
    /// How many messages were judged how.
    pub counts: VerdictCounts,
    /// Every broken promise.
    pub violations: Vec<Violation>,
    /// Why the evidence does not suffice to say that all promises were kept; empty where it does.
    pub doubts: Vec<String>,
    /// The verdict on each message.
    #[serde(skip)]
    pub verdicts: BTreeMap<RequestId, Verdict>,
}

/// The audit in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Every promise that was checked held.
    Pass,
    /// A promise was broken.
    Fail,
    /// Nothing wrong was found, in evidence that does not suffice.
    Unknown,
}

/// Checks every promise.
pub fn audit(evidence: &Evidence<'_>) -> Report {
    let facts = Facts::gather(evidence);
    let violations: Vec<Violation> =
        Promise::ALL.into_iter().flat_map(|promise| check_facts(promise, &facts)).collect();
    let verdicts = verdicts(&facts, &violations);
    let mut counts = VerdictCounts::new();
    for verdict in verdicts.values() {
        *counts.entry(*verdict).or_default() += 1;
    }
    let doubts = doubts(&facts, &counts);
    let conclusion = match (violations.is_empty(), doubts.is_empty()) {
        (false, _) => Conclusion::Fail,
        (true, true) => Conclusion::Pass,
        (true, false) => Conclusion::Unknown,
    };
    Report { conclusion, counts, violations, doubts, verdicts }
}

fn doubts(facts: &Facts<'_>, counts: &VerdictCounts) -> Vec<String> {
    let mut doubts = Vec::new();
    let highest = facts.cases.values().flat_map(|case| &case.acknowledged).max().copied();
    if highest.is_none() {
        doubts.push("nothing was acknowledged, so nothing could be lost".to_owned());
    }
    if facts.histories.is_empty() {
        doubts.push("no history was read".to_owned());
    }
    for history in &facts.histories {
        let upto = history.dump.upto;
        if let Some(highest) = highest.filter(|highest| *highest > upto) {
            let servidor = &history.dump.servidor;
            doubts.push(format!(
                "the history of {servidor} was read up to index {upto} only, and {highest} was acknowledged"
            ));
        }
    }
    if let Some(count) = counts.get(&Verdict::Unchecked) {
        doubts.push(format!("{count} acknowledged messages are in no history that was read"));
    }
    doubts
}

impl Report {
    /// Whether a promise was broken.
    pub fn is_broken(&self) -> bool {
        self.conclusion == Conclusion::Fail
    }

    /// The violations of one promise.
    pub fn of(&self, promise: Promise) -> impl Iterator<Item = &Violation> {
        self.violations.iter().filter(move |violation| violation.promise == promise)
    }
}

impl std::fmt::Display for Conclusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Unknown => "unknown",
        })
    }
}

/// A table for people: verdicts, then what was broken and what could not be known.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "audit: {}", self.conclusion)?;
        for (verdict, count) in &self.counts {
            writeln!(f, "  {count:>9}  {verdict}")?;
        }
        for promise in Promise::ALL {
            let count = self.of(promise).count();
            if count > 0 {
                writeln!(f, "{promise}: broken {count} times")?;
            }
            for violation in self.of(promise).take(NAMED) {
                writeln!(f, "  - {}", violation.sentence)?;
            }
            if count > NAMED {
                writeln!(f, "  - and {} more", count - NAMED)?;
            }
        }
        for doubt in &self.doubts {
            writeln!(f, "not known: {doubt}")?;
        }
        Ok(())
    }
}
