//! P10: what was refused, or turned away at every attempt, did not happen.

use super::{Promise, Violation};
use crate::evidence::{Case, Facts};
use crate::history::Record;
use crate::verdict::Verdict;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (id, case) in &facts.cases {
        let Some(answer) = no(case) else { continue };
        let present = facts.histories.iter().find_map(|history| {
            let record = if case.request.is_said() {
                history.records_of(id, case.request).first().copied()
            } else {
                // A name without an id may be somebody else's, who won it.
                history.has_id(id)
            };
            record.map(|record| (&history.dump.servidor, record))
        });
        found.extend(present.map(|(servidor, record)| happened(id, answer, servidor, record)));
    }
    found
}

/// How the request was told no, if that is all it was ever told.
fn no(case: &Case<'_>) -> Option<&'static str> {
    if !case.refused.is_empty() && case.acknowledged.is_empty() {
        Some("refused")
    } else {
        case.was_never_ordered().then_some("turned away at every attempt, as certainly never ordered")
    }
}

fn happened(id: &str, answer: &str, servidor: &str, record: &Record) -> Violation {
    let sentence =
        format!("request {id} was {answer}, and the history of {servidor} tells {}", record.describe());
    Violation::new(Promise::Refusal, sentence).of(id, Verdict::RefusedPresent)
}
