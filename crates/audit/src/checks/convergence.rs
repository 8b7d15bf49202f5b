//! P3: wherever two servidores both reach, they tell the same record, key by key; and at the same index their states have
//! the same digest.

use std::collections::BTreeMap;

use super::{Promise, Violation};
use crate::evidence::{Facts, History};
use crate::history::{HistoryDump, Record, Scope, StateDigest};

/// How many differences between two servidores are named; a shift by one makes everything after it differ.
const NAMED: usize = 5;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    let whole: Vec<&History<'_>> =
        facts.histories.iter().filter(|history| history.dump.scope == Scope::Everything).collect();
    let mut found = different_states(facts.digests);
    for (at, one) in whole.iter().enumerate() {
        // Who agrees with the first agrees with others that do, as far as the first one reaches.
        let others =
            whole[at + 1..].iter().filter(|other| at == 0 || !spans(whole[0].dump, one.dump, other.dump));
        found.extend(others.flat_map(|other| differences(one.dump, other.dump)));
    }
    found
}

/// Whether `first` reaches over all that the two others both do.
fn spans(first: &HistoryDump, one: &HistoryDump, other: &HistoryDump) -> bool {
    first.after <= one.after.max(other.after) && first.upto >= one.upto.min(other.upto)
}

fn different_states(digests: &[StateDigest]) -> Vec<Violation> {
    let mut first_at: BTreeMap<u64, &StateDigest> = BTreeMap::new();
    let mut found = Vec::new();
    for told in digests {
        let first = *first_at.entry(told.applied).or_insert(told);
        if first.digest != told.digest {
            let sentence = format!(
                "at index {} the state of {} has the digest {}, and that of {} has {}",
                told.applied, first.servidor, first.digest, told.servidor, told.digest
            );
            found.push(Violation::new(Promise::Convergence, sentence));
        }
    }
    found
}

fn differences(one: &HistoryDump, other: &HistoryDump) -> Vec<Violation> {
    let after = one.after.max(other.after);
    let upto = one.upto.min(other.upto);
    let within = |dump: &'_ HistoryDump| -> BTreeMap<u64, Record> {
        let common = dump.records.iter().filter(|record| record.index > after && record.index <= upto);
        common.map(|record| (record.index, record.clone())).collect()
    };
    let (ones, others) = (within(one), within(other));
    let mut differing: Vec<u64> = Vec::new();
    differing
        .extend(ones.iter().filter(|(index, record)| others.get(index) != Some(record)).map(|(i, _)| *i));
    differing.extend(others.keys().filter(|index| !ones.contains_key(index)));
    differing.sort_unstable();
    let more = differing.len().saturating_sub(NAMED);
    let told = |records: &BTreeMap<u64, Record>, index: u64| {
        records.get(&index).map_or_else(|| "nothing".to_owned(), tell)
    };
    let mut found: Vec<_> = differing
        .iter()
        .take(NAMED)
        .map(|&index| {
            format!(
                "at index {index} {} tells {}, and {} tells {}",
                one.servidor,
                told(&ones, index),
                other.servidor,
                told(&others, index)
            )
        })
        .collect();
    if more > 0 {
        found.push(format!("{} and {} differ at {more} further indices", one.servidor, other.servidor));
    }
    found.into_iter().map(|sentence| Violation::new(Promise::Convergence, sentence)).collect()
}

fn tell(record: &Record) -> String {
    let id = record.request_id.as_deref().unwrap_or("none");
    let rest = if record.rest.is_empty() {
        String::new()
    } else {
        format!(", {}", serde_json::to_string(&record.rest).expect("keys are strings"))
    };
    format!("{} (clock {}, time {}, id {id}{rest})", record.what, record.clock, record.timestamp)
}
