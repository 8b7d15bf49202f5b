use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use papo_audit::{Conclusion, Promise, Report, VerdictCounts, Violation};
use serde::Serialize;

use crate::crew::Crew;
use crate::tally::Numbers;

/// How many violations are kept; more are only counted.
const KEPT: usize = 1000;
/// How many are printed of each promise.
const PRINTED: usize = 10;

/// What all rounds together came to.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Findings {
    rounds: u64,
    messages: VerdictCounts,
    /// How often each promise was broken.
    broken: BTreeMap<Promise, u64>,
    violations: Vec<Violation>,
    doubts: Vec<String>,
}

/// What a bot tells at its end.
#[derive(Debug, Serialize)]
pub(crate) struct Summary<'a> {
    conclusion: Conclusion,
    seconds: f64,
    users: usize,
    /// While there was talk: not while answers were awaited and histories read.
    acknowledged_per_second: f64,
    #[serde(flatten)]
    numbers: Numbers,
    #[serde(flatten)]
    findings: &'a Findings,
}

impl Findings {
    /// Adds what a round came to.
    pub(crate) fn add(&mut self, report: Report) {
        self.rounds += 1;
        for (verdict, count) in report.counts {
            *self.messages.entry(verdict).or_default() += count;
        }
        for violation in report.violations {
            *self.broken.entry(violation.promise).or_default() += 1;
            if self.violations.len() < KEPT {
                self.violations.push(violation);
            }
        }
        let room = KEPT.saturating_sub(self.doubts.len());
        self.doubts.extend(report.doubts.into_iter().take(room));
    }

    /// Whether all promises held, in all rounds.
    pub(crate) fn conclusion(&self) -> Conclusion {
        if !self.broken.is_empty() {
            Conclusion::Fail
        } else if self.rounds == 0 || !self.doubts.is_empty() {
            Conclusion::Unknown
        } else {
            Conclusion::Pass
        }
    }

    /// How many promises were broken, each as often as it was.
    pub(crate) fn broken(&self) -> u64 {
        self.broken.values().sum()
    }
}

impl<'a> Summary<'a> {
    pub(crate) fn new(findings: &'a Findings, crew: &Crew, users: usize, took: Duration) -> Self {
        let numbers = crew.tally.numbers();
        let talked = crew.talked.as_secs_f64().max(f64::MIN_POSITIVE);
        Self {
            conclusion: findings.conclusion(),
            seconds: took.as_secs_f64(),
            users,
            acknowledged_per_second: numbers.acknowledged as f64 / talked,
            numbers,
            findings,
        }
    }
}

/// A table for people.
impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Numbers { sent, acknowledged, refused, unsettled, repeated, shown, late, lost, latency_ms } =
            &self.numbers;
        let rate = self.acknowledged_per_second;
        writeln!(f, "{} users, {:.1} s, {} rounds", self.users, self.seconds, self.findings.rounds)?;
        writeln!(f, "  {sent:>9}  messages said")?;
        writeln!(f, "  {acknowledged:>9}  acknowledged ({rate:.1} a second)")?;
        writeln!(f, "  {repeated:>9}  acknowledged a second time, sent through another broker")?;
        writeln!(f, "  {refused:>9}  refused")?;
        writeln!(f, "  {unsettled:>9}  times without a final answer, asked again")?;
        writeln!(f, "  {shown:>9}  shown to users, {late} of them late")?;
        writeln!(f, "  {lost:>9}  times that the chat did not answer a user for a while")?;
        let (p50, p99, max) = (latency_ms.p50, latency_ms.p99, latency_ms.max);
        writeln!(f, "  acknowledged within: p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms")?;
        writeln!(f, "verdicts:")?;
        for (verdict, count) in &self.findings.messages {
            writeln!(f, "  {count:>9}  {verdict}")?;
        }
        for (promise, count) in &self.findings.broken {
            writeln!(f, "{promise}: BROKEN {count} times")?;
            let sentences = self.findings.violations.iter().filter(|violation| violation.promise == *promise);
            for violation in sentences.take(PRINTED) {
                writeln!(f, "  - {}", violation.sentence)?;
            }
        }
        for doubt in self.findings.doubts.iter().take(PRINTED) {
            writeln!(f, "not known: {doubt}")?;
        }
        writeln!(
            f,
            "{}",
            match self.conclusion {
                Conclusion::Pass => "every promise held",
                Conclusion::Fail => "A PROMISE WAS BROKEN",
                Conclusion::Unknown => "nothing wrong was found, but not everything could be checked",
            }
        )
    }
}
