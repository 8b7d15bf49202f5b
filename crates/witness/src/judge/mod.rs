//! From everything that was seen to one word, and why.

mod answers;
mod broken;
mod counts;
mod doubts;
#[cfg(test)]
mod tests;
mod trial;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::slice;
use std::time::Duration;

use papo_audit::{Event, HistoryDump, RequestId, audit};

use crate::evidence::{Broken, Evidence, Figures, Moment, MomentKind, SCHEMA, Verdict};
use crate::timeline::milliseconds;
use answers::Answers;
pub use trial::{Expectations, Fault, Proof, Service, Trial};

/// A stretch without acknowledgements that is worth the name.
const SILENCE: Duration = Duration::from_millis(200);
/// How soon a fault takes effect.
const TAKES_EFFECT: Duration = Duration::from_secs(10);

/// What came of a drill, with the verdict on each message.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// What is reported.
    pub evidence: Evidence,
    /// Of each message by the id of its request.
    pub verdicts: BTreeMap<RequestId, papo_audit::Verdict>,
}

/// Holds what was acknowledged and shown against what every servidor tells, and the figures against their budgets.
///
/// **Fail** when a promise was broken, whatever else is not known. Else **unknown** when the evidence does not suffice: the fault is
/// not proven, nothing was acknowledged meanwhile (or, where there is no majority, nothing was refused), or not everything
/// could be read back. Else **pass**.
pub fn judge(trial: &Trial<'_>) -> Judgement {
    let histories = histories(trial);
    let ledgers = slice::from_ref(&trial.load.ledger);
    let report =
        audit(&papo_audit::Evidence { ledgers, histories: &histories, digests: &trial.read.digests });
    let answers = Answers::of(trial.load);
    let figures = figures(trial, &answers);
    let broken = broken::all(trial, &report, &answers, &figures);
    let doubts = doubts::all(trial, &report, &answers);
    let verdict = match (broken.is_empty(), doubts.is_empty()) {
        (false, _) => Verdict::Fail,
        (true, false) => Verdict::Unknown,
        (true, true) => Verdict::Pass,
    };
    let messages = counts::messages(trial, &report, &answers);
    let because = match verdict {
        Verdict::Pass => counts::what_held(trial, &answers, &messages, &figures),
        Verdict::Fail | Verdict::Unknown => broken::by_promise(&broken).into_iter().chain(doubts).collect(),
    };
    let evidence = Evidence {
        schema: SCHEMA,
        drill: trial.drill.to_owned(),
        seed: trial.load.seed,
        started: trial.timeline.started(),
        duration_ms: milliseconds(trial.timeline.now()),
        verdict,
        because,
        timeline: moments(trial, &answers),
        rate: counts::rate(trial, &answers),
        messages,
        figures,
        broken: limited(broken),
        not_undone: trial.not_undone.to_vec(),
    };
    Judgement { evidence, verdicts: report.verdicts }
}

impl Judgement {
    /// Writes `verdicts.jsonl` into a folder: a line of id and verdict for each message.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_verdicts(&self, folder: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(folder.join("verdicts.jsonl"))?);
        for (request_id, verdict) in &self.verdicts {
            let line = serde_json::json!({"request_id": request_id, "verdict": verdict});
            writeln!(file, "{line}")?;
        }
        file.into_inner()?.sync_all()
    }
}

/// What the servidores tell. Where all of it was read and all are level, there is nothing after its end: whatever was
/// acknowledged at a later index is not unread but gone.
fn histories<'a>(trial: &Trial<'a>) -> Cow<'a, [HistoryDump]> {
    let acknowledged = trial.load.ledger.entries().iter().filter_map(|entry| match entry.event {
        Event::Acknowledged { index, .. } => Some(index),
        _ => None,
    });
    let end = acknowledged.max().unwrap_or(0);
    let told = &trial.read.histories;
    if !trial.read.missing.is_empty() || told.iter().all(|dump| dump.upto >= end) {
        return Cow::Borrowed(told);
    }
    let longer = |dump: &HistoryDump| HistoryDump { upto: dump.upto.max(end), ..dump.clone() };
    Cow::Owned(told.iter().map(longer).collect())
}

fn figures(trial: &Trial<'_>, answers: &Answers<'_>) -> Figures {
    let from = trial.fault.map_or(Duration::ZERO, |fault| fault.at);
    let since = |at: Duration| trial.fault.map(|fault| milliseconds(at.saturating_sub(fault.at)));
    let reigns = &trial.watched.reigns;
    let coordinator = reigns.iter().map(|(at, _)| *at).find(|at| *at >= from);
    // What is restarted one after another is whole again in between: the last time counts, if it stayed so.
    let recovered = trial.watched.recovered.last().copied();
    let recovered = recovered.filter(|at| trial.watched.is_whole && *at >= from);
    Figures {
        pause_ms: answers.pause(from).map(milliseconds),
        silence_ms: answers.silence(from).map(milliseconds),
        period_ms: milliseconds(trial.load.period),
        coordinator_ms: coordinator.and_then(since),
        recovered_ms: recovered.and_then(since),
        // Only who replaced the pod knows when it was ready.
        resumed_ms: None,
        failed_requests: trial.load.failures.len() as u64,
    }
}

/// What was marked, and the first acknowledgement after the fault.
fn moments(trial: &Trial<'_>, answers: &Answers<'_>) -> Vec<Moment> {
    let mut moments = trial.timeline.moments();
    moments.extend(trial.fault.and_then(|fault| first_acknowledgement(fault, answers)));
    moments.sort_by_key(|moment| moment.at_ms);
    moments
}

/// Until the fault takes effect messages are acknowledged as before, so this is the one that ends the silence, if there is one.
fn first_acknowledgement(fault: &Fault, answers: &Answers<'_>) -> Option<Moment> {
    let silence = answers.went_on(fault.at, TAKES_EFFECT).filter(|(_, silence)| *silence >= SILENCE);
    let (at, text) = match silence {
        Some((at, silence)) => {
            (at, format!("messages are acknowledged again, after {} ms without any", milliseconds(silence)))
        }
        None => {
            let after = answers.messages().filter(|message| message.sent >= fault.at);
            let at = after.filter_map(|message| message.acknowledged).min()?;
            (at, "messages are acknowledged as before".to_owned())
        }
    };
    Some(Moment { at_ms: milliseconds(at), what: MomentKind::FirstAcknowledgement, text })
}

/// Names a bounded number of sentences of each promise.
fn limited(broken: Vec<Broken>) -> Vec<Broken> {
    let mut by_promise: BTreeMap<String, Vec<Broken>> = BTreeMap::new();
    for one in broken {
        by_promise.entry(one.promise.clone()).or_default().push(one);
    }
    let mut limited = Vec::new();
    for (promise, all) in by_promise {
        let more = all.len().saturating_sub(Broken::NAMED);
        limited.extend(all.into_iter().take(Broken::NAMED));
        if more > 0 {
            limited.push(Broken { promise, sentence: format!("and {more} more") });
        }
    }
    limited
}
