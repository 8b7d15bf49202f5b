//! The way of a request, from its arrival until somebody works on it, or nobody can.

use papo_core::clock::{Instant, Now};
use papo_wire::envelope::{Dispatch, ToServidor};
use tracing::debug;

use super::links::{LinkId, Room};
use super::refusal::{self, Refusal};
use super::reply_path::ReplyPath;
use super::requests::{Key, MOST_REQUESTS, Request};
use super::{Action, Dispatcher, FIRST_PAUSE, MOST_DOUBLINGS};

impl Dispatcher {
    pub(super) fn admit(&mut self, now: Instant, path: &ReplyPath, payload: &[u8]) -> Result<(), Refusal> {
        if !self.connections.admit(now, path.connection(), self.policy.rate) {
            return Err(Refusal::TooFast);
        }
        if payload.len() > self.policy.most_payload {
            return Err(Refusal::TooLarge);
        }
        if self.stopping {
            return Err(Refusal::Stopping);
        }
        let full = self.waiting.len() + self.pausing.len() >= self.policy.most_waiting
            || self.requests.bytes() + payload.len() > self.policy.most_bytes
            || self.requests.len() >= MOST_REQUESTS;
        if full { Err(Refusal::Overloaded) } else { Ok(()) }
    }

    pub(super) fn accept(&mut self, now: Instant, path: ReplyPath, payload: Vec<u8>) {
        let key = self.requests.open(now, path, payload);
        self.deadlines.set(now, key);
        self.place(now, key);
    }

    /// Sends a request that nobody works on to whose turn it is, or lets it wait.
    pub(super) fn place(&mut self, now: Instant, key: Key) {
        let request = self.requests.get(key).expect("only open requests are placed");
        match self.links.choose(now, Room::Any, |link| request.excludes(link)) {
            Some(link) => self.send(now, key, link),
            None if request.was_refused() => {
                let pause = FIRST_PAUSE * 2u32.pow(request.rounds.min(MOST_DOUBLINGS));
                self.pausing.insert((now + pause, key));
            }
            None => {
                self.waiting.insert(key);
            }
        }
    }

    pub(super) fn place_unless_out(&mut self, now: Instant, key: Key) {
        if self.requests.get(key).is_some_and(|request| !request.is_out()) {
            self.place(now, key);
        }
    }

    pub(super) fn send(&mut self, now: Instant, key: Key, link: LinkId) {
        let ticket = self.requests.attempt(key, link);
        self.links.load(link);
        self.patience.set(now, ticket);
        let request = self.requests.get(key).expect("it was just tried");
        let left = (request.arrived + self.policy.deadline).since(now);
        let dispatch = Dispatch {
            ticket,
            incarnation: self.incarnation,
            counter: key.counter,
            seen: self.connections.seen(request.path.connection()),
            deadline_ms: u32::try_from(left.as_millis()).unwrap_or(u32::MAX),
        };
        let identity = self.links.identity(link).expect("it was just chosen");
        let mut frames = Vec::with_capacity(3);
        frames.push(identity.to_vec());
        ToServidor::Dispatch { dispatch, payload: request.payload.clone() }.append_to(&mut frames);
        self.actions.push_back(Action::Send { frames, ticket: Some(ticket) });
    }

    /// Room has appeared: requests that wait get it, oldest first.
    pub(super) fn serve_waiting(&mut self, now: Instant) {
        while let Some(key) = self.waiting.first().copied() {
            // Those that wait exclude nobody: where the first finds no room, no other does.
            let Some(link) = self.links.choose(now, Room::Any, |_| false) else { return };
            self.waiting.remove(&key);
            self.send(now, key, link);
        }
    }

    pub(super) fn close(&mut self, key: Key) -> Option<Request> {
        let request = self.requests.close(key)?;
        self.waiting.remove(&key);
        for link in request.open_links() {
            self.links.unload(link);
        }
        Some(request)
    }

    pub(super) fn give_up_on(&mut self, now: Now, key: Key) {
        let Some(request) = self.close(key) else { return };
        let writes = refusal::may_write(&request.payload);
        let why = if writes && request.may_be_ordered() { Refusal::Unknown } else { Refusal::Unavailable };
        self.refuse(now, request.path, &request.payload, why);
    }

    pub(super) fn refuse(&mut self, now: Now, path: ReplyPath, payload: &[u8], why: Refusal) {
        debug!(reason = why.as_str(), "refused a request");
        self.counters.refuse(why);
        let frames = path.answer(why.reply(payload, now.wall));
        self.actions.push_back(Action::Answer { frames, waited: None });
    }
}
