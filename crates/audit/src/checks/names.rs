//! P6: of all that try to take a name, at most one is told that it did, and the history tells of one.

use std::collections::BTreeMap;

use super::{Promise, Violation};
use crate::event::Request;
use crate::evidence::{Facts, History};
use crate::history::{Record, What};
use crate::names::key;

/// A name within its kind: users and channels are named apart.
type Claim = (&'static str, String);

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    let mut found = two_winners(facts);
    found.extend(facts.histories.iter().flat_map(told_twice));
    found
}

fn two_winners(facts: &Facts<'_>) -> Vec<Violation> {
    let mut winners: BTreeMap<Claim, Vec<(&str, &str)>> = BTreeMap::new();
    for (id, case) in facts.cases.iter().filter(|(_, case)| !case.acknowledged.is_empty()) {
        let claim = match case.request {
            Request::Login { user, again: false } => ("user", key(user)),
            Request::Channel { channel } => ("channel", key(channel)),
            _ => continue,
        };
        winners.entry(claim).or_default().push((id, case.client));
    }
    let contested = winners.into_iter().filter(|(_, winners)| winners.len() > 1);
    contested
        .map(|((kind, name), winners)| {
            let winners: Vec<String> =
                winners.iter().map(|(id, client)| format!("request {id} of {client}")).collect();
            let sentence =
                format!("the {kind} name {name:?} was won more than once: by {}", winners.join(" and "));
            Violation::new(Promise::Names, sentence)
        })
        .collect()
}

fn told_twice(history: &History<'_>) -> Vec<Violation> {
    let mut first_of: BTreeMap<Claim, &Record> = BTreeMap::new();
    let mut found = Vec::new();
    for record in &history.dump.records {
        let claim = match &record.what {
            What::User { user } => ("user", key(user)),
            What::Channel { channel } => ("channel", key(channel)),
            _ => continue,
        };
        if let Some(first) = first_of.insert(claim, record) {
            let sentence = format!(
                "the history of {} has one name twice: {} and {}",
                history.dump.servidor,
                first.describe(),
                record.describe()
            );
            found.push(Violation::new(Promise::Names, sentence));
        }
    }
    found
}
