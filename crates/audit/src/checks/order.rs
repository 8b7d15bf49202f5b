//! P4: along every history index, clock and time grow; what was asked for later stands later, and nothing behind its own answer; a
//! reply stands after what it replies to; a page, once read, gains and loses nothing in its middle.

use jiff::Timestamp;

use super::{Promise, Violation};
use crate::event::{Event, Topic};
use crate::evidence::{Case, Facts, History};
use crate::history::Record;
use crate::verdict::Verdict;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for history in &facts.histories {
        found.extend(not_growing(history));
        for (id, case) in &facts.cases {
            found.extend(before_its_cause(id, case, history));
            found.extend(after_its_answer(id, case, history));
            found.extend(before_what_it_replies_to(id, case, facts, history));
        }
        found.extend(pages_that_changed(facts, history));
    }
    found
}

fn not_growing(history: &History<'_>) -> Vec<Violation> {
    let servidor = &history.dump.servidor;
    let mut found = Vec::new();
    let mut previous: Option<(&Record, Option<Timestamp>)> = None;
    for record in &history.dump.records {
        let time: Option<Timestamp> = record.timestamp.parse().ok();
        let mut say = |what: String| {
            let sentence = format!("in the history of {servidor}, {what}");
            found.push(Violation::new(Promise::Order, sentence).of_record(record, Verdict::OutOfOrder));
        };
        if time.is_none() {
            say(format!("{} has no readable time: {:?}", record.describe(), record.timestamp));
        }
        if let Some((before, time_before)) = previous {
            if record.index <= before.index {
                say(format!("{} stands after {}", record.describe(), before.describe()));
            }
            if record.clock <= before.clock {
                say(format!(
                    "the clock does not grow from {} ({}) to {} ({})",
                    before.describe(),
                    before.clock,
                    record.describe(),
                    record.clock
                ));
            }
            if time < time_before && time.is_some() {
                say(format!(
                    "time runs backwards from {} ({}) to {} ({})",
                    before.describe(),
                    before.timestamp,
                    record.describe(),
                    record.timestamp
                ));
            }
        }
        previous = Some((record, time));
    }
    found
}

fn before_its_cause(id: &str, case: &Case<'_>, history: &History<'_>) -> Option<Violation> {
    let record = history.has_id(id)?;
    if record.index > case.floor {
        return None;
    }
    let sentence = format!(
        "request {id} was first sent when its observer already knew index {}, and stands before that in the history of \
         {}: {}",
        case.floor,
        history.dump.servidor,
        record.describe()
    );
    Some(Violation::new(Promise::Order, sentence).of(id, Verdict::OutOfOrder))
}

/// An answer reflects the request's own index or a later one. What stands behind it was not there yet when it was acknowledged: it was
/// lost in between and ordered anew, and what was read meanwhile has gained a message in its middle or lacks one.
fn after_its_answer(id: &str, case: &Case<'_>, history: &History<'_>) -> Option<Violation> {
    let answered = *case.acknowledged.iter().min()?;
    let record = history.has_id(id).filter(|record| record.index > answered)?;
    let sentence = format!(
        "request {id} was acknowledged at index {answered}, and stands behind that in the history of {}: {}",
        history.dump.servidor,
        record.describe()
    );
    Some(Violation::new(Promise::Order, sentence).of(id, Verdict::OutOfOrder))
}

fn before_what_it_replies_to(
    id: &str,
    case: &Case<'_>,
    facts: &Facts<'_>,
    history: &History<'_>,
) -> Option<Violation> {
    let original_id = case.replies_to?;
    let original = facts.cases.get(original_id)?;
    let reply = *history.records_of(id, case.request).first()?;
    let cause = history.records_of(original_id, original.request).first().copied();
    let what = match cause {
        Some(cause) if cause.index < reply.index => return None,
        Some(cause) => format!("comes after it: {}", cause.describe()),
        None if history.dump.covers(original.request, reply.index) && history.dump.after == 0 => {
            "is missing".to_owned()
        }
        None => return None,
    };
    let sentence = format!(
        "in the history of {}, {} replies to request {original_id}, which {what}",
        history.dump.servidor,
        reply.describe()
    );
    Some(Violation::new(Promise::Order, sentence).of(id, Verdict::OutOfOrder))
}

fn pages_that_changed(facts: &Facts<'_>, history: &History<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for entry in facts.ledgers.iter().flat_map(|ledger| ledger.entries()) {
        let Event::Page { topic, index, newest, messages, .. } = &entry.event else { continue };
        if history.dump.covers_topic(topic) {
            let changes = page_changes(topic, *index, *newest, messages, history);
            found.extend(changes.into_iter().map(|change| {
                let sentence = format!("{} read a page of {topic} that {change}", entry.client);
                Violation::new(Promise::Order, sentence)
            }));
        }
    }
    found
}

/// How what `history` has within the bounds of a page differs from the page.
fn page_changes(topic: &Topic, index: u64, newest: bool, page: &[u64], history: &History<'_>) -> Vec<String> {
    let mut changes: Vec<String> = page
        .windows(2)
        .filter(|pair| pair[1] <= pair[0])
        .map(|pair| format!("has index {} before index {}", pair[0], pair[1]))
        .collect();
    let (first, last) = match (page.iter().min(), page.iter().max()) {
        (Some(&first), Some(&last)) => (first, last),
        // However few fit on a page, the newest has the newest.
        _ if newest => (0, 0),
        _ => return changes,
    };
    // The newest page ends where the log did, not at its last message.
    let end = if newest { last.max(index) } else { last };
    let servidor = &history.dump.servidor;
    let mut now = Vec::new();
    for record in history.between(first, end).filter(|record| record.what.is_in(topic)) {
        now.push(record.index);
        if !page.contains(&record.index) {
            changes.push(format!("lacked {}, as {servidor} tells it", record.describe()));
        }
    }
    let vanished = page.iter().filter(|index| history.reaches(**index) && !now.contains(index));
    changes.extend(vanished.map(|index| format!("held index {index}, of which {servidor} does not tell")));
    changes
}
