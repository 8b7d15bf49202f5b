//! One session on a stage: a virtual clock, and a servidor played by the test.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use papo_client::session::{CallId, Output, Session};
use papo_client::{Answered, Ask, Event, Outcome, RequestId, SessionOptions, Shown};
use papo_core::chat::{Said, To};
use papo_core::clock::{Instant, Lamport, Now, WallTime};
use papo_wire::Service;
use papo_wire::publication::Tip;
use papo_wire::reply::{Answer, Failure, Message, Reason, Reply, SyncPage};
use papo_wire::request::{Body, Request};

pub(crate) struct Stage {
    pub(crate) session: Session,
    pub(crate) now: Now,
    pub(crate) sent: Vec<Sent>,
    pub(crate) events: Vec<Event>,
    pub(crate) subscribed: BTreeSet<To>,
    pub(crate) deaf: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) call: CallId,
    pub(crate) attempt: u32,
    pub(crate) request: Request,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(SessionOptions::default())
    }

    pub(crate) fn with(options: SessionOptions) -> Self {
        // Well after zero, so that a timer that was never set is not in the future by accident.
        let instant = Instant::ZERO + Duration::from_secs(1000);
        Self {
            session: Session::new(options),
            now: Now { instant, wall: WallTime::EPOCH },
            sent: Vec::new(),
            events: Vec::new(),
            subscribed: BTreeSet::new(),
            deaf: 0,
        }
    }

    /// A stage whose user `ana` has logged in at index 10 and caught up.
    pub(crate) fn logged_in() -> Self {
        let mut stage = Self::new();
        stage.ask("login", Ask::Login { user: "ana".to_owned(), saved: None });
        stage.answer_last(10, Answer::Login { user: "ana".to_owned(), session: "token".to_owned() });
        stage.answer_last(10, page(10, Vec::new(), Vec::new()));
        stage.pass(Duration::from_millis(250));
        stage.answer_last(10, page(10, Vec::new(), Vec::new()));
        stage.clear();
        stage
    }

    /// And who has joined `geral` at index 20.
    pub(crate) fn joined() -> Self {
        let mut stage = Self::logged_in();
        stage.ask("join", Ask::Join("geral".to_owned()));
        stage.answer_last(20, Answer::Join);
        stage.pass(Duration::from_millis(250));
        stage.answer_last(20, page(20, Vec::new(), vec!["geral".to_owned()]));
        stage.clear();
        stage
    }

    pub(crate) fn clear(&mut self) {
        self.sent.clear();
        self.events.clear();
    }

    pub(crate) fn ask(&mut self, id: &str, ask: Ask) {
        self.session.ask(self.now, RequestId::from(id), ask, None);
        self.drain();
    }

    pub(crate) fn last(&self) -> &Sent {
        self.sent.last().expect("something was sent")
    }

    pub(crate) fn answer_last(&mut self, index: u64, answer: Answer) {
        let call = self.last().call;
        self.answer(call, index, Ok(answer));
    }

    pub(crate) fn fail_last(&mut self, reason: Reason) {
        let (call, service) = (self.last().call, self.last().request.service());
        self.answer(call, 0, Err(Failure::new(service, reason)));
    }

    pub(crate) fn answer(&mut self, call: CallId, index: u64, answer: Result<Answer, Failure>) {
        let reply = Reply { time: WallTime::EPOCH, clock: Lamport::new(index), index, answer };
        self.session.answered(self.now, call, reply);
        self.drain();
    }

    pub(crate) fn deliver(&mut self, said: Said, previous: u64) {
        self.session.delivered(self.now, &Arc::new(said), previous);
        self.drain();
    }

    pub(crate) fn tip(&mut self, of: To, index: u64) {
        let tip = Tip { of, index, time: WallTime::EPOCH, clock: Lamport::new(index) };
        self.session.tip(self.now, &tip);
        self.drain();
    }

    /// Lets time pass, calling the session exactly when it wants to be called.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now.instant + span;
        while let Some(next) = self.session.next_deadline().filter(|next| *next <= end) {
            self.now.instant = next.max(self.now.instant);
            self.session.elapsed(self.now);
            self.drain();
        }
        self.now.instant = end;
    }

    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Send { call, attempt, payload } => {
                    let request = Request::decode(&payload).expect("sessions send what servidores read");
                    self.sent.push(Sent { call, attempt, request });
                }
                Output::Subscribe(topic) => assert!(self.subscribed.insert(topic), "subscribed twice"),
                Output::Unsubscribe(topic) => assert!(self.subscribed.remove(&topic), "never subscribed"),
                Output::Deaf => self.deaf += 1,
                Output::Tell(event) => self.events.push(event),
            }
        }
    }

    /// Indices of the messages shown so far.
    pub(crate) fn shown(&self) -> Vec<u64> {
        self.messages().map(|shown| shown.said.index).collect()
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &Shown> {
        self.events.iter().filter_map(|event| match event {
            Event::Message(shown) => Some(shown),
            _ => None,
        })
    }

    pub(crate) fn answers(&self) -> Vec<&Answered> {
        let answered = self.events.iter().filter_map(|event| match event {
            Event::Answered(answered) => Some(answered),
            _ => None,
        });
        answered.collect()
    }

    /// How the request ended.
    pub(crate) fn outcome(&self, id: &str) -> &Outcome {
        let answers = self.answers();
        let mut of_request = answers.iter().filter(|answered| answered.request.as_str() == id);
        let outcome = &of_request.next().expect("the request was answered").outcome;
        assert!(of_request.next().is_none(), "{id} ended twice");
        outcome
    }

    pub(crate) fn syncs(&self) -> Vec<u64> {
        let since = self.sent.iter().filter_map(|sent| match &sent.request.body {
            Body::Sync { since, .. } => Some(*since),
            _ => None,
        });
        since.collect()
    }
}

pub(crate) fn in_channel(index: u64, channel: &str) -> Said {
    Said {
        index,
        time: WallTime::EPOCH,
        clock: Lamport::new(index),
        from: "bia".to_owned(),
        to: To::Channel(channel.to_owned()),
        message: format!("message {index}"),
        request_id: None,
    }
}

pub(crate) fn in_private(index: u64, from: &str, to: &str) -> Said {
    Said { from: from.to_owned(), to: To::User(to.to_owned()), ..in_channel(index, "") }
}

pub(crate) fn page(upto: u64, messages: Vec<Said>, channels: Vec<String>) -> Answer {
    let messages = messages.into_iter().map(|said| Message { said, previous: None }).collect();
    Answer::Sync(SyncPage { messages, more: false, upto, channels })
}

pub(crate) fn publish(channel: &str, text: &str) -> Ask {
    Ask::Publish { channel: channel.to_owned(), text: text.to_owned() }
}

pub(crate) fn service(sent: &Sent) -> Service {
    sent.request.service()
}
