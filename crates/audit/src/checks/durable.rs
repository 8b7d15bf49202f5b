//! P1: what was acknowledged, or shown to anyone, is in every history that reaches so far, and says the same there.

use super::{Promise, Violation};
use crate::event::Event;
use crate::evidence::{Case, Facts, History};
use crate::history::What;
use crate::verdict::Verdict;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for history in &facts.histories {
        for (id, case) in &facts.cases {
            found.extend(missing(id, case, history));
            found.extend(altered(id, case, history));
        }
        found.extend(shown_but_missing(facts, history));
    }
    found
}

fn missing(id: &str, case: &Case<'_>, history: &History<'_>) -> Option<Violation> {
    let index = *case.acknowledged.first()?;
    let owed = case.request.leaves_a_record() && history.dump.covers(case.request, index);
    if !owed || !history.records_of(id, case.request).is_empty() {
        return None;
    }
    let sentence = format!(
        "request {id} ({}) was acknowledged at index {index} and is missing from the history of {}, which reaches {}",
        What::of(case.request)?,
        history.dump.servidor,
        history.dump.upto
    );
    Some(Violation::new(Promise::Durable, sentence).of(id, Verdict::Lost))
}

fn altered(id: &str, case: &Case<'_>, history: &History<'_>) -> Option<Violation> {
    let record = history.has_id(id)?;
    let said = What::of(case.request)?;
    if record.what == said {
        return None;
    }
    let sentence = format!(
        "request {id} said {said}, and the history of {} tells {}",
        history.dump.servidor,
        record.describe()
    );
    Some(Violation::new(Promise::Durable, sentence).of(id, Verdict::Altered))
}

fn shown_but_missing(facts: &Facts<'_>, history: &History<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for entry in facts.ledgers.iter().flat_map(|ledger| ledger.entries()) {
        let Event::Shown { topic, index, request_id } = &entry.event else { continue };
        if !history.dump.covers_topic(topic) || !history.reaches(*index) {
            continue;
        }
        let what = match (history.at(*index), request_id) {
            (None, _) => "nothing at that index".to_owned(),
            (Some(record), Some(_)) if record.request_id.is_some() && record.request_id != *request_id => {
                record.describe()
            }
            (Some(_), _) => continue,
        };
        let sentence = format!(
            "{} was shown message {} at index {index} of {topic}, and the history of {} has {what}",
            entry.client,
            request_id.as_deref().unwrap_or("(without id)"),
            history.dump.servidor
        );
        let violation = Violation::new(Promise::Durable, sentence);
        found.push(match request_id {
            Some(id) => violation.of(id, Verdict::Lost),
            None => violation,
        });
    }
    found
}
