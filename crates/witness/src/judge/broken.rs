//! Promises that were broken.

use std::collections::BTreeMap;
use std::time::Duration;

use papo_audit::Report;

use super::answers::Answers;
use super::trial::{Service, Trial};
use crate::evidence::{Broken, Figures};
use crate::timeline::milliseconds;

pub(super) fn all(
    trial: &Trial<'_>,
    report: &Report,
    answers: &Answers<'_>,
    figures: &Figures,
) -> Vec<Broken> {
    let violations = report.violations.iter().map(|violation| {
        let promise = violation.promise.to_string();
        let number = promise.split_whitespace().next().unwrap_or(&promise).to_owned();
        Broken { promise: number, sentence: violation.sentence.clone() }
    });
    let conflicts = trial.watched.conflicts.iter().map(|conflict| broken("P3", conflict.clone()));
    let premature = trial.watched.premature.iter().map(|sentence| broken("P1", sentence.clone()));
    let late = late(trial, figures).into_iter().chain(never_served_again(trial, answers));
    let unanswered = unanswered(trial, answers).map(|sentence| broken("P10", sentence));
    violations
        .chain(conflicts)
        .chain(premature)
        .chain(unanswered)
        .chain(late.map(|sentence| broken("P7", sentence)))
        .collect()
}

/// A sentence for each promise that was broken.
pub(super) fn by_promise(all: &[Broken]) -> Vec<String> {
    let mut first: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for one in all {
        first.entry(&one.promise).or_insert((&one.sentence, 0)).1 += 1;
    }
    let sentences = first.iter().map(|(promise, (sentence, count))| match count {
        1 => format!("{promise} was broken: {sentence}"),
        _ => format!("{promise} was broken {count} times; first: {sentence}"),
    });
    sentences.collect()
}

fn late(trial: &Trial<'_>, figures: &Figures) -> Vec<String> {
    let expected = trial.expectations;
    let mut found = Vec::new();
    let mut over = |what: &str, never: &str, figure: Option<u64>, budget: Option<Duration>| {
        let Some(budget) = budget.map(milliseconds) else { return };
        match figure {
            Some(figure) if figure <= budget => {}
            Some(figure) => found.push(format!("{what} {figure} ms, and at most {budget} ms are promised")),
            None => found.push(format!("{never}, and at most {budget} ms are promised")),
        }
    };
    if figures.pause_ms.is_some() {
        over("a client went without an acknowledgement for", "", figures.pause_ms, expected.pause);
    }
    let nobody = "no other servidor was seen to coordinate";
    over("it took another servidor to coordinate", nobody, figures.coordinator_ms, expected.coordinator);
    let never = "the cluster was not seen to become whole again";
    over("it took the cluster to be whole again", never, figures.recovered_ms, expected.recovered);
    if let Some(most) = expected.failed_requests.filter(|most| figures.failed_requests > *most) {
        let example = trial.load.failures.first();
        let example = example.map_or_else(String::new, |failure| {
            format!(", such as {} ({:?})", failure.request_id, failure.reason)
        });
        found.push(format!("{} messages failed, and at most {most} may{example}", figures.failed_requests));
    }
    found
}

/// Without a majority, a write is answered with an error within its deadline: brokers are there to say so.
fn unanswered(trial: &Trial<'_>, answers: &Answers<'_>) -> impl Iterator<Item = String> {
    let fault = trial.fault.filter(|_| trial.expectations.service == Service::Refuses);
    let silent = answers.silences.iter().filter(move |silence| {
        fault.is_some_and(|fault| fault.is_known_at(silence.sent) && fault.covers(silence.given_up))
    });
    silent.map(|silence| {
        let waited = milliseconds(silence.given_up - silence.sent);
        let id = silence.request_id;
        format!("request {id} got no answer at all within {waited} ms, and should have been refused")
    })
}

/// Once there is a majority again, writes succeed again.
fn never_served_again(trial: &Trial<'_>, answers: &Answers<'_>) -> Option<String> {
    let fault = trial.fault.filter(|_| trial.expectations.service == Service::Refuses)?;
    let over = fault.until?;
    let served = answers.acknowledgements().any(|at| at > over);
    let asked = answers.messages().any(|message| message.acknowledged.is_none_or(|at| at > over));
    (asked && !served).then(|| "nothing was acknowledged any more after the fault was over".to_owned())
}

fn broken(promise: &str, sentence: String) -> Broken {
    Broken { promise: promise.to_owned(), sentence }
}
