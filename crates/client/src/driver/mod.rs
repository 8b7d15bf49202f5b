//! The thread that owns the sockets and the sessions, and moves things between them.
//!
//! All sessions share one socket per broker and one subscription socket; an answer finds its call by the eight bytes that a
//! REQ socket would use for its own correlation: the session and the call.
//!
//! **One turn: wait; take in what has come; do what is ordered; call the sessions that are due; carry out what they want.**
//! What has come is taken in before the clock is looked at, so that after a stall (an application that did not take its
//! events) no request is given up whose answer is there already.

mod agenda;
mod brokers;
mod feed;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, SystemTime};

use papo_core::chat::Delivery;
use papo_core::clock::{Instant, Now, WallTime};
use papo_transport::{Frames, Net, OpenError, Resolver, SocketId, TargetId};
use papo_wire::publication::Publication;
use papo_wire::reply::Reply;

use self::agenda::Agenda;
use self::brokers::Brokers;
use self::feed::Feed;
use crate::session::{CallId, Output, Session};
use crate::{Ask, ClientSettings, Event, RequestId, SessionId, SessionOptions};

/// How many messages one socket may bring before the others have their turn.
const TURN: usize = 1000;
/// How often links are looked after.
const CARE: Duration = Duration::from_secs(1);

/// What a [`crate::Handle`] wants.
#[derive(Debug)]
pub(crate) enum Command {
    Open(SessionId, SessionOptions),
    Ask { session: SessionId, request: RequestId, ask: Ask, patience: Option<Duration> },
    Close(SessionId),
    Stop,
}

/// A session, and the way to a broker that it uses.
struct Seat {
    session: Session,
    way: usize,
}

/// Why the driver ends: somebody wants it to, or nobody listens any more.
struct Ended;

pub(crate) struct Driver<N> {
    net: N,
    resolver: Resolver,
    broker_names: Vec<TargetId>,
    brokers: Brokers,
    feed: Feed,
    seats: BTreeMap<SessionId, Seat>,
    agenda: Agenda,
    care: Instant,
    started: std::time::Instant,
    orders: Receiver<Command>,
    events: SyncSender<(SessionId, Event)>,
}

impl<N: Net> Driver<N> {
    pub(crate) fn new(
        mut net: N,
        mut resolver: Resolver,
        settings: &ClientSettings,
        orders: Receiver<Command>,
        events: SyncSender<(SessionId, Event)>,
    ) -> Result<Self, OpenError> {
        let feed = Feed::open(&mut net)?;
        let broker_names = settings.brokers.iter().map(|name| resolver.watch(name)).collect();
        for name in &settings.proxies {
            resolver.watch(name);
        }
        Ok(Self {
            net,
            resolver,
            broker_names,
            brokers: Brokers::new(),
            feed,
            seats: BTreeMap::new(),
            agenda: Agenda::default(),
            care: Instant::ZERO,
            started: std::time::Instant::now(),
            orders,
            events,
        })
    }

    /// Runs until [`Command::Stop`], or until nobody takes the events.
    pub(crate) fn run(mut self) {
        let mut ready = Vec::new();
        while self.turn(&mut ready).is_ok() {}
    }

    fn turn(&mut self, ready: &mut Vec<SocketId>) -> Result<(), Ended> {
        let next = self.agenda.next().map_or(self.care, |at| at.min(self.care));
        self.net.wait(Some(next.since(self.now().instant)), ready);
        self.follow_addresses()?;
        for socket in ready.iter() {
            self.receive(*socket)?;
        }
        self.obey()?;
        self.keep_time()
    }

    fn follow_addresses(&mut self) -> Result<(), Ended> {
        for change in self.resolver.changes() {
            if self.broker_names.contains(&change.target) {
                self.brokers.follow(&mut self.net, &change);
                continue;
            }
            self.feed.follow(&mut self.net, &change);
            let now = self.now();
            let all: Vec<SessionId> = self.seats.keys().copied().collect();
            for id in all {
                self.with(id, |session| session.paths_changed(now))?;
            }
        }
        Ok(())
    }

    fn receive(&mut self, socket: SocketId) -> Result<(), Ended> {
        for _ in 0..TURN {
            let Some(frames) = self.net.receive(socket) else { return Ok(()) };
            if socket == self.feed.socket() {
                self.deliver(&frames)?;
            } else if self.brokers.is_link(socket) {
                self.brokers.heard(socket);
                self.take_answer(&frames)?;
            }
        }
        Ok(())
    }

    fn deliver(&mut self, frames: &Frames) -> Result<(), Ended> {
        let now = self.now();
        let Some((publication, followers)) = self.feed.read(frames) else { return Ok(()) };
        let followers = followers.to_vec();
        match publication {
            Publication::Said(Delivery { said, previous }) => {
                let said = Arc::new(said);
                for id in followers {
                    self.with(id, |session| session.delivered(now, &said, previous))?;
                }
            }
            Publication::Tip(tip) => {
                for id in followers {
                    self.with(id, |session| session.tip(now, &tip))?;
                }
            }
            Publication::Coordinator(_) => {}
        }
        Ok(())
    }

    fn take_answer(&mut self, frames: &Frames) -> Result<(), Ended> {
        let [correlation, delimiter, payload] = frames.as_slice() else {
            tracing::debug!(frames = frames.len(), "not an answer");
            return Ok(());
        };
        let Some((id, call)) = split(correlation).filter(|_| delimiter.is_empty()) else { return Ok(()) };
        match Reply::decode(payload) {
            Ok(reply) => {
                let now = self.now();
                self.with(id, |session| session.answered(now, call, reply))
            }
            Err(error) => {
                // The call will be sent again, and perhaps to somebody who answers better.
                tracing::debug!(%error, "not an answer");
                Ok(())
            }
        }
    }

    fn obey(&mut self) -> Result<(), Ended> {
        loop {
            match self.orders.try_recv() {
                Ok(Command::Open(id, options)) => {
                    // Sessions begin at different brokers.
                    let seat = Seat { session: Session::new(options), way: id.0 as usize };
                    self.seats.insert(id, seat);
                }
                Ok(Command::Ask { session, request, ask, patience }) => {
                    let now = self.now();
                    self.with(session, |session| session.ask(now, request, ask, patience))?;
                }
                Ok(Command::Close(id)) => {
                    self.seats.remove(&id);
                    self.agenda.set(id, None);
                    self.feed.forget(&mut self.net, id);
                }
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return Err(Ended),
                Err(TryRecvError::Empty) => return Ok(()),
            }
        }
    }

    fn keep_time(&mut self) -> Result<(), Ended> {
        let now = self.now();
        if self.care <= now.instant {
            self.care = now.instant + CARE;
            self.brokers.repair(&mut self.net, now.instant);
        }
        while let Some(id) = self.agenda.take_due(now.instant) {
            self.with(id, |session| session.elapsed(now))?;
        }
        Ok(())
    }

    /// Does something with a session, carries out what it then wants, and notes when it wants to be called.
    fn with(&mut self, id: SessionId, act: impl FnOnce(&mut Session)) -> Result<(), Ended> {
        let Some(seat) = self.seats.get_mut(&id) else { return Ok(()) };
        act(&mut seat.session);
        while let Some(output) = self.seats.get_mut(&id).and_then(|seat| seat.session.poll()) {
            match output {
                Output::Send { call, attempt, payload } => self.send(id, call, attempt, payload),
                Output::Subscribe(to) => self.feed.subscribe(&mut self.net, id, &to),
                Output::Unsubscribe(to) => self.feed.unsubscribe(&mut self.net, id, &to),
                Output::Deaf => {
                    let now = self.now().instant;
                    self.feed.reopen(&mut self.net, now);
                }
                Output::Tell(event) => self.events.send((id, event)).map_err(|_| Ended)?,
            }
        }
        let next = self.seats.get(&id).and_then(|seat| seat.session.next_deadline());
        self.agenda.set(id, next);
        Ok(())
    }

    fn send(&mut self, id: SessionId, call: CallId, attempt: u32, payload: Vec<u8>) {
        let now = self.now();
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let way = if attempt > 1 { seat.way.wrapping_add(1) } else { seat.way };
        let frames = vec![correlation(id, call), Vec::new(), payload];
        match self.brokers.send(&mut self.net, now.instant, way, &frames) {
            Some(taken) => seat.way = taken,
            None => seat.session.not_sent(now, call),
        }
    }

    fn now(&self) -> Now {
        let elapsed = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // Not zero: that is "never".
        let instant = Instant::from_nanos(elapsed.saturating_add(1));
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now { instant, wall: WallTime::EPOCH.plus(wall) }
    }
}

fn correlation(SessionId(session): SessionId, CallId(call): CallId) -> Vec<u8> {
    [session.to_le_bytes(), call.to_le_bytes()].concat()
}

fn split(correlation: &[u8]) -> Option<(SessionId, CallId)> {
    let (session, call) = correlation.split_at_checked(4)?;
    let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).ok();
    Some((SessionId(number(session)?), CallId(number(call)?)))
}
