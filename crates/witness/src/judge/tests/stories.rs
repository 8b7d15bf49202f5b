//! Records made by hand: a load, what the servidores tell of it, and a verdict on both.

use std::time::Duration;

use papo_audit::{Entry, Event, HistoryDump, Record, Request, StateDigest, Topic, What};

use crate::evidence::{Evidence, Verdict};
use crate::judge::{Expectations, Fault, Proof, Trial, judge};
use crate::read_back::ReadBack;
use crate::watch::Watched;
use crate::{FailedRequest, LoadRecord, Timeline};

pub(super) const CHANNEL: &str = "ensaio";
/// The last index.
const END: u64 = 100_000;
/// When the fault of each story happens.
pub(super) const FAULT: u64 = 1000;

/// Changes what a servidor tells.
type Spoil = Box<dyn Fn(&mut Vec<Record>)>;

/// A drill on three servidores. Times are milliseconds.
pub(super) struct Story {
    entries: Vec<Entry>,
    records: Vec<Record>,
    pub(super) load: LoadRecord,
    pub(super) watched: Watched,
    pub(super) fault: Option<Fault>,
    pub(super) expectations: Expectations,
    pub(super) missing: Vec<String>,
    /// Where every servidor's log ends.
    pub(super) end: u64,
    /// Which servidor tells it differently: all of them, if it is none of the three.
    pub(super) spoilt: usize,
    /// Changes what that servidor tells.
    pub(super) spoil: Spoil,
}

/// How a message of a story ends.
pub(super) enum Ends {
    Acknowledged(u64),
    Refused(u64),
    TurnedAway(u64),
    Silent(u64),
    Open,
}

pub(super) fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Story {
    pub(super) fn new() -> Self {
        let load =
            LoadRecord { stopped: at(5000), speakers: ["ana".to_owned()].into(), ..LoadRecord::default() };
        Self {
            entries: Vec::new(),
            records: Vec::new(),
            load,
            watched: Watched::default(),
            fault: Some(Fault { at: at(FAULT), until: None, proof: seen(FAULT) }),
            expectations: Expectations::default(),
            missing: Vec::new(),
            end: END,
            spoilt: 2,
            spoil: Box::new(|_| {}),
        }
    }

    /// `ana` says something each 100 ms, but for a pause after the fault, and all is well.
    pub(super) fn well(pause: u64) -> Self {
        let mut story = Self::new();
        for sent in (90..FAULT).step_by(100).chain((FAULT + pause - 50..5000).step_by(100)) {
            story.says("ana", sent, &Ends::Acknowledged(sent + 50), true);
        }
        story
    }

    /// Somebody says something, which ends so, and then is in the history or not. Returns its id.
    pub(super) fn says(&mut self, client: &str, sent: u64, ends: &Ends, present: bool) -> String {
        let id = format!("{client}-{sent}");
        let message = format!("{client} diz {sent}");
        let (user, channel) = (client.to_owned(), CHANNEL.to_owned());
        let request =
            Request::Publish { user: user.clone(), channel: channel.clone(), message: message.clone() };
        self.happens(client, sent, Event::Attempted { request_id: id.clone(), request, replies_to: None });
        // In the order in which messages are sent; who says something in the same moment as somebody else has another name.
        let index = sent * 10 + u64::from(client.as_bytes()[0] - b'a');
        let request_id = id.clone();
        let reason = "não".to_owned();
        match ends {
            Ends::Acknowledged(at) => self.happens(client, *at, Event::Acknowledged { request_id, index }),
            Ends::Refused(at) => self.happens(client, *at, Event::Refused { request_id, reason }),
            Ends::TurnedAway(at) => self.happens(client, *at, Event::TurnedAway { request_id, reason }),
            Ends::Silent(at) => {
                let reason = crate::notes::NO_ANSWER.to_owned();
                self.happens(client, *at, Event::Unknown { request_id, reason });
            }
            Ends::Open => {}
        }
        if present {
            self.records.push(Record {
                index,
                what: What::Publish { user, channel, message },
                timestamp: format!("2026-11-23T12:00:{:02}.{:03}Z", sent / 1000, sent % 1000),
                clock: index,
                request_id: Some(id.clone()),
                rest: [].into(),
            });
        }
        id
    }

    /// A follower is shown everything there is, except for what has these numbers.
    pub(super) fn follower_is_shown_all_but(&mut self, missed: &[usize]) {
        let topic = Topic::Channel(CHANNEL.to_owned());
        self.happens("eva", 0, Event::Follows { topic: topic.clone(), after: 0 });
        for (number, record) in self.records.clone().into_iter().enumerate() {
            if !missed.contains(&number) {
                let (index, request_id) = (record.index, record.request_id);
                self.happens("eva", 5000, Event::Shown { topic: topic.clone(), index, request_id });
            }
        }
        self.happens("eva", 6000, Event::CaughtUp { index: END });
    }

    fn happens(&mut self, client: &str, ms: u64, event: Event) {
        self.entries.push(Entry { at: ms * 1000, client: client.to_owned(), event });
    }

    pub(super) fn fails(&mut self, when: u64, id: &str) {
        let failed = FailedRequest { at: at(when), request_id: id.to_owned(), reason: "não".to_owned() };
        self.load.failures.push(failed);
    }

    pub(super) fn judged(mut self) -> Evidence {
        self.entries.sort_by_key(|entry| entry.at);
        self.load.ledger = self.entries.into_iter().collect();
        self.records.sort_by_key(|record| record.index);
        self.records.retain(|record| record.index <= self.end);
        let mut read = ReadBack { missing: self.missing, ..ReadBack::default() };
        for (number, servidor) in ["s-0", "s-1", "s-2"].into_iter().enumerate() {
            let mut dump = HistoryDump::everything(servidor, 0);
            dump.upto = self.end;
            dump.records = self.records.clone();
            if number == self.spoilt || self.spoilt > 2 {
                (self.spoil)(&mut dump.records);
            }
            read.histories.push(dump);
            let servidor = servidor.to_owned();
            read.digests.push(StateDigest { servidor, applied: self.end, digest: "ab".to_owned() });
        }
        let timeline = Timeline::start();
        let judgement = judge(&Trial {
            drill: "a-story",
            timeline: &timeline,
            load: &self.load,
            watched: &self.watched,
            read: &read,
            fault: self.fault.as_ref(),
            expectations: &self.expectations,
            not_undone: &[],
        });
        assert_eq!(judgement.verdicts.len() as u64, judgement.evidence.messages.attempted);
        judgement.evidence
    }
}

pub(super) fn seen(ms: u64) -> Proof {
    Proof::Seen { at: at(ms), how: "it was seen".to_owned() }
}

#[track_caller]
pub(super) fn assert_passes(evidence: &Evidence) {
    assert_eq!(evidence.verdict, Verdict::Pass, "{:#?}", evidence.because);
    assert!(evidence.broken.is_empty() && !evidence.because.is_empty());
}

#[track_caller]
pub(super) fn assert_fails(evidence: &Evidence, promise: &str) {
    assert_eq!(evidence.verdict, Verdict::Fail, "{:#?}", evidence.because);
    assert!(evidence.broken.iter().any(|broken| broken.promise == promise), "{:#?}", evidence.broken);
    assert!(evidence.because.iter().any(|why| why.starts_with(promise)), "{:#?}", evidence.because);
}

#[track_caller]
pub(super) fn assert_unknown(evidence: &Evidence, why: &str) {
    assert_eq!(evidence.verdict, Verdict::Unknown, "{:#?}", evidence.because);
    assert!(evidence.broken.is_empty(), "{:#?}", evidence.broken);
    assert!(evidence.because.iter().any(|because| because.contains(why)), "{:#?}", evidence.because);
}
