//! P2: however often a request was sent, it took effect once, and every final answer to it was the same.

use std::collections::HashMap;

use super::{Promise, Violation};
use crate::evidence::{Case, Facts, History};
use crate::history::{Record, What};
use crate::verdict::Verdict;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    let said_once = said_once(facts);
    let mut found: Vec<_> =
        facts.histories.iter().flat_map(|history| twice_in_history(history, &said_once)).collect();
    for (id, case) in &facts.cases {
        found.extend(two_answers(id, case));
    }
    found
}

/// What exactly one request of the ledgers said, and which: a second record that says it is the same request again, even
/// if it lost its id on the way.
fn said_once<'a>(facts: &Facts<'a>) -> HashMap<What, &'a str> {
    let mut asked: HashMap<What, Vec<&str>> = HashMap::new();
    for (id, case) in facts.cases.iter().filter(|(_, case)| case.request.is_said()) {
        asked.entry(What::of(case.request).expect("what is said leaves a record")).or_default().push(id);
    }
    asked.into_iter().filter(|(_, ids)| ids.len() == 1).map(|(what, ids)| (what, ids[0])).collect()
}

fn twice_in_history(history: &History<'_>, said_once: &HashMap<What, &str>) -> Vec<Violation> {
    let mut first_of: HashMap<&str, &Record> = HashMap::new();
    let mut found = Vec::new();
    for record in &history.dump.records {
        let asked = said_once.get(&record.what).copied();
        let Some(id) = asked.or(record.request_id.as_deref()) else { continue };
        let Some(first) = first_of.insert(id, record) else { continue };
        let sentence = format!(
            "request {id} took effect twice in the history of {}: {}, and {}",
            history.dump.servidor,
            first.describe(),
            record.describe()
        );
        found.push(Violation::new(Promise::Once, sentence).of(id, Verdict::Duplicated));
    }
    found
}

fn two_answers(id: &str, case: &Case<'_>) -> Option<Violation> {
    let what = What::of(case.request).map_or_else(|| "a login".to_owned(), |what| what.to_string());
    let sentence = if let (Some(index), Some(reason)) = (case.acknowledged.first(), case.refused.first()) {
        format!("request {id} ({what}) was both acknowledged, at index {index}, and refused: {reason:?}")
    } else {
        let first = case.refused.first()?;
        let other = case.refused.iter().find(|reason| *reason != first)?;
        format!("request {id} ({what}) was refused in two ways: {first:?} and {other:?}")
    };
    Some(Violation::new(Promise::Once, sentence))
}
