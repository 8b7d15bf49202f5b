//! From talking to a verdict: settle what is open, read the history again, wait for deliveries, check.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use papo_audit::{
    Conclusion, Event as Note, Evidence, HistoryDump, Ledger, Record, Report, Topic, What, audit,
};
use papo_client::{HistoryPage, Page, To};

use super::{Crew, Reading};
use papo_witness::notes;

/// How long to wait for answers to what was said.
const SETTLE: Duration = Duration::from_secs(30);
/// How long reading the history may take.
const READ: Duration = Duration::from_secs(120);
/// How long everybody has to be shown what was said: longer than a session needs to notice and fetch what it missed.
const SHOW: Duration = Duration::from_secs(30);
/// Each of those, when the bot was told to stop: all three within the 30 s that Kubernetes grants.
const HURRY: Duration = Duration::from_secs(8);
/// Messages a page.
const PAGE: usize = 200;

/// Where a round is.
#[derive(Debug)]
pub(super) enum Phase {
    /// Everybody talks.
    Talking { since: Duration, until: Duration },
    /// Nobody talks any more; answers are still to come.
    Settling { until: Duration },
    /// The history of the round is read.
    Reading { until: Duration, parts: Vec<Part> },
    /// Everybody is still to be shown the last message of each topic.
    Showing { until: Duration, read: Read },
    /// There is no further round.
    Ended,
}

/// What a round knows of itself.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Counted from 0.
    pub(super) number: u64,
    /// It is about what comes after this index.
    pub(super) after: u64,
    /// Who talked to whom in private; the lesser number first.
    pub(super) pairs: BTreeSet<(usize, usize)>,
}

/// One conversation whose history is being read.
#[derive(Debug)]
pub(super) struct Part {
    topic: Topic,
    of: To,
    reader: usize,
    records: Vec<Record>,
    /// The index that its last page reflects, once that was read.
    upto: Option<u64>,
}

/// The history of a round, read to its end.
#[derive(Debug)]
pub(super) struct Read {
    /// `None` when nothing could be read to its end.
    dump: Option<HistoryDump>,
    /// What was not.
    unread: Vec<Topic>,
    /// The last index of each topic.
    last: BTreeMap<Topic, u64>,
}

impl Phase {
    pub(super) fn until(&self) -> Option<Duration> {
        match self {
            Self::Talking { until, .. }
            | Self::Settling { until }
            | Self::Reading { until, .. }
            | Self::Showing { until, .. } => Some(*until),
            Self::Ended => None,
        }
    }

    /// Whether what is not settled is worth asking again.
    pub(super) fn waits_for_answers(&self) -> bool {
        matches!(self, Self::Talking { .. } | Self::Settling { .. })
    }
}

impl Crew {
    /// Goes on to the next phase as long as there is no reason to stay in this one.
    pub(super) fn advance(&mut self, now: Duration) {
        while self.phase.until().is_some_and(|until| now >= until) || self.is_phase_done() {
            let phase = std::mem::replace(&mut self.phase, Phase::Ended);
            self.phase = match phase {
                Phase::Talking { since, .. } => {
                    self.talked += now.saturating_sub(since);
                    Phase::Settling { until: now + self.patience(SETTLE) }
                }
                Phase::Settling { .. } => self.begin_reading(now),
                Phase::Reading { parts, .. } => self.begin_showing(now, parts),
                Phase::Showing { read, .. } => self.conclude(now, &read),
                Phase::Ended => return,
            };
        }
    }

    /// Takes a page of the round's history, or that it could not be read.
    pub(super) fn part_read(&mut self, number: usize, page: Option<&HistoryPage>, index: u64) {
        let Phase::Reading { parts, .. } = &mut self.phase else { return };
        let part = &mut parts[number];
        if let Some(page) = page {
            part.records.extend(page.messages.iter().map(|message| notes::record(&message.said)));
            if !page.more {
                part.upto = Some(index);
                return;
            }
        }
        let after = part.records.last().map_or(self.round.after, |record| record.index);
        let (reader, of) = (part.reader, part.of.clone());
        let reading = Reading::Part { round: self.round.number, part: number };
        self.ask_page(reader, reading, of, Page::After(after), PAGE);
    }

    fn is_phase_done(&self) -> bool {
        match &self.phase {
            Phase::Talking { .. } | Phase::Ended => false,
            Phase::Settling { .. } => {
                self.repeating == 0 && !self.people.iter().any(super::person::Person::is_talking)
            }
            Phase::Reading { parts, .. } => parts.iter().all(|part| part.upto.is_some()),
            Phase::Showing { read, .. } => self.people.iter().all(|person| {
                let owed = person.follows.iter().filter_map(|topic| Some((topic, read.last.get(topic)?)));
                owed.into_iter().all(|(topic, last)| person.last_shown(topic) >= *last)
            }),
        }
    }

    fn patience(&self, limit: Duration) -> Duration {
        if self.stopping { limit.min(HURRY) } else { limit }
    }

    fn begin_reading(&mut self, now: Duration) -> Phase {
        let mut parts = Vec::new();
        if let Some(reader) = self.people.iter().position(super::person::Person::is_present) {
            let channels = self.plan.channels.iter().cloned();
            parts.extend(
                channels
                    .map(|channel| Part::new(Topic::Channel(channel.clone()), To::Channel(channel), reader)),
            );
        }
        for &(one, other) in &self.round.pairs {
            let names = [one, other].map(|user| self.people[user].name.clone());
            let [name, with] = names;
            parts.push(Part::new(Topic::Conversation(name, with.clone()), To::User(with), one));
        }
        for (number, part) in parts.iter().enumerate() {
            let after = Page::After(self.round.after);
            let reading = Reading::Part { round: self.round.number, part: number };
            self.ask_page(part.reader, reading, part.of.clone(), after, PAGE);
        }
        Phase::Reading { until: now + self.patience(READ), parts }
    }

    fn begin_showing(&self, now: Duration, parts: Vec<Part>) -> Phase {
        Phase::Showing { until: now + self.patience(SHOW), read: Read::new(parts, self.round.after) }
    }

    fn conclude(&mut self, now: Duration, read: &Read) -> Phase {
        if let Some(dump) = &read.dump {
            for person in self.people.iter().filter(|person| !person.follows.is_empty()) {
                self.recorder.record(&person.name, Note::CaughtUp { index: dump.upto });
            }
        }
        let ledger = self.recorder.take().unwrap_or_else(|failure| {
            self.journal_failure = Some(failure);
            Ledger::default()
        });
        self.checked.push_back(judge(&ledger, read));
        self.begin_round(&ledger, read.dump.as_ref());
        let total = self.plan.duration.unwrap_or(Duration::MAX);
        if self.stopping || now >= total {
            return Phase::Ended;
        }
        Phase::Talking { since: now, until: (now + self.plan.round).min(total) }
    }

    /// The next ledger begins with what this one leaves open.
    fn begin_round(&mut self, ledger: &Ledger, dump: Option<&HistoryDump>) {
        let after = dump.map_or_else(|| highest(ledger), |dump| dump.upto);
        self.round = Round { number: self.round.number + 1, after, pairs: BTreeSet::new() };
        for person in &mut self.people {
            person.follows.retain(|topic| matches!(topic, Topic::Channel(_)));
            for topic in &person.follows {
                self.recorder.recall(&person.name, Note::Follows { topic: topic.clone(), after });
            }
        }
        for entry in ledger.entries() {
            if matches!(entry.event, Note::Shown { index, .. } if index > after) {
                self.recorder.recall(&entry.client, entry.event.clone());
            }
        }
    }
}

impl Part {
    fn new(topic: Topic, of: To, reader: usize) -> Self {
        Self { topic, of, reader, records: Vec::new(), upto: None }
    }
}

impl Read {
    fn new(parts: Vec<Part>, after: u64) -> Self {
        let (whole, broken): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| part.upto.is_some());
        let unread = broken.into_iter().map(|part| part.topic).collect();
        let Some(upto) = whole.iter().filter_map(|part| part.upto).min() else {
            return Self { dump: None, unread, last: BTreeMap::new() };
        };
        let topics = whole.iter().map(|part| part.topic.clone()).collect();
        let mut dump = HistoryDump::of_topics("the chat", topics, after);
        dump.upto = upto;
        dump.records = whole.into_iter().flat_map(|part| part.records).collect();
        // Each part is in order, or else not: that was noted as the page it came on. Of all parts together one order is made.
        dump.records.sort_by_key(|record| record.index);
        let mut last = BTreeMap::new();
        for record in dump.records.iter().filter(|record| record.index <= upto) {
            last.extend(followed_as(&record.what).map(|topic| (topic, record.index)));
        }
        Self { dump: Some(dump), unread, last }
    }
}

/// The topic by which a message is owed to somebody.
fn followed_as(what: &What) -> Option<Topic> {
    match what.clone() {
        What::Publish { channel, .. } => Some(Topic::Channel(channel)),
        What::Message { src, dst, .. } => Some(Topic::Private(src, dst)),
        _ => None,
    }
}

fn judge(ledger: &Ledger, read: &Read) -> Report {
    let ledgers = std::slice::from_ref(ledger);
    let histories = read.dump.as_slice();
    let mut report = audit(&Evidence { ledgers, histories, digests: &[] });
    report.doubts.extend(read.unread.iter().map(|topic| format!("{topic} could not be read to its end")));
    if report.conclusion == Conclusion::Pass && !report.doubts.is_empty() {
        report.conclusion = Conclusion::Unknown;
    }
    report
}

/// The highest index that anybody was told.
fn highest(ledger: &Ledger) -> u64 {
    let told = ledger.entries().iter().filter_map(|entry| match entry.event {
        Note::Acknowledged { index, .. } | Note::Shown { index, .. } => Some(index),
        _ => None,
    });
    told.max().unwrap_or(0)
}
