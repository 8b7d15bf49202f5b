//! What the ledger tells of messages and when: the ground of all figures.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use papo_audit::Event;

use crate::LoadRecord;
use crate::notes::NO_ANSWER;

/// When messages were sent and answered.
pub(super) struct Answers<'a> {
    load: &'a LoadRecord,
    messages: BTreeMap<&'a str, Message<'a>>,
    /// When attempts were answered with an error.
    pub(super) refused_attempts: Vec<Duration>,
    /// Attempts of plain clients that got no answer for as long as those wait.
    pub(super) silences: Vec<Silence<'a>>,
    /// When the last thing happened that was written down.
    pub(super) ended: Duration,
}

/// One message, by its first attempt and its first acknowledgement.
pub(super) struct Message<'a> {
    pub(super) client: &'a str,
    pub(super) sent: Duration,
    pub(super) acknowledged: Option<Duration>,
}

/// An attempt without an answer.
pub(super) struct Silence<'a> {
    pub(super) request_id: &'a str,
    pub(super) sent: Duration,
    pub(super) given_up: Duration,
}

impl<'a> Answers<'a> {
    pub(super) fn of(load: &'a LoadRecord) -> Self {
        let mut messages: BTreeMap<&str, Message<'_>> = BTreeMap::new();
        let (mut refused_attempts, mut silences) = (Vec::new(), Vec::new());
        // Of each client's latest attempt.
        let mut sent: HashMap<&str, Duration> = HashMap::new();
        let mut ended = load.stopped;
        for entry in load.ledger.entries() {
            let at = load.began + Duration::from_micros(entry.at);
            ended = ended.max(at);
            match &entry.event {
                Event::Attempted { request_id, request, .. } if request.is_said() => {
                    let first = Message { client: &entry.client, sent: at, acknowledged: None };
                    messages.entry(request_id).or_insert(first);
                    sent.insert(&entry.client, at);
                }
                Event::Acknowledged { request_id, .. } => {
                    if let Some(message) = messages.get_mut(request_id.as_str()) {
                        message.acknowledged.get_or_insert(at);
                    }
                }
                Event::Unknown { request_id, reason } if reason == NO_ANSWER => {
                    if let Some(sent) = sent.get(entry.client.as_str()).copied() {
                        silences.push(Silence { request_id, sent, given_up: at });
                    }
                }
                Event::Refused { request_id, .. }
                | Event::TurnedAway { request_id, .. }
                | Event::Unknown { request_id, .. }
                    if messages.contains_key(request_id.as_str()) =>
                {
                    refused_attempts.push(at);
                }
                _ => {}
            }
        }
        Self { load, messages, refused_attempts, silences, ended }
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = &Message<'a>> {
        self.messages.values()
    }

    /// When messages were acknowledged, each for the first time.
    pub(super) fn acknowledgements(&self) -> impl Iterator<Item = Duration> {
        self.messages().filter_map(|message| message.acknowledged)
    }

    /// The longest that any one client with a session went without an acknowledgement, of the stretches that were not over at
    /// `from`.
    pub(super) fn pause(&self, from: Duration) -> Option<Duration> {
        let mut by_client: HashMap<&str, Vec<&Message<'_>>> = HashMap::new();
        for message in self.messages().filter(|message| self.load.speakers.contains(message.client)) {
            by_client.entry(message.client).or_default().push(message);
        }
        by_client.values().filter_map(|messages| self.longest_gap(messages, from)).max()
    }

    /// The longest that nobody at all was acknowledged, likewise.
    pub(super) fn silence(&self, from: Duration) -> Option<Duration> {
        let all: Vec<&Message<'_>> = self.messages().collect();
        self.longest_gap(&all, from)
    }

    /// When acknowledgements went on after the longest stretch without any that began at most `within` after `from`, and how
    /// long that was.
    pub(super) fn went_on(&self, from: Duration, within: Duration) -> Option<(Duration, Duration)> {
        let mut times: Vec<Duration> = self.acknowledgements().collect();
        times.sort_unstable();
        let around = times.windows(2).filter(|pair| pair[1] > from && pair[0] <= from + within);
        around.map(|pair| (pair[1], pair[1] - pair[0])).max_by_key(|(_, silence)| *silence)
    }

    /// The longest stretch between two acknowledgements of these messages that was not over at `from`. It begins with the first
    /// sending and ends with the load; with its last line, if by then not everything was answered.
    fn longest_gap(&self, messages: &[&Message<'_>], from: Duration) -> Option<Duration> {
        let begin = messages.iter().map(|message| message.sent).min()?;
        let is_open = messages.iter().any(|message| message.acknowledged.is_none());
        let end = if is_open { self.ended } else { self.load.stopped };
        let mut times: Vec<Duration> = messages.iter().filter_map(|message| message.acknowledged).collect();
        times.extend([begin, end]);
        times.sort_unstable();
        times.windows(2).filter(|pair| pair[1] > from).map(|pair| pair[1] - pair[0]).max()
    }
}
