//! One socket towards any number of subscribers: a topic is accepted for one peer at a time, and a message goes to whoever has
//! exactly its first frame accepted.
//!
//! Each peer has a bounded queue of its own. A message is encoded once and shared by all queues; a peer whose queue is full misses
//! it, and one that has not taken anything for long is disconnected by the system's own limit. So a slow subscriber costs a queue,
//! and holds up nobody. Nothing blocks: sockets are polled, and what a peer sends is read in turns, so much at a time.
//!
//! Not done: what a peer missed is not sent later, nor is the peer told; how *many* may connect is for the system's limit on open
//! files; and the bound on a queue is one of messages, not of bytes ([`Audience::held_bytes`] tells those).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use tracing::{debug, warn};

use super::curve::Curve;
use super::mechanism::Mechanism;
use super::peer::Peer;
use super::session::{Session, Sign};
use crate::error::SendError;
use crate::net::{Audience, Frames, SocketOptions};

/// A peer that has not finished its handshake by then is disconnected.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long to wait before accepting again when the process has no file left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Subscriptions read ahead of the owner. Beyond it peers are left unread, and TCP slows them down.
const MAX_NOTICES: usize = 10_000;
/// Topics one peer may have accepted.
const MAX_TOPICS: usize = 10_000;
/// Bytes read from one peer before the others get their turn.
const READ_BUDGET: usize = 64 * 1024;
/// Messages sent before they are handed to the system without waiting for the next drive.
const FLUSH_AFTER: usize = 64;
/// Tokens below are listeners'.
const FIRST_PEER: usize = 1 << 16;

/// A socket that publishes to subscribers whose every subscription was accepted by the owner.
///
/// It does its work in [`Publisher::drive`], called when [`Publisher::fd`] is readable and when
/// [`Publisher::is_due`].
pub(crate) struct Publisher {
    options: SocketOptions,
    poll: Poll,
    events: Events,
    listeners: Vec<Listener>,
    peers: HashMap<Token, Peer>,
    next_peer: usize,
    /// Who gets what. In order, so that fan-out is the same every time.
    topics: HashMap<Vec<u8>, BTreeSet<Token>>,
    notices: VecDeque<Notice>,
    /// Whose subscription or cancellation was received last.
    current: Option<Token>,
    /// Peers with something queued and room for it.
    unflushed: Vec<Token>,
    /// Messages sent since the last flush.
    unflushed_messages: usize,
    /// Peers that may have more to read although they will not be announced again.
    unread: Vec<Token>,
    /// Ascending by time.
    handshakes: VecDeque<(Instant, Token)>,
    accept_at: Option<Instant>,
    /// Whether that has been said.
    accept_failed: bool,
    /// Topics accepted, of all peers.
    subscriptions: usize,
    missed: u64,
    garbage: u64,
}

struct Listener {
    socket: TcpListener,
    secret: Option<[u8; 32]>,
}

enum Notice {
    Subscribe(Token, Vec<u8>),
    Cancel(Token, Vec<u8>),
    /// A peer that had this topic went away.
    Gone(Vec<u8>),
}

impl Publisher {
    pub(crate) fn new(options: SocketOptions) -> io::Result<Self> {
        Ok(Self {
            options,
            poll: Poll::new()?,
            events: Events::with_capacity(256),
            listeners: Vec::new(),
            peers: HashMap::new(),
            next_peer: FIRST_PEER,
            topics: HashMap::new(),
            notices: VecDeque::new(),
            current: None,
            unflushed: Vec::new(),
            unflushed_messages: 0,
            unread: Vec::new(),
            handshakes: VecDeque::new(),
            accept_at: None,
            accept_failed: false,
            subscriptions: 0,
            missed: 0,
            garbage: 0,
        })
    }

    /// Listens; with the system's secret key, for CURVE only, and otherwise in the clear only.
    pub(crate) fn bind(&mut self, address: SocketAddr, secret: Option<[u8; 32]>) -> io::Result<SocketAddr> {
        let mut socket = TcpListener::bind(address)?;
        let bound = socket.local_addr()?;
        let token = Token(self.listeners.len());
        assert!(token.0 < FIRST_PEER, "a socket listens on a few addresses");
        self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
        self.listeners.push(Listener { socket, secret });
        Ok(bound)
    }

    /// Readable when there is something to drive.
    pub(crate) fn fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }

    /// When to drive next at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let handshake = self.handshakes.front().map(|(due, _)| *due);
        [handshake, self.accept_at].into_iter().flatten().min()
    }

    /// Whether to drive without waiting for the descriptor.
    pub(crate) fn is_due(&self) -> bool {
        let unread = !self.unread.is_empty() && self.notices.len() < MAX_NOTICES;
        unread || self.deadline().is_some_and(|due| due <= Instant::now())
    }

    /// Whether [`Publisher::receive`] may have something.
    pub(crate) fn has_input(&self) -> bool {
        !self.notices.is_empty()
    }

    /// Does what can be done without blocking.
    pub(crate) fn drive(&mut self) {
        if let Err(error) = self.poll.poll(&mut self.events, Some(Duration::ZERO))
            && error.kind() != io::ErrorKind::Interrupted
        {
            warn!(%error, "cannot poll subscribers");
        }
        let now = Instant::now();
        let mut accept = self.accept_at.is_some_and(|due| due <= now);
        let mut readable = std::mem::take(&mut self.unread);
        for event in &self.events {
            match self.peers.get_mut(&event.token()) {
                None => accept |= event.token().0 < FIRST_PEER,
                Some(peer) => {
                    if event.is_writable() && peer.unblock() {
                        self.unflushed.push(event.token());
                    }
                    if event.is_readable() {
                        readable.push(event.token());
                    }
                }
            }
        }
        if accept {
            self.accept(now);
        }
        for token in readable {
            self.read(token);
        }
        self.expire_handshakes(now);
        self.flush();
    }

    /// The next subscription or cancellation.
    pub(crate) fn receive(&mut self) -> Option<Frames> {
        while let Some(notice) = self.notices.pop_front() {
            let (sign, topic) = match notice {
                Notice::Subscribe(token, topic) if self.peers.contains_key(&token) => {
                    self.current = Some(token);
                    (1, topic)
                }
                Notice::Cancel(token, topic) if self.remove(token, &topic) => {
                    self.current = Some(token);
                    (0, topic)
                }
                Notice::Gone(topic) => {
                    self.current = None;
                    (0, topic)
                }
                Notice::Subscribe(..) | Notice::Cancel(..) => continue,
            };
            return Some(vec![[&[sign], topic.as_slice()].concat()]);
        }
        None
    }

    /// Accepts a topic for the peer whose subscription was received last, if it is still there.
    pub(crate) fn accept_topic(&mut self, topic: &[u8]) {
        let Some(token) = self.current else { return };
        let Some(peer) = self.peers.get_mut(&token) else { return };
        if peer.topics.len() >= MAX_TOPICS {
            debug!(peer = %peer.address, "has as many subscriptions as it may have");
            return;
        }
        self.subscriptions += usize::from(peer.topics.insert(topic.to_vec()));
        self.topics.entry(topic.to_vec()).or_default().insert(token);
    }

    /// Takes back what was accepted for the peer whose message was received last.
    pub(crate) fn remove_topic(&mut self, topic: &[u8]) {
        if let Some(token) = self.current {
            self.remove(token, topic);
        }
    }

    /// Queues a message for everyone whose subscription to exactly its first frame was accepted. Who has no
    /// room misses it.
    pub(crate) fn send(&mut self, frames: &Frames) -> Result<(), SendError> {
        let topic = frames.first().ok_or(SendError::Unroutable)?;
        let Some(tokens) = self.topics.get(topic) else { return Ok(()) };
        let mut plain: Option<Arc<[u8]>> = None;
        for token in tokens {
            let peer = self.peers.get_mut(token).expect("a topic names connected peers only");
            if !peer.has_room(self.options.send_queue) {
                self.missed += 1;
                continue;
            }
            let bytes = if peer.session.is_plain() {
                Arc::clone(plain.get_or_insert_with(|| peer.session.encode(frames).into()))
            } else {
                peer.session.encode(frames).into()
            };
            if peer.queue(bytes) {
                self.unflushed.push(*token);
            }
        }
        self.unflushed_messages += 1;
        if self.unflushed_messages >= FLUSH_AFTER {
            self.flush();
        }
        Ok(())
    }

    /// Who listens, and how well.
    pub(crate) fn audience(&self) -> Audience {
        Audience {
            subscribers: self.peers.values().filter(|peer| peer.session.is_open()).count(),
            subscriptions: self.subscriptions,
            missed: self.missed,
            held_bytes: self.peers.values().map(Peer::held_bytes).sum(),
            garbage: self.garbage,
        }
    }

    /// Sends what is queued, as far as it goes.
    pub(crate) fn flush(&mut self) {
        self.unflushed_messages = 0;
        while let Some(token) = self.unflushed.pop() {
            let Some(peer) = self.peers.get_mut(&token) else { continue };
            if let Err(error) = peer.flush() {
                self.drop_peer(token, &error);
            }
        }
    }

    fn accept(&mut self, now: Instant) {
        self.accept_at = None;
        for at in 0..self.listeners.len() {
            loop {
                match self.listeners[at].socket.accept() {
                    Ok((stream, address)) => {
                        self.accept_failed = false;
                        self.admit(stream, address, self.listeners[at].secret, now);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if is_transient(&error) => {}
                    Err(error) => {
                        if !std::mem::replace(&mut self.accept_failed, true) {
                            warn!(%error, "cannot accept a subscriber; will keep trying");
                        }
                        self.accept_at = Some(now + ACCEPT_PAUSE);
                        break;
                    }
                }
            }
        }
    }

    fn admit(&mut self, mut stream: TcpStream, address: SocketAddr, secret: Option<[u8; 32]>, now: Instant) {
        let mechanism =
            secret.map_or(Mechanism::Null, |secret| Mechanism::Curve(Box::new(Curve::new(secret))));
        let session = Session::new(mechanism, self.options.max_message);
        let token = Token(self.next_peer);
        self.next_peer += 1;
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut stream, token, both) {
            warn!(%error, "cannot follow a subscriber");
            return;
        }
        let greeting = session.greeting();
        let mut peer = Peer::new(stream, address, session);
        if peer.queue(greeting.into()) {
            self.unflushed.push(token);
        }
        self.peers.insert(token, peer);
        self.handshakes.push_back((now + HANDSHAKE, token));
    }

    fn read(&mut self, token: Token) {
        let mut buffer = [0; 4096];
        let mut budget = READ_BUDGET;
        while let Some(peer) = self.peers.get_mut(&token) {
            if budget == 0 || self.notices.len() >= MAX_NOTICES {
                self.unread.push(token);
                return;
            }
            match peer.stream.read(&mut buffer) {
                Ok(0) => self.drop_peer(token, &"closed"),
                Ok(read) => {
                    budget = budget.saturating_sub(read);
                    self.take(token, &buffer[..read]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.drop_peer(token, &error),
            }
        }
    }

    fn take(&mut self, token: Token, bytes: &[u8]) {
        let Some(peer) = self.peers.get_mut(&token) else { return };
        let mut signs = Vec::new();
        let result = peer.session.input(bytes, &mut signs);
        self.garbage += peer.session.take_ignored();
        for sign in signs {
            match sign {
                Sign::Opened => debug!(peer = %peer.address, "subscriber connected"),
                Sign::Subscribe(topic) => self.notices.push_back(Notice::Subscribe(token, topic)),
                Sign::Cancel(topic) => self.notices.push_back(Notice::Cancel(token, topic)),
                Sign::Send(bytes) => {
                    if !peer.has_room(self.options.send_queue) {
                        self.garbage += 1;
                        return self.drop_peer(token, &"asks without reading the answers");
                    }
                    if peer.queue(bytes.into()) {
                        self.unflushed.push(token);
                    }
                }
            }
        }
        if let Err(violation) = result {
            self.garbage += 1;
            self.drop_peer(token, &violation);
        }
    }

    fn expire_handshakes(&mut self, now: Instant) {
        while let Some((_, token)) = self.handshakes.pop_front_if(|(due, _)| *due <= now) {
            if self.peers.get(&token).is_some_and(|peer| !peer.session.is_open()) {
                self.drop_peer(token, &"no handshake in time");
            }
        }
    }

    fn drop_peer(&mut self, token: Token, reason: &dyn std::fmt::Display) {
        let Some(mut peer) = self.peers.remove(&token) else { return };
        debug!(peer = %peer.address, %reason, "subscriber disconnected");
        // Dropping the stream would do; mio wants to be told.
        let _ = self.poll.registry().deregister(&mut peer.stream);
        for topic in peer.topics {
            self.unindex(token, &topic);
            self.notices.push_back(Notice::Gone(topic));
        }
    }

    fn remove(&mut self, token: Token, topic: &[u8]) -> bool {
        let had = self.peers.get_mut(&token).is_some_and(|peer| peer.topics.remove(topic));
        if had {
            self.unindex(token, topic);
        }
        had
    }

    fn unindex(&mut self, token: Token, topic: &[u8]) {
        self.subscriptions -= 1;
        if let Some(tokens) = self.topics.get_mut(topic) {
            tokens.remove(&token);
            if tokens.is_empty() {
                self.topics.remove(topic);
            }
        }
    }
}

/// Errors of one connection that went away while it waited to be accepted.
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
