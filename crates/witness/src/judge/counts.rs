//! Numbers, and what they say when all is well.

use std::time::Duration;

use papo_audit::{Report, Verdict};

use super::answers::Answers;
use super::trial::{Proof, Service, Trial};
use crate::evidence::{Figures, MessageCounts, RateSample};
use crate::timeline::milliseconds;

pub(super) fn messages(trial: &Trial<'_>, report: &Report, answers: &Answers<'_>) -> MessageCounts {
    let count = |verdict| report.counts.get(&verdict).map_or(0, |count| *count as u64);
    let during = |at: &Duration| trial.fault.is_none_or(|fault| fault.covers(*at));
    MessageCounts {
        attempted: answers.messages().count() as u64,
        acknowledged: answers.acknowledgements().count() as u64,
        acknowledged_during_fault: answers.acknowledgements().filter(during).count() as u64,
        kept: count(Verdict::Kept),
        lost: count(Verdict::Lost),
        altered: count(Verdict::Altered),
        duplicated: count(Verdict::Duplicated),
        out_of_order: count(Verdict::OutOfOrder),
        refused_present: count(Verdict::RefusedPresent),
        unacknowledged_present: count(Verdict::UnacknowledgedPresent),
        refused: count(Verdict::Refused),
        unknown_outcome: count(Verdict::UnacknowledgedAbsent),
        unchecked: count(Verdict::Unchecked),
    }
}

/// A sample per span, from the start to the last answer.
pub(super) fn rate(trial: &Trial<'_>, answers: &Answers<'_>) -> Vec<RateSample> {
    let span = |at: Duration| usize::try_from(milliseconds(at) / RateSample::WIDTH_MS).unwrap_or(usize::MAX);
    let failures = || trial.load.failures.iter().map(|failure| failure.at);
    let last = answers.acknowledgements().chain(failures()).chain([trial.load.stopped]).max();
    let spans = span(last.unwrap_or_default()) + 1;
    let mut samples: Vec<RateSample> = (0..)
        .step_by(usize::try_from(RateSample::WIDTH_MS).expect("a span is short"))
        .map(|at_ms| RateSample { at_ms, ..RateSample::default() })
        .take(spans)
        .collect();
    for at in answers.acknowledgements() {
        samples[span(at)].acknowledged += 1;
    }
    for at in failures() {
        samples[span(at)].failed += 1;
    }
    samples
}

/// What a drill that passed has shown.
pub(super) fn what_held(
    trial: &Trial<'_>,
    answers: &Answers<'_>,
    messages: &MessageCounts,
    figures: &Figures,
) -> Vec<String> {
    let servidores = trial.read.histories.len();
    let mut held = vec![format!(
        "{} messages were acknowledged, and each is on all {servidores} servidores, once and in order",
        messages.acknowledged
    )];
    let Some(fault) = trial.fault else { return held };
    if let Proof::Seen { how, .. } = &fault.proof {
        held.push(how.clone());
    }
    held.push(match trial.expectations.service {
        Service::GoesOn => format!(
            "{} of the messages were acknowledged while the fault was there",
            messages.acknowledged_during_fault
        ),
        Service::Refuses => {
            let refused = answers.refused_attempts.iter().filter(|at| fault.covers(**at)).count();
            format!(
                "without a majority no write succeeded ({refused} attempts were refused); afterwards they did"
            )
        }
    });
    let figure = |what: &str, figure: Option<u64>, budget: Option<Duration>| {
        let figure = figure?;
        let budget =
            budget.map_or_else(String::new, |budget| format!(" (promised: {} ms)", milliseconds(budget)));
        Some(format!("{what} {figure} ms{budget}"))
    };
    let expected = trial.expectations;
    held.extend(figure("the longest pause of a client was", figures.pause_ms, expected.pause));
    held.extend(figure("another servidor coordinated after", figures.coordinator_ms, expected.coordinator));
    held.extend(figure("the cluster was whole again after", figures.recovered_ms, expected.recovered));
    held
}
