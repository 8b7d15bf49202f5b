use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use papo_audit::{Event, Recorder, Request, Topic};
use serde_json::{Value, json};

use super::{CHANNEL, Tally};
use crate::system::PATIENCE;
use crate::{Answer, Asker};

/// How long a writer waits for an answer before it asks another broker, under the same id. Shorter than a broker's own
/// deadline, so that two attempts of one request are under way at once now and then.
const ATTEMPT: Duration = Duration::from_millis(1500);
/// What it waits before it tries again what was turned away at once.
const BREATH: Duration = Duration::from_millis(50);
/// Every so many messages it does something else.
const PRIVATE_EVERY: u64 = 4;
const AGAIN_EVERY: u64 = 7;
const READ_EVERY: u64 = 9;
const PAGE_EVERY: u64 = 11;
const PAGE: usize = 30;

/// One person, with a connection to every broker.
pub(super) struct Writer {
    name: String,
    friend: String,
    brokers: Vec<Asker>,
    recorder: Recorder,
    tally: Arc<Tally>,
    seen: u64,
    said: u64,
    /// The last message on the page that was read last, which the next one replies to.
    heard: Option<String>,
}

impl Writer {
    pub(super) fn new(
        name: &str,
        everybody: &[String],
        brokers: Vec<u16>,
        recorder: Recorder,
        tally: Arc<Tally>,
    ) -> Self {
        let own = everybody.iter().position(|other| other == name).expect("everybody includes this one");
        Self {
            name: name.to_owned(),
            friend: everybody[(own + 1) % everybody.len()].clone(),
            brokers: brokers.into_iter().map(Asker::new).collect(),
            recorder,
            tally,
            seen: 0,
            said: 0,
            heard: None,
        }
    }

    /// Logs in, and talks until told to stop and the last request is settled.
    pub(super) fn talk(mut self, stop: &AtomicBool, pause: Duration) {
        self.write(&Request::Login { user: self.name.clone(), again: false }, None);
        self.write(&Request::Channel { channel: CHANNEL.into() }, None);
        while !stop.load(Ordering::Relaxed) {
            self.say_something();
            if self.said.is_multiple_of(READ_EVERY) {
                self.read();
            }
            if self.said.is_multiple_of(PAGE_EVERY) {
                self.read_page();
            }
            thread::sleep(pause);
        }
    }

    fn say_something(&mut self) {
        self.said += 1;
        let message = format!("{} diz {}", self.name, self.said);
        let request = if self.said.is_multiple_of(PRIVATE_EVERY) {
            Request::Message { src: self.name.clone(), dst: self.friend.clone(), message }
        } else {
            Request::Publish { user: self.name.clone(), channel: CHANNEL.into(), message }
        };
        let replies_to = self.heard.take();
        let request_id = self.write(&request, replies_to.as_deref());
        if self.said.is_multiple_of(AGAIN_EVERY) {
            self.change_broker();
            self.attempt(&request_id, &request, None);
        }
    }

    /// Asks until the answer is final: yes, or no for good.
    fn write(&mut self, request: &Request, replies_to: Option<&str>) -> String {
        let request_id = uuid::Uuid::new_v4().to_string();
        let began = Instant::now();
        while !self.attempt(&request_id, request, replies_to) {
            assert!(
                began.elapsed() < PATIENCE,
                "{} got no final answer to {request:?} ({request_id}) within {PATIENCE:?}",
                self.name
            );
        }
        self.tally.settled(began.elapsed());
        request_id
    }

    /// Asks once. Returns whether the answer is final.
    fn attempt(&mut self, request_id: &str, request: &Request, replies_to: Option<&str>) -> bool {
        let (service, mut data) = wire(request);
        data["request_id"] = request_id.into();
        if self.seen > 0 {
            data["seen"] = self.seen.into();
        }
        let attempted = Event::Attempted {
            request_id: request_id.to_owned(),
            request: request.clone(),
            replies_to: replies_to.map(str::to_owned),
        };
        self.recorder.record(&self.name, attempted);
        let answer = self.broker().ask(service, &data, ATTEMPT);
        if answer.is_none() {
            self.change_broker();
        }
        let event = judge(request_id.to_owned(), answer.as_ref());
        if answer.as_ref().is_some_and(is_error) {
            self.tally.errors.fetch_add(1, Ordering::Relaxed);
        }
        let is_final = matches!(event, Event::Acknowledged { .. } | Event::Refused { .. });
        match &event {
            Event::Acknowledged { index, .. } => {
                self.seen = self.seen.max(*index);
                self.tally.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Event::TurnedAway { .. } => thread::sleep(BREATH),
            _ => {}
        }
        self.recorder.record(&self.name, event);
        is_final
    }

    fn read(&mut self) {
        let (asked, seen) = (self.recorder.now(), self.seen);
        let Some(answer) = self.broker().ask("users", &json!({"seen": seen}), ATTEMPT) else {
            return self.change_broker();
        };
        if answer.data["users"].is_array() {
            self.seen = self.seen.max(answer.index());
            self.recorder.record(&self.name, Event::Read { asked, seen, index: answer.index() });
        }
    }

    fn read_page(&mut self) {
        let (asked, seen) = (self.recorder.now(), self.seen);
        let data = json!({"channel": CHANNEL, "limit": PAGE, "seen": seen});
        let Some(answer) = self.broker().ask("history", &data, ATTEMPT) else { return self.change_broker() };
        let Some(messages) = answer.data["messages"].as_array().filter(|_| answer.is_ok()) else { return };
        self.heard = messages.last().and_then(|last| last["request_id"].as_str()).map(str::to_owned);
        self.seen = self.seen.max(answer.index());
        let page = Event::Page {
            topic: Topic::Channel(CHANNEL.into()),
            asked,
            seen,
            index: answer.index(),
            newest: true,
            messages: messages.iter().map(|message| message["index"].as_u64().unwrap_or(0)).collect(),
        };
        self.recorder.record(&self.name, page);
    }

    fn broker(&mut self) -> &mut Asker {
        self.brokers.first_mut().expect("there is a broker")
    }

    /// After a silence, and now and then.
    fn change_broker(&mut self) {
        self.brokers.rotate_left(1);
    }
}

/// A request as the wire has it.
fn wire(request: &Request) -> (&'static str, Value) {
    match request {
        Request::Login { user, .. } => ("login", json!({"user": user})),
        Request::Channel { channel } => ("channel", json!({"channel": channel})),
        Request::Publish { user, channel, message } => {
            ("publish", json!({"user": user, "channel": channel, "message": message}))
        }
        Request::Message { src, dst, message } => {
            ("message", json!({"src": src, "dst": dst, "message": message}))
        }
        Request::Join { user, channel } => ("join", json!({"user": user, "channel": channel})),
        Request::Leave { user, channel } => ("leave", json!({"user": user, "channel": channel})),
    }
}

/// Whether an answer is an error. All writers create the one channel, and one of them is the first: that is none.
fn is_error(answer: &Answer) -> bool {
    !answer.is_ok() && answer.reason() != "channel_exists"
}

/// What an answer means to whoever keeps a ledger.
fn judge(request_id: String, answer: Option<&Answer>) -> Event {
    let Some(answer) = answer else {
        return Event::Unknown { request_id, reason: format!("no answer within {ATTEMPT:?}") };
    };
    if answer.is_ok() {
        return Event::Acknowledged { request_id, index: answer.index() };
    }
    let reason = answer.description().to_owned();
    match answer.reason() {
        "not_ordered" | "rate_limited" | "ahead" => Event::TurnedAway { request_id, reason },
        "unknown" | "unavailable" | "internal" | "other" | "" => Event::Unknown { request_id, reason },
        _ => Event::Refused { request_id, reason },
    }
}
