use std::collections::{BTreeMap, HashMap};

use crate::event::{Event, Request};
use crate::history::{HistoryDump, Record, StateDigest, What};
use crate::ledger::Ledger;

/// What an audit is held over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// One of each observer. Order in time is known within one ledger, never between two.
    pub ledgers: &'a [Ledger],
    /// What the servidores told afterwards. Complete dumps, each read after the last entry of every ledger.
    pub histories: &'a [HistoryDump],
    /// What the servidores told of their states, at any time.
    pub digests: &'a [StateDigest],
}

/// The evidence, sorted for the checkers: each request with all its attempts and answers, each history with its indexes.
pub(crate) struct Facts<'a> {
    pub(crate) ledgers: &'a [Ledger],
    pub(crate) cases: BTreeMap<&'a str, Case<'a>>,
    pub(crate) histories: Vec<History<'a>>,
    pub(crate) digests: &'a [StateDigest],
}

/// One request, from its first attempt to its last answer.
pub(crate) struct Case<'a> {
    pub(crate) client: &'a str,
    pub(crate) request: &'a Request,
    pub(crate) replies_to: Option<&'a str>,
    /// The highest index its observer knew before it first asked: whatever comes of the request comes after that.
    pub(crate) floor: u64,
    pub(crate) attempts: usize,
    /// Indices of the answers that said yes.
    pub(crate) acknowledged: Vec<u64>,
    /// Texts of the answers that said no for good.
    pub(crate) refused: Vec<&'a str>,
    pub(crate) turned_away: usize,
}

/// One history, with indexes to find a request's records.
pub(crate) struct History<'a> {
    pub(crate) dump: &'a HistoryDump,
    by_id: HashMap<&'a str, Vec<&'a Record>>,
    /// Of records that carry no id only.
    by_what: HashMap<&'a What, Vec<&'a Record>>,
    by_index: BTreeMap<u64, &'a Record>,
}

// === impl Facts ===

impl<'a> Facts<'a> {
    pub(crate) fn gather(evidence: &Evidence<'a>) -> Self {
        let mut cases = BTreeMap::new();
        for ledger in evidence.ledgers {
            gather_cases(ledger, &mut cases);
        }
        let histories = evidence.histories.iter().map(History::index).collect();
        Self { ledgers: evidence.ledgers, cases, histories, digests: evidence.digests }
    }
}

fn gather_cases<'a>(ledger: &'a Ledger, cases: &mut BTreeMap<&'a str, Case<'a>>) {
    let mut floor = 0;
    for entry in ledger.entries() {
        match &entry.event {
            Event::Attempted { request_id, request, replies_to } => {
                let case = cases.entry(request_id).or_insert(Case {
                    client: &entry.client,
                    request,
                    replies_to: replies_to.as_deref(),
                    floor,
                    attempts: 0,
                    acknowledged: Vec::new(),
                    refused: Vec::new(),
                    turned_away: 0,
                });
                case.attempts += 1;
            }
            Event::Acknowledged { request_id, index } => {
                if let Some(case) = cases.get_mut(request_id.as_str()) {
                    case.acknowledged.push(*index);
                }
            }
            Event::Refused { request_id, reason } => {
                if let Some(case) = cases.get_mut(request_id.as_str()) {
                    case.refused.push(reason);
                }
            }
            Event::TurnedAway { request_id, .. } => {
                if let Some(case) = cases.get_mut(request_id.as_str()) {
                    case.turned_away += 1;
                }
            }
            Event::Unknown { .. }
            | Event::Follows { .. }
            | Event::Unfollows { .. }
            | Event::Shown { .. }
            | Event::CaughtUp { .. }
            | Event::Read { .. }
            | Event::Page { .. } => {}
        }
        floor = floor.max(known_by(&entry.event));
    }
}

/// The index that whoever sees `event` knows to be taken from then on; 0 where it tells none.
pub(crate) fn known_by(event: &Event) -> u64 {
    match event {
        Event::Acknowledged { index, .. }
        | Event::Shown { index, .. }
        | Event::Read { index, .. }
        | Event::Page { index, .. } => *index,
        Event::Attempted { .. }
        | Event::Refused { .. }
        | Event::TurnedAway { .. }
        | Event::Unknown { .. }
        | Event::Follows { .. }
        | Event::Unfollows { .. }
        | Event::CaughtUp { .. } => 0,
    }
}

// === impl Case ===

impl Case<'_> {
    /// Whether every attempt was answered, each time by a no that means that nothing was ordered.
    pub(crate) fn was_never_ordered(&self) -> bool {
        self.turned_away == self.attempts
    }
}

// === impl History ===

impl<'a> History<'a> {
    fn index(dump: &'a HistoryDump) -> Self {
        let mut by_id: HashMap<&str, Vec<&Record>> = HashMap::new();
        let mut by_what: HashMap<&What, Vec<&Record>> = HashMap::new();
        let mut by_index = BTreeMap::new();
        for record in &dump.records {
            match &record.request_id {
                Some(id) => by_id.entry(id).or_default().push(record),
                None => by_what.entry(&record.what).or_default().push(record),
            }
            by_index.insert(record.index, record);
        }
        Self { dump, by_id, by_what, by_index }
    }

    /// The records that `request` left: those that carry its id or, where records carry none, those that say the same.
    pub(crate) fn records_of(&self, request_id: &str, request: &Request) -> Vec<&'a Record> {
        if let Some(found) = self.by_id.get(request_id) {
            return found.clone();
        }
        What::of(request).and_then(|what| self.by_what.get(&what).cloned()).unwrap_or_default()
    }

    /// Whether a record carries exactly this id.
    pub(crate) fn has_id(&self, request_id: &str) -> Option<&'a Record> {
        self.by_id.get(request_id).map(|found| found[0])
    }

    pub(crate) fn at(&self, index: u64) -> Option<&'a Record> {
        self.by_index.get(&index).copied()
    }

    /// The records from one index to another, both included.
    pub(crate) fn between(&self, first: u64, last: u64) -> impl Iterator<Item = &'a Record> {
        let records = (first <= last).then(|| self.by_index.range(first..=last));
        records.into_iter().flatten().map(|(_, record)| *record)
    }

    /// Whether the dump reaches over `index`.
    pub(crate) fn reaches(&self, index: u64) -> bool {
        index > self.dump.after && index <= self.dump.upto
    }
}
