//! Which servidor answers which request, and what a client is told when none does.
//!
//! Every request has exactly one answer, at its deadline at the latest. Between its arrival and that answer it is tried at one
//! servidor, and at another one when the first falls silent, withdraws, asks for it ([`Retry::Elsewhere`]) or takes too long; the
//! payload and the id stay the same, so however many servidores work on it, it takes effect once (P2). The first answer wins.
//!
//! While no servidor has room, requests wait, oldest first. What cannot even wait is refused at once.
//!
//! The dispatcher is pure: messages and the time go in ([`Dispatcher::client`], [`Dispatcher::servidor`],
//! [`Dispatcher::tick`]), messages come out ([`Dispatcher::poll`]). **After each input, poll until there is nothing more, and
//! report what could not be sent ([`Dispatcher::unsent`]); tick at [`Dispatcher::wake_at`], or earlier.**
//!
//! Not done here: it reads no request (only to echo the service's name in a refusal), gives none priority, keeps nothing
//! on disk, and knows nothing of other brokers. A client that reconnects is a new one to it: what it was shown before, it must
//! say itself (`seen`). And what connections were shown outlives the servidores: where their disks are wiped and a new log
//! starts at 1, brokers are to be restarted with them.

mod connections;
mod counters;
mod hearing;
mod links;
mod placing;
mod policy;
mod rate;
mod refusal;
mod reply_path;
mod requests;
mod timers;
mod timing;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use papo_core::clock::{Instant, Now};
use papo_transport::Frames;
use papo_wire::envelope::{Ticket, ToBroker};
use tracing::debug;

pub use counters::{Counters, Dropped, Retry};
pub use policy::Policy;
pub use rate::RateLimit;
pub use refusal::Refusal;

use connections::Connections;
use links::{Links, Standing};
use reply_path::{BadFrames, ReplyPath};
use requests::{Key, Requests, TryState};
use timers::Timers;

/// A request that every servidor refused is tried again after this, and after twice as long each further time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Up to this many doublings.
const MOST_DOUBLINGS: u32 = 3;

/// With servidores about, the dispatcher wants to be woken this often, so that it can tell their silence from its own.
const CADENCE: Duration = Duration::from_millis(100);
/// Standing still for longer than this is a pause of this process.
const PAUSE: Duration = Duration::from_millis(250);

/// A servidor that has been silent for so many deadlines is forgotten.
const FORGET_AFTER_DEADLINES: u32 = 3;

/// Something to send.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// To a client: the one answer to its request.
    Answer {
        /// For the socket of the client side.
        frames: Frames,
        /// How long the client waited, where a servidor answered.
        waited: Option<Duration>,
    },
    /// To a servidor.
    Send {
        /// For the socket of the servidores' side.
        frames: Frames,
        /// What to report where it cannot be sent.
        ticket: Option<Ticket>,
    },
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// There is no such connection any more.
    Gone,
    /// The peer does not read, and its queue is full.
    Full,
}

/// How things stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Requests without an answer.
    pub open: usize,
    /// Of those, requests that wait for a servidor with room.
    pub waiting: usize,
    /// Bytes that open requests hold.
    pub bytes: usize,
    /// Tries that servidores are expected to answer.
    pub in_flight: usize,
    /// Client connections that are remembered.
    pub connections: usize,
    /// Servidores that take requests.
    pub serving: usize,
    /// Servidores that answer what they have.
    pub draining: usize,
    /// Servidores that said they cannot serve.
    pub withdrawn: usize,
    /// Servidores that were heard, and are not any more.
    pub silent: usize,
}

impl Gauges {
    /// Whether any servidor has announced itself here and is still heard.
    pub const fn has_been_found(&self) -> bool {
        self.serving + self.draining + self.withdrawn > 0
    }
}

/// The state machine of the broker. See the module's page.
#[derive(Debug)]
pub struct Dispatcher {
    policy: Policy,
    incarnation: u64,
    connections: Connections,
    links: Links,
    requests: Requests,
    /// Requests for which no servidor has room.
    waiting: BTreeSet<Key>,
    /// Requests that every servidor refused, and when to ask again.
    pausing: BTreeSet<(Instant, Key)>,
    deadlines: Timers<Key>,
    patience: Timers<Ticket>,
    actions: VecDeque<Action>,
    counters: Counters,
    last_tick: Instant,
    stopping: bool,
}

impl Dispatcher {
    /// A dispatcher that knows nobody. `incarnation` is drawn at random for each start: it tells this broker's requests from
    /// those of its predecessors, and of others.
    pub fn new(policy: Policy, incarnation: u64) -> Self {
        Self {
            incarnation,
            connections: Connections::new(),
            links: Links::new(
                policy.silence,
                policy.most_in_flight,
                policy.deadline * FORGET_AFTER_DEADLINES,
            ),
            requests: Requests::new(incarnation),
            waiting: BTreeSet::new(),
            pausing: BTreeSet::new(),
            deadlines: Timers::new(policy.deadline),
            patience: Timers::new(policy.patience),
            actions: VecDeque::new(),
            counters: Counters::default(),
            last_tick: Instant::ZERO,
            stopping: false,
            policy,
        }
    }

    /// Takes a message of the client side: the connection's id, the way back, the payload.
    pub fn client(&mut self, now: Now, frames: Frames) {
        let (path, payload) = match ReplyPath::split(frames) {
            Ok(request) => request,
            Err(BadFrames::Answerable(path)) => return self.refuse(now, path, &[], Refusal::Malformed),
            Err(BadFrames::Nameless) => return self.counters.drop(Dropped::Nameless),
        };
        match self.admit(now.instant, &path, &payload) {
            Ok(()) => self.accept(now.instant, path, payload),
            Err(why) => self.refuse(now, path, &payload, why),
        }
    }

    /// Takes a message of the servidores' side: the connection's id, then an envelope.
    pub fn servidor(&mut self, now: Now, frames: Frames) {
        let mut frames = frames.into_iter();
        let Some(identity) = frames.next() else { return self.counters.drop(Dropped::BadEnvelope) };
        match ToBroker::decode(frames) {
            Ok(ToBroker::Beacon(beacon)) => self.beacon(now, identity, beacon),
            Ok(ToBroker::Answer { ticket, index, payload }) => {
                self.answer(now, &identity, ticket, index, payload);
            }
            Ok(ToBroker::Elsewhere { ticket, ordered }) => self.elsewhere(now, &identity, ticket, ordered),
            Err(error) => {
                debug!(%error, "a servidor sent something that is no envelope");
                self.counters.drop(Dropped::BadEnvelope);
            }
        }
    }

    /// Takes note of the time: what is due is done.
    pub fn tick(&mut self, now: Now) {
        self.notice_own_pause(now.instant);
        self.expire(now);
        for link in self.links.fall_silent(now.instant) {
            self.move_away(now.instant, link, Retry::Silent);
        }
        self.end_pauses(now.instant);
        self.lose_patience(now.instant);
        self.serve_waiting(now.instant);
        self.trim_timers();
    }

    /// Takes note that a message for a servidor was not sent. `ticket` is what came with it.
    pub fn unsent(&mut self, now: Now, ticket: Option<Ticket>, why: Unsent) {
        self.expire(now);
        // A welcome that is not sent is no loss: the next beacon brings another.
        let Some((key, one)) = ticket.and_then(|ticket| self.requests.by_ticket(ticket)) else { return };
        let request = self.requests.get_mut(key).expect("it was found by its ticket");
        request.retract(one.ticket);
        if one.state == TryState::Open {
            self.links.unload(one.link);
            self.counters.retry(Retry::Unsent);
        }
        match why {
            Unsent::Full => self.links.choke(one.link),
            Unsent::Gone if self.links.disconnected(one.link) => {
                self.move_away(now.instant, one.link, Retry::Silent);
            }
            Unsent::Gone => {}
        }
        if one.state == TryState::Open {
            self.place_unless_out(now.instant, key);
        }
    }

    /// Takes note that an answer to a client was not sent.
    pub fn unanswerable(&mut self, why: Unsent) {
        self.counters.drop(match why {
            Unsent::Gone => Dropped::ClientGone,
            Unsent::Full => Dropped::ClientStuck,
        });
    }

    /// The next thing to send; `None` when there is nothing more.
    #[must_use]
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to tick at the latest, if nothing else happens before; `None` is never. Ask again after each input.
    pub fn wake_at(&self) -> Option<Instant> {
        let silence = self.links.next_silence();
        let cadence = silence.map(|_| self.last_tick + CADENCE);
        let pause = self.pausing.first().map(|(end, _)| *end);
        [self.deadlines.next(), self.patience.next(), pause, silence, cadence].into_iter().flatten().min()
    }

    /// From now on refuses what is new; what is open is still to be answered.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Whether new requests are refused.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Whether every request has been answered.
    pub fn is_idle(&self) -> bool {
        self.requests.len() == 0
    }

    /// Answers everything that is open as at its deadline.
    pub fn give_up(&mut self, now: Now) {
        for key in self.requests.keys() {
            self.give_up_on(now, key);
        }
    }

    /// What has happened since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How things stand.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            open: self.requests.len(),
            waiting: self.waiting.len() + self.pausing.len(),
            bytes: self.requests.bytes(),
            in_flight: self.links.in_flight(),
            connections: self.connections.len(),
            serving: self.links.count(Standing::Serving),
            draining: self.links.count(Standing::Draining),
            withdrawn: self.links.count(Standing::Withdrawn),
            silent: self.links.count(Standing::Silent),
        }
    }
}
