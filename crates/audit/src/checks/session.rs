//! P5: what a client reads reflects at least what it was answered or shown before it asked, and holds its own writes.

use std::collections::HashMap;

use super::{Promise, Violation};
use crate::event::{Entry, Event};
use crate::evidence::{Facts, known_by};
use crate::history::What;
use crate::ledger::Ledger;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    facts.ledgers.iter().flat_map(|ledger| check_ledger(facts, ledger)).collect()
}

fn check_ledger(facts: &Facts<'_>, ledger: &Ledger) -> Vec<Violation> {
    let mut clients: HashMap<&str, Known<'_>> = HashMap::new();
    let mut found = Vec::new();
    for entry in ledger.entries() {
        let known = clients.entry(&entry.client).or_default();
        found.extend(
            backwards(entry, known)
                .map(|what| Violation::new(Promise::Session, format!("{} {what}", entry.client))),
        );
        found.extend(own_writes_missing(entry, known));
        known.learn(entry, facts);
    }
    found
}

/// What a client knows, by when it learned it.
#[derive(Default)]
struct Known<'a> {
    /// (when, the highest index known from then on), growing in both.
    marks: Vec<(u64, u64)>,
    /// Its own acknowledged messages: when acknowledged, at which index, and what.
    own: Vec<(u64, u64, &'a str, What)>,
}

impl<'a> Known<'a> {
    fn learn(&mut self, entry: &'a Entry, facts: &Facts<'a>) {
        let index = known_by(&entry.event);
        if index > self.marks.last().map_or(0, |mark| mark.1) {
            self.marks.push((entry.at, index));
        }
        let Event::Acknowledged { request_id, index } = &entry.event else { return };
        let Some(case) = facts.cases.get(request_id.as_str()) else { return };
        // The answer may reflect a later index than the message's own, which only the history tells.
        let told = facts.histories.iter().find_map(|history| history.has_id(request_id));
        let own = told.map_or(*index, |record| record.index);
        if let Some(what) = What::of(case.request).filter(|_| case.request.is_said()) {
            self.own.push((entry.at, own, request_id, what));
        }
    }

    /// The highest index known at `when`.
    fn at(&self, when: u64) -> u64 {
        let later = self.marks.partition_point(|mark| mark.0 < when);
        later.checked_sub(1).map_or(0, |mark| self.marks[mark].1)
    }
}

fn backwards(entry: &Entry, known: &Known<'_>) -> Option<String> {
    let (Event::Read { asked, seen, index } | Event::Page { asked, seen, index, .. }) = &entry.event else {
        return None;
    };
    if index < seen {
        return Some(format!("asked with seen {seen} and got an answer that reflects only {index}"));
    }
    let floor = known.at(*asked);
    (*index < floor).then(|| {
        format!("read backwards: it knew index {floor} when it asked, and the answer reflects only {index}")
    })
}

fn own_writes_missing(entry: &Entry, known: &Known<'_>) -> Vec<Violation> {
    let Event::Page { topic, asked, newest: true, messages, .. } = &entry.event else { return Vec::new() };
    let first = messages.iter().min().copied().unwrap_or(0);
    let missing = known.own.iter().filter(|(acknowledged, index, _, what)| {
        acknowledged < asked && what.is_in(topic) && *index >= first && !messages.contains(index)
    });
    missing
        .map(|(_, index, id, what)| {
            let sentence = format!(
                "{} does not find its own {what} (request {id}, index {index}) in the newest page of {topic}",
                entry.client
            );
            Violation::new(Promise::Session, sentence)
        })
        .collect()
}
