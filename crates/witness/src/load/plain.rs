use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use papo_audit::{Event as Note, Request as Said};
use papo_client::RequestId;
use papo_transport::{OpenError, ZmqContext};
use papo_wire::names;
use papo_wire::reply::Reply;
use papo_wire::request::{Body, Request};

use super::{LoadSettings, Shared, words};
use crate::ask::Asker;
use crate::notes;

/// A broker answers everything within 5 s, with an error at the least.
const ANSWER: Duration = Duration::from_secs(6);
/// The pause before something is asked again that was answered with an error, as a person would.
const BREATH: Duration = Duration::from_millis(200);
/// Every so many messages, one that was acknowledged is sent once more.
const AGAIN_EVERY: u64 = 7;

const PREFIX: &str = "antigo";

/// A client as old ones are, but for the ids of its requests: a REQ socket for each broker, and no session.
pub(super) struct Plain {
    name: String,
    brokers: Vec<Asker>,
    period: Duration,
    deadline: Duration,
    dice: fastrand::Rng,
    shared: Arc<Shared>,
}

/// How an attempt ended.
enum End {
    Acknowledged,
    /// No, for good.
    Refused,
    /// An error that says to try again.
    Error(String),
    Silence,
}

impl Plain {
    pub(super) fn new(
        number: usize,
        context: &ZmqContext,
        brokers: &[SocketAddr],
        settings: &LoadSettings,
        shared: Arc<Shared>,
    ) -> Result<Self, OpenError> {
        let brokers: Result<Vec<Asker>, OpenError> =
            brokers.iter().map(|address| Asker::new(context, *address)).collect();
        let mut dice = words::dice(!settings.seed, number);
        Ok(Self {
            name: words::name(PREFIX, &mut dice),
            brokers: brokers?,
            period: settings.period(),
            deadline: settings.deadline,
            dice,
            shared,
        })
    }

    /// Talks until nothing new is to be said, and what was said is settled or nobody waits for it any more.
    pub(super) fn talk(mut self) {
        let Some(channels) = self.wait_for_channels() else { return };
        while !self.log_in() {
            self.name = words::name(PREFIX, &mut self.dice);
        }
        let mut number = 0;
        while !self.shared.stop.load(Ordering::Relaxed) {
            let next = Instant::now() + self.period;
            number += 1;
            let message = words::message(&self.name, number, &mut self.dice);
            let channel = channels[self.dice.usize(..channels.len())].clone();
            let said = Said::Publish { user: self.name.clone(), channel, message };
            let id = self.say(&said);
            if number.is_multiple_of(AGAIN_EVERY) {
                self.change_broker();
                self.attempt(&id, &said);
            }
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }

    fn wait_for_channels(&self) -> Option<Vec<String>> {
        loop {
            if let Some(channels) = self.shared.channels.get() {
                return Some(channels.clone());
            }
            if self.shared.stop.load(Ordering::Relaxed) {
                return None;
            }
            thread::sleep(BREATH);
        }
    }

    /// False if the name is taken.
    fn log_in(&mut self) -> bool {
        let id = RequestId::random();
        let said = Said::Login { user: self.name.clone(), again: false };
        loop {
            match self.attempt(id.as_str(), &said) {
                End::Refused => return false,
                End::Error(_) => thread::sleep(BREATH),
                End::Silence => {}
                End::Acknowledged => return true,
            }
            if self.shared.give_up.load(Ordering::Relaxed) {
                return true;
            }
        }
    }

    /// Asks until it is settled. Returns the request's id.
    fn say(&mut self, said: &Said) -> String {
        let id = RequestId::random().to_string();
        let began = Instant::now();
        let mut failed = false;
        loop {
            let reason = match self.attempt(&id, said) {
                End::Acknowledged => {
                    self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
                    return id;
                }
                End::Refused => return id,
                End::Error(reason) => Some(reason),
                End::Silence if began.elapsed() >= self.deadline => Some("no answer".to_owned()),
                End::Silence => None,
            };
            if let Some(reason) = reason {
                if !failed {
                    self.shared.failed(&id, &reason);
                    failed = true;
                }
                thread::sleep(BREATH);
            }
            if self.shared.give_up.load(Ordering::Relaxed) {
                return id;
            }
        }
    }

    /// Asks once, and writes down what comes of it.
    fn attempt(&mut self, id: &str, said: &Said) -> End {
        let attempted =
            Note::Attempted { request_id: id.to_owned(), request: said.clone(), replies_to: None };
        self.shared.recorder.record(&self.name, attempted);
        let answer = self.brokers.first_mut().and_then(|broker| broker.ask(&request(id, said), ANSWER));
        let reply = answer.as_deref().map(Reply::decode).and_then(Result::ok);
        if reply.is_none() {
            self.change_broker();
        }
        let note = notes::repeated(id.to_owned(), reply.as_ref());
        let end = match &note {
            Note::Acknowledged { .. } => End::Acknowledged,
            Note::Refused { reason, .. } => {
                if said.is_said() {
                    self.shared.failed(id, reason);
                }
                End::Refused
            }
            Note::TurnedAway { reason, .. } => End::Error(reason.clone()),
            Note::Unknown { reason, .. } if reply.is_some() => End::Error(reason.clone()),
            _ => End::Silence,
        };
        self.shared.recorder.record(&self.name, note);
        end
    }

    fn change_broker(&mut self) {
        if !self.brokers.is_empty() {
            self.brokers.rotate_left(1);
        }
    }
}

fn request(id: &str, said: &Said) -> Request {
    let body = match said.clone() {
        Said::Login { user, .. } => {
            Body::Login { user: names::parse(&user).expect("the load's names are well formed") }
        }
        Said::Publish { user, channel, message } => Body::Publish { user, channel, message },
        other => unreachable!("a plain client does not ask for {other:?}"),
    };
    Request { request_id: Some(id.to_owned()), ..Request::new(body) }
}
