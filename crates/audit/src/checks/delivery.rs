//! P8: each follower of a topic is shown every message of it, once, in order, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::{Promise, Violation};
use crate::event::{Event, Topic};
use crate::evidence::{Facts, History};
use crate::ledger::Ledger;
use crate::verdict::Verdict;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for ledger in facts.ledgers {
        for ((client, topic), following) in followings(ledger) {
            let say = |what: String| {
                Violation::new(Promise::Delivery, format!("{client}, following {topic}, {what}"))
            };
            found.extend(wrong_sequence(&following, &say));
            if let Some(history) = best_history(facts, topic) {
                found.extend(misdelivered(topic, &following, history, &say));
                found.extend(missed(topic, &following, history, &say));
            }
        }
    }
    found
}

/// What one client was owed of one topic, and what it was shown.
#[derive(Default)]
struct Following<'a> {
    /// Intervals (after, upto] of the log in which everything is owed.
    owed: Vec<(u64, u64)>,
    /// In the order in which they were shown.
    shown: Vec<(u64, Option<&'a str>)>,
    /// It had all the time it was promised up to here.
    caught_up: u64,
}

fn followings(ledger: &Ledger) -> BTreeMap<(&str, &Topic), Following<'_>> {
    let mut followings: BTreeMap<(&str, &Topic), Following<'_>> = BTreeMap::new();
    let mut caught_up: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in ledger.entries() {
        let client = entry.client.as_str();
        match &entry.event {
            Event::Follows { topic, after } => {
                followings.entry((client, topic)).or_default().owed.push((*after, u64::MAX));
            }
            Event::Unfollows { topic, upto } => {
                if let Some(last) = followings.entry((client, topic)).or_default().owed.last_mut() {
                    last.1 = last.1.min(*upto);
                }
            }
            Event::Shown { topic, index, request_id } => {
                let shown = &mut followings.entry((client, topic)).or_default().shown;
                shown.push((*index, request_id.as_deref()));
            }
            Event::CaughtUp { index } => {
                let mark = caught_up.entry(client).or_default();
                *mark = (*mark).max(*index);
            }
            _ => {}
        }
    }
    for ((client, _), following) in &mut followings {
        following.caught_up = caught_up.get(client).copied().unwrap_or(0);
    }
    followings
}

/// The history that reaches furthest, of those that hold the topic.
fn best_history<'f, 'a>(facts: &'f Facts<'a>, topic: &Topic) -> Option<&'f History<'a>> {
    let holding = facts.histories.iter().filter(|history| history.dump.covers_topic(topic));
    holding.max_by_key(|history| history.dump.upto)
}

fn wrong_sequence(following: &Following<'_>, say: &impl Fn(String) -> Violation) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for &(index, id) in &following.shown {
        let highest = seen.last().copied().unwrap_or(0);
        let (what, verdict) = if !seen.insert(index) {
            (format!("was shown index {index} twice"), Verdict::Duplicated)
        } else if index < highest {
            (format!("was shown index {index} after index {highest}"), Verdict::OutOfOrder)
        } else {
            continue;
        };
        let violation = say(what);
        found.push(match id {
            Some(id) => violation.of(id, verdict),
            None => violation,
        });
    }
    found
}

fn misdelivered(
    topic: &Topic,
    following: &Following<'_>,
    history: &History<'_>,
    say: &impl Fn(String) -> Violation,
) -> Vec<Violation> {
    let strangers = following.shown.iter().filter_map(|(index, _)| {
        let record = history.at(*index)?;
        (!record.what.is_in(topic))
            .then(|| say(format!("was shown what does not belong there: {}", record.describe())))
    });
    strangers.collect()
}

fn missed(
    topic: &Topic,
    following: &Following<'_>,
    history: &History<'_>,
    say: &impl Fn(String) -> Violation,
) -> Vec<Violation> {
    let shown: BTreeSet<u64> = following.shown.iter().map(|(index, _)| *index).collect();
    let is_owed = |index: u64| {
        index <= following.caught_up
            && following.owed.iter().any(|(after, upto)| index > *after && index <= *upto)
    };
    let owed = history.dump.records.iter().filter(|record| record.what.is_in(topic) && is_owed(record.index));
    owed.filter(|record| !shown.contains(&record.index))
        .map(|record| say(format!("was never shown {}", record.describe())))
        .collect()
}
