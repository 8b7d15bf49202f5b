//! One user's side of the chat as a state machine: what happens and the time go in, what to send and what to tell come out.
//!
//! **The rule of use: after every call of a method that takes `now`, drain [`Session::poll`]; and call [`Session::elapsed`]
//! at [`Session::next_deadline`].** Nothing in here reads a clock, rolls dice or touches a socket.
//!
//! * Requests (`call`): each is sent again, unchanged, until it is answered or its deadline has passed. Writes go one at a
//!   time, so that the log orders them as they were asked.
//! * Deliveries (`stream`, `following`): each message once, in order, none missing.
//! * Connection (`pulse`): a session that hears nothing asks for what it missed; that answers both "did I miss something"
//!   and "is anybody there".
//!
//! Not done: a session does not choose connections. It numbers the attempts of a call, and whoever sends them takes another
//! way for each.

mod call;
mod following;
mod pulse;
mod stream;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub use call::CallId;
use papo_core::chat::{Said, To};
use papo_core::clock::{Instant, Lamport, Now};
use papo_core::log::Index;
use papo_wire::Service;
use papo_wire::publication::Tip;
use papo_wire::reply::{Answer, Failure, Reason, Reply};
use papo_wire::request::{Body, Request};

use self::call::{Call, Calls, Due, Effect, Purpose};
use self::following::Account;
use self::pulse::Pulse;
use self::stream::Heard;
use crate::recent::Recent;
use crate::{Answered, Ask, Event, Outcome, RequestId, Saved, Shown, Timing};

/// A request that was turned away for the moment, or that nobody was there to take, is tried again after this.
const PAUSE: Duration = Duration::from_millis(100);

/// How one session behaves.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// How patient it is.
    pub timing: Timing,
    /// Whether to tell [`Event::Progress`].
    pub progress: bool,
}

/// What a session wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this to a broker; the first attempt (1) wherever one likes, each later one another way.
    /// [`Session::not_sent`] if that is not possible now.
    Send {
        /// The call; its answer goes to [`Session::answered`].
        call: CallId,
        /// Which attempt it is, from 1.
        attempt: u32,
        /// The request.
        payload: Vec<u8>,
    },
    /// Deliver what is published on this topic, and on the one with its tips.
    Subscribe(To),
    /// No longer deliver it.
    Unsubscribe(To),
    /// Deliveries are being lost: it may help to open the subscriptions anew.
    Deaf,
    /// Tell the application.
    Tell(Event),
}

/// The state of one session.
#[derive(Debug)]
pub struct Session {
    options: SessionOptions,
    clock: Lamport,
    seen: Index,
    calls: Calls,
    /// Writes that wait for the one in flight.
    waiting: VecDeque<Waiting>,
    writing: Option<CallId>,
    account: Option<Account>,
    pulse: Pulse,
    /// Requests of ours that something was said by.
    own: Recent,
    out: VecDeque<Output>,
    progressed: bool,
}

#[derive(Debug)]
struct Waiting {
    request: RequestId,
    effect: Effect,
    body: Body,
    deadline: Instant,
}

/// How long to wait after having been turned away.
fn pause(reason: Reason) -> Duration {
    if reason == Reason::RateLimited { Duration::from_secs(1) } else { PAUSE }
}

impl Session {
    /// A session that is not logged in.
    pub fn new(options: SessionOptions) -> Self {
        Self {
            options,
            clock: Lamport::default(),
            seen: 0,
            calls: Calls::default(),
            waiting: VecDeque::new(),
            writing: None,
            account: None,
            pulse: Pulse::new(),
            own: Recent::default(),
            out: VecDeque::new(),
            progressed: false,
        }
    }

    /// Takes a wish of the application. Its end is told by an [`Event::Answered`] with that id: after `patience`, or the
    /// timing's deadline, at the latest.
    pub fn ask(&mut self, now: Now, request: RequestId, ask: Ask, patience: Option<Duration>) {
        let body = match ask.body(self.account.as_ref().map(|account| account.stream.user())) {
            Ok(body) => body,
            Err(failure) => {
                let (service, seen) = (ask.service(), self.seen);
                let outcome = Outcome::Refused(failure);
                return self.tell(Event::Answered(Answered { request, service, seen, index: 0, outcome }));
            }
        };
        let deadline = now.instant + patience.unwrap_or(self.options.timing.deadline);
        let effect = Effect::of(ask, &body);
        if body.service().is_write() {
            self.waiting.push_back(Waiting { request, effect, body, deadline });
            self.write_next(now);
        } else {
            self.open(now, Purpose::Asked(request, effect), body, None, Some(deadline));
        }
    }

    /// Takes an answer to a call, whichever attempt it answers.
    pub fn answered(&mut self, now: Now, id: CallId, reply: Reply) {
        self.clock = self.clock.receive(reply.clock);
        self.seen = self.seen.max(reply.index);
        let waiting = self.calls.len() > 1;
        let Some(call) = self.calls.get_mut(id) else { return };
        let outcome = match reply.answer {
            Ok(answer) => Outcome::Stored(answer),
            Err(failure) if failure.reason.is_worth_a_retry() => {
                call.was_turned_away(failure.clone(), now.instant, pause(failure.reason));
                if failure.reason == Reason::RateLimited {
                    self.is_answered(now, waiting);
                }
                // Whoever is only told to come back later has not been served: the silence goes on.
                if failure.reason != Reason::Ahead || !self.is_from_elsewhere(now, id) {
                    return;
                }
                Outcome::Refused(failure)
            }
            Err(failure) => Outcome::Refused(failure),
        };
        self.is_answered(now, waiting);
        self.end(now, id, reply.index, outcome);
    }

    fn is_answered(&mut self, now: Now, waiting: bool) {
        if !self.pulse.answered(now.instant, waiting) {
            return;
        }
        self.tell(Event::Connected);
        if self.account.as_ref().is_some_and(|account| account.sync.is_none()) {
            self.sync(now);
        }
    }

    /// Takes a failure to send a call's latest attempt: nobody is connected.
    pub fn not_sent(&mut self, now: Now, id: CallId) {
        if let Some(call) = self.calls.get_mut(id) {
            call.was_not_sent(now.instant, PAUSE);
        }
    }

    /// Takes a message that was delivered on one of the subscribed topics.
    pub fn delivered(&mut self, now: Now, said: &Arc<Said>, previous: Index) {
        let Some(account) = &mut self.account else { return };
        self.clock = self.clock.receive(said.clock);
        self.seen = self.seen.max(said.index);
        self.pulse.delivered(now.instant);
        account.heard(said.index);
        match account.stream.hear(said, previous) {
            Heard::Nothing => {}
            Heard::Show => self.show(now, Arc::clone(said), false),
            Heard::Gap => self.catch_up(now),
        }
    }

    /// Takes the last index of one of the subscribed topics.
    pub fn tip(&mut self, now: Now, tip: &Tip) {
        let Some(account) = &mut self.account else { return };
        self.clock = self.clock.receive(tip.clock);
        self.pulse.delivered(now.instant);
        if account.stream.tip(&tip.of, tip.index) {
            self.seen = self.seen.max(tip.index);
            self.catch_up(now);
        }
    }

    /// Deliveries now come another way: something may have been lost on the change.
    pub fn paths_changed(&mut self, now: Now) {
        if self.account.is_some() {
            self.pulse.sync_soon(now.instant);
        }
    }

    /// Does what is due by `now`.
    pub fn elapsed(&mut self, now: Now) {
        self.drop_late_writes(now);
        for due in self.calls.due(now.instant) {
            match due {
                Due::Resend(id) => self.send(now, id),
                Due::GiveUp(id) => {
                    if let Some(call) = self.calls.get_mut(id) {
                        let outcome = call.give_up();
                        self.end(now, id, 0, outcome);
                    }
                }
            }
        }
        if self.pulse.check(now.instant, &self.options.timing) {
            self.lose();
        }
        let due = self.account.as_ref().is_some_and(|account| account.sync.is_none());
        if due && self.pulse.sync_at(&self.options.timing) <= now.instant {
            self.sync(now);
        }
    }

    /// When [`Session::elapsed`] must be called next, if nothing else happens.
    pub fn next_deadline(&self) -> Option<Instant> {
        let timing = &self.options.timing;
        let sync = self
            .account
            .as_ref()
            .filter(|account| account.sync.is_none())
            .map(|_| self.pulse.sync_at(timing));
        let late = self.waiting.iter().map(|waiting| waiting.deadline).min();
        [self.calls.next(), self.pulse.lost_at(timing), sync, late].into_iter().flatten().min()
    }

    /// The next thing to do, oldest first.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output> {
        if self.out.is_empty() && std::mem::take(&mut self.progressed) && self.options.progress {
            return self.saved().map(|saved| Output::Tell(Event::Progress(saved)));
        }
        self.out.pop_front()
    }

    /// What another session needs to go on from here; `None` while not logged in.
    pub fn saved(&self) -> Option<Saved> {
        let account = self.account.as_ref()?;
        let mut saved = Saved { token: account.token.clone(), seen: self.seen, ..Saved::default() };
        account.stream.save(&mut saved);
        Some(saved)
    }

    /// The highest index that this session was answered or delivered.
    pub fn seen(&self) -> Index {
        self.seen
    }

    fn write_next(&mut self, now: Now) {
        while self.writing.is_none() {
            let Some(Waiting { request, effect, body, deadline }) = self.waiting.pop_front() else { return };
            if matches!(body, Body::Publish { .. } | Body::Message { .. }) {
                self.own.insert(request.clone());
            }
            let id = Some(request.clone());
            self.writing = Some(self.open(now, Purpose::Asked(request, effect), body, id, Some(deadline)));
        }
    }

    /// Writes whose turn did not come in time were never sent.
    fn drop_late_writes(&mut self, now: Now) {
        let is_late = |waiting: &Waiting| waiting.deadline <= now.instant;
        if !self.waiting.iter().any(is_late) {
            return;
        }
        let (late, waiting): (VecDeque<_>, _) = self.waiting.drain(..).partition(is_late);
        self.waiting = waiting;
        for Waiting { request, body, .. } in late {
            let service = body.service();
            let text = "Sem resposta aos pedidos anteriores: este não foi enviado.";
            let outcome = Outcome::Failed(Failure::explained(service, Reason::Unavailable, text));
            self.tell(Event::Answered(Answered { request, service, seen: self.seen, index: 0, outcome }));
        }
    }

    fn open(
        &mut self,
        now: Now,
        purpose: Purpose,
        body: Body,
        request_id: Option<RequestId>,
        deadline: Option<Instant>,
    ) -> CallId {
        self.clock = self.clock.tick();
        let (token, seen) = match &purpose {
            // A servidor that lags behind what was seen would not know the user yet, and call the name taken.
            Purpose::Asked(_, Effect::LogIn { saved: Some(saved), .. }) => {
                (Some(saved.token.clone()), self.seen.max(saved.seen))
            }
            _ => (self.account.as_ref().map(|account| account.token.clone()), self.seen),
        };
        let request = Request {
            request_id: request_id.map(|id| id.as_str().to_owned()),
            seen,
            clock: self.clock,
            timestamp: Some(now.wall),
            session: token.filter(|token| !token.is_empty()),
            body,
        };
        let call = Call::new(purpose, request.service(), request.encode(), seen, deadline);
        let id = self.calls.add(call);
        self.send(now, id);
        id
    }

    fn send(&mut self, now: Now, id: CallId) {
        let call = self.calls.get_mut(id).expect("only calls in flight are sent");
        let attempt = call.attempt(now.instant, self.options.timing.retry);
        let payload = call.payload.clone();
        self.pulse.asked(now.instant);
        self.out.push_back(Output::Send { call: id, attempt, payload });
    }

    /// The end of a call, whatever it is.
    fn end(&mut self, now: Now, id: CallId, index: Index, outcome: Outcome) {
        let Some(call) = self.calls.remove(id) else { return };
        if self.calls.is_empty() {
            self.pulse.resigned();
        }
        match call.purpose {
            Purpose::Sync => self.synced(now, call.seen, index, outcome),
            Purpose::Asked(request, effect) => {
                if let Outcome::Stored(answer) = &outcome {
                    self.take_effect(now, effect, answer, index);
                }
                let Call { service, seen, .. } = call;
                self.tell(Event::Answered(Answered { request, service, seen, index, outcome }));
                if self.writing == Some(id) {
                    self.writing = None;
                    self.write_next(now);
                }
            }
        }
    }

    fn take_effect(&mut self, now: Now, effect: Effect, answer: &Answer, index: Index) {
        match effect {
            Effect::LogIn { user: asked, saved } => {
                let Answer::Login { user, session } = answer else { return };
                let user = if user.is_empty() { asked } else { user.clone() };
                self.log_in(now, user, session.clone(), saved.unwrap_or_default());
            }
            Effect::Join(channel) => {
                self.note_membership(index);
                self.follow(now, &channel, index);
            }
            Effect::Leave(channel) => {
                self.note_membership(index);
                self.unfollow(&channel);
            }
            Effect::None => {}
        }
    }

    /// What this session has seen is not in this cluster's log, as a servidor says only once a majority has confirmed it: the
    /// position is another cluster's. A login is then made without it; a session that is logged in is no good any more (true).
    fn is_from_elsewhere(&mut self, now: Now, id: CallId) -> bool {
        if self.account.as_ref().is_some_and(|account| account.sync == Some(id)) {
            return true;
        }
        let is_login = self.calls.get_mut(id).is_some_and(|call| call.service == Service::Login);
        if is_login && let Some(call) = self.calls.remove(id) {
            self.log_in_afresh(now, call);
        }
        false
    }

    fn log_in_afresh(&mut self, now: Now, call: Call) {
        let deadline = call.deadline();
        let Purpose::Asked(request, Effect::LogIn { user, saved }) = call.purpose else { return };
        let saved = saved.map(|saved| Saved { token: saved.token, ..Saved::default() });
        let Ok(body) = (Ask::Login { user: user.clone(), saved: None }).body(None) else { return };
        let purpose = Purpose::Asked(request.clone(), Effect::LogIn { user, saved });
        self.writing = Some(self.open(now, purpose, body, Some(request), deadline));
    }

    fn show(&mut self, now: Now, said: Arc<Said>, missed: bool) {
        self.progressed = true;
        let own = said.request_id.as_deref().and_then(|id| self.own.find(id));
        if let Some(request) = &own
            && let Some(id) = self.calls.by_request(request.as_str())
        {
            // Seeing it is as good as being answered.
            let answer = match said.to {
                To::Channel(_) => Answer::Publish,
                To::User(_) => Answer::Message,
            };
            self.end(now, id, said.index, Outcome::Stored(answer));
        }
        self.tell(Event::Message(Shown { said, missed, own }));
    }

    fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Tell(event));
    }
}
