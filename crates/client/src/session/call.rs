//! Requests in flight: when each is sent again, and when it is given up.

use std::collections::BTreeMap;
use std::time::Duration;

use papo_core::clock::Instant;
use papo_core::log::Index;
use papo_wire::Service;
use papo_wire::reply::{Failure, Reason};
use papo_wire::request::Body;

use crate::{Ask, Outcome, RequestId, Saved};

/// Names one request of one session. Every attempt of it carries the same one, so that the first answer settles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// What a request is for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// The application wants to know.
    Asked(RequestId, Effect),
    /// The session itself asks what it missed.
    Sync,
}

/// What a request changes in the session if it succeeds.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    None,
    LogIn { user: String, saved: Option<Saved> },
    Join(String),
    Leave(String),
}

impl Effect {
    /// The names are the body's: in the spelling that goes over the wire.
    pub(super) fn of(ask: Ask, body: &Body) -> Self {
        match (ask, body) {
            (Ask::Login { saved, .. }, Body::Login { user }) => {
                Self::LogIn { user: user.display.clone(), saved }
            }
            (_, Body::Join { channel, .. }) => Self::Join(channel.clone()),
            (_, Body::Leave { channel, .. }) => Self::Leave(channel.clone()),
            _ => Self::None,
        }
    }
}

/// One request, from its first attempt to its end.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) purpose: Purpose,
    pub(super) service: Service,
    /// The same bytes for every attempt: a retry must be the same request.
    pub(super) payload: Vec<u8>,
    /// The `seen` inside.
    pub(super) seen: Index,
    /// Attempts so far, of which at most the last was not sent.
    attempts: u32,
    /// An attempt may still be on its way to the log.
    doubtful: bool,
    /// The last attempt was neither answered nor turned away yet.
    open: bool,
    resend: Instant,
    deadline: Option<Instant>,
    failure: Option<Failure>,
}

impl Call {
    pub(super) fn new(
        purpose: Purpose,
        service: Service,
        payload: Vec<u8>,
        seen: Index,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            purpose,
            service,
            payload,
            seen,
            attempts: 0,
            doubtful: false,
            open: false,
            resend: Instant::ZERO,
            deadline,
            failure: None,
        }
    }

    /// Notes that it is being sent, and tells which attempt it is, from 1.
    pub(super) fn attempt(&mut self, now: Instant, retry: Duration) -> u32 {
        // An attempt that was never answered may still arrive.
        self.doubtful |= self.open;
        self.open = true;
        self.attempts += 1;
        self.resend = now + retry;
        self.attempts
    }

    /// Takes the last attempt back: nobody was connected that could have taken it.
    pub(super) fn was_not_sent(&mut self, now: Instant, pause: Duration) {
        self.open = false;
        self.resend = now + pause;
    }

    /// Notes an answer that is not the last word.
    pub(super) fn was_turned_away(&mut self, failure: Failure, now: Instant, pause: Duration) {
        self.doubtful |= matches!(failure.reason, Reason::Unknown | Reason::Internal);
        self.open = false;
        self.failure = Some(failure);
        self.resend = now + pause;
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How it ends if nothing more comes.
    pub(super) fn give_up(&self) -> Outcome {
        let explained = |text: &'static str, reason| Failure::explained(self.service, reason, text);
        if self.service.is_write() && (self.doubtful || self.open) {
            Outcome::Unknown(match &self.failure {
                Some(failure) if failure.reason == Reason::Unknown => failure.clone(),
                _ => explained("Sem resposta: não se sabe se foi gravado.", Reason::Unknown),
            })
        } else {
            Outcome::Failed(match &self.failure {
                Some(failure) => failure.clone(),
                None if self.open || self.doubtful => {
                    explained("Sem resposta do servidor.", Reason::Unavailable)
                }
                None => explained("Sem conexão: o pedido não foi enviado.", Reason::Unavailable),
            })
        }
    }
}

/// What is to be done about a request now.
#[derive(Debug)]
pub(super) enum Due {
    Resend(CallId),
    GiveUp(CallId),
}

/// All requests in flight of one session.
#[derive(Debug, Default)]
pub(super) struct Calls {
    last: u32,
    open: BTreeMap<CallId, Call>,
}

impl Calls {
    pub(super) fn add(&mut self, call: Call) -> CallId {
        self.last = self.last.wrapping_add(1);
        let id = CallId(self.last);
        self.open.insert(id, call);
        id
    }

    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.open.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: CallId) -> Option<Call> {
        self.open.remove(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// The call that the application made with this request id.
    pub(super) fn by_request(&self, request: &str) -> Option<CallId> {
        self.open.iter().find_map(|(id, call)| match &call.purpose {
            Purpose::Asked(own, _) if own.as_str() == request => Some(*id),
            _ => None,
        })
    }

    /// What must be done by `now`, oldest call first.
    pub(super) fn due(&self, now: Instant) -> Vec<Due> {
        let due = self.open.iter().filter_map(|(id, call)| {
            if call.deadline.is_some_and(|deadline| deadline <= now) {
                Some(Due::GiveUp(*id))
            } else {
                (call.resend <= now).then_some(Due::Resend(*id))
            }
        });
        due.collect()
    }

    /// When [`Calls::due`] will have something next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.open.values().map(|call| call.deadline.map_or(call.resend, |end| end.min(call.resend))).min()
    }
}
