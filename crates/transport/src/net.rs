use std::net::SocketAddr;
use std::time::Duration;

use crate::error::{BindError, ConnectError, OpenError, SendError};
use crate::waker::Waker;

/// One message: at least one frame. Frames of a message arrive all or none.
pub type Frames = Vec<Vec<u8>>;

/// How long what is queued may still be sent after [`Net::close`].
pub const CLOSE_LINGER: Duration = Duration::from_secs(1);

/// Names one socket of one [`Net`]. Never used again after the socket is closed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct SocketId(pub(crate) u32);

/// What a socket is for. The names are ZeroMQ's where ZeroMQ has one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Talks to many peers by routing id. What it receives begins with the sender's id as an extra frame;
    /// what it sends begins with the receiver's. An id is good for one connection.
    ///
    /// A request of a [`Kind::Request`] arrives as `[id, correlation, "", body..]`, one of a plain REQ client
    /// as `[id, "", body..]`: the answer repeats every frame up to the empty one. An answer that does not is
    /// dropped and, in libzmq, ends the asker's link for good.
    Router,
    /// Sends to its connected peers in turn. Takes nothing while no peer is connected ([`SendError::Full`]),
    /// and what is queued for a peer that goes away is dropped, never delivered late. So may be what has
    /// arrived from it and was not received yet.
    Dealer,
    /// Asks and awaits one answer. A new request may be sent at any time and abandons the one before
    /// (`REQ_RELAXED`); an answer to an abandoned request is dropped (`REQ_CORRELATE`). Frames hold the body
    /// only. Unlike a dealer it queues for a peer that is not connected yet.
    Request,
    /// Answers: each message received must be answered by one sent before the next is received. Frames hold
    /// the body only.
    Reply,
    /// Sends to whoever subscribed to a beginning of the first frame. Never [`SendError::Full`]: a subscriber
    /// whose queue is full misses the message, and so may one whose connection is down (libzmq keeps a queue
    /// of messages for an address it has *connected* to, and delivers them late).
    Publish,
    /// Receives what its subscriptions match.
    Subscribe,
    /// The proxy's side towards publishers: subscribed to everything.
    ProxyIn,
    /// The proxy's side towards subscribers. It only listens.
    ///
    /// A peer that subscribes is received as `[1 + topic]`, one frame, and gets nothing unless
    /// [`Net::subscribe`] accepts a topic for it directly afterwards; saying nothing refuses. When an
    /// accepted topic is cancelled, or its peer goes away, that is received as `[0 + topic]`; the topic is no
    /// longer accepted by then.
    ///
    /// A topic matches the whole first frame of a message, not a beginning of it. A subscriber whose queue is
    /// full misses the message.
    ProxyOut,
}

/// Bounds of one socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// The longest frame accepted from peers that connect to a bound address, in bytes. A peer that sends a
    /// longer one is disconnected, and the message is gone: nobody is told, neither the owner of the socket nor the peer, since
    /// libzmq reports such an end like any other. So whoever wants to *answer* that something is too long makes this larger
    /// than what it takes, and `receive_queue` accordingly smaller.
    pub max_message: usize,
    /// Messages queued per peer for sending.
    pub send_queue: usize,
    /// Messages queued per peer for receiving.
    pub receive_queue: usize,
}

impl Default for SocketOptions {
    /// 1 MiB, 1000, 1000.
    fn default() -> Self {
        Self { max_message: 1 << 20, send_queue: 1000, receive_queue: 1000 }
    }
}

/// Who listens at a [`Kind::ProxyOut`], and how well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Subscribers that are connected.
    pub subscribers: usize,
    /// Topics that are accepted, counted for each subscriber.
    pub subscriptions: usize,
    /// Messages that a subscriber missed for want of room, counted for each subscriber, since the socket was opened.
    pub missed: u64,
    /// Bytes of messages that wait for subscribers to read them, counted for each subscriber. Those that get the same message share
    /// it, so this is the most that is held, and one subscriber that stopped reading shows in full.
    pub held_bytes: usize,
    /// What subscribers sent that meant nothing: messages that were ignored, and breaches that ended the connection.
    pub garbage: u64,
}

/// What one thread does with its sockets.
///
/// Nothing blocks except [`Net::wait`]. Addresses are numeric: names are [`crate::Resolver`]'s. A
/// [`SocketId`] whose socket was closed is not an error for methods that return nothing: they do nothing.
pub trait Net {
    /// Makes a socket.
    ///
    /// # Errors
    /// The process has no room for another, or the system refuses.
    fn open(&mut self, kind: Kind, options: &SocketOptions) -> Result<SocketId, OpenError>;

    /// Listens. Returns the real address: port 0 becomes a free port.
    ///
    /// # Errors
    /// Each reason by its name; [`BindError::InUse`] is the one that happens.
    fn bind(&mut self, socket: SocketId, address: SocketAddr) -> Result<SocketAddr, BindError>;

    /// Connects in the background, again and again while nobody listens there. Connecting twice to one
    /// address is connecting once.
    ///
    /// A peer that breaks the protocol (speaks another one, or another security mechanism) makes libzmq give
    /// the link up for good, without a word. So whoever hears nothing on a link does not wait for it but
    /// makes it again: [`crate::Links::reopen`], [`crate::FanOut::reopen`], or disconnect and connect.
    ///
    /// # Errors
    /// The address can never be connected to.
    fn connect(&mut self, socket: SocketId, address: SocketAddr) -> Result<(), ConnectError>;

    /// Ends a connection made by [`Net::connect`]. What is queued for it may be lost.
    fn disconnect(&mut self, socket: SocketId, address: SocketAddr);

    /// Closes a socket; what is queued may still leave within [`CLOSE_LINGER`].
    fn close(&mut self, socket: SocketId) {
        self.close_after(socket, CLOSE_LINGER);
    }

    /// Closes a socket; what is queued may still leave within `linger`, in the background. A port it listened
    /// on is free again soon after, not at once.
    fn close_after(&mut self, socket: SocketId, linger: Duration);

    /// [`Kind::Subscribe`]: starts receiving what begins with `topic`. [`Kind::ProxyOut`]: accepts `topic`
    /// for the peer whose subscription was received last, unless it has gone. Nothing on other kinds.
    fn subscribe(&mut self, socket: SocketId, topic: &[u8]);

    /// Undoes [`Net::subscribe`]; on a [`Kind::ProxyOut`], for the peer whose subscription was received last.
    fn unsubscribe(&mut self, socket: SocketId, topic: &[u8]);

    /// Queues a message. All of it is taken or nothing.
    ///
    /// # Errors
    /// See [`SendError`]; the kinds' own rules are at [`Kind`].
    fn send(&mut self, socket: SocketId, frames: Frames) -> Result<(), SendError>;

    /// The next message, or `None`: nothing there now.
    fn receive(&mut self, socket: SocketId) -> Option<Frames>;

    /// Who listens; nobody on other kinds than [`Kind::ProxyOut`], and in nets that do not count.
    fn audience(&self, _: SocketId) -> Audience {
        Audience::default()
    }

    /// Blocks until some socket is readable, the waker was used, or `timeout` (`None`: for ever) has passed.
    /// `ready` is cleared first and then names the readable sockets.
    ///
    /// Readiness is level-triggered: a socket with messages left is named again by the next call. It may be
    /// spurious: [`Net::receive`] then says `None`.
    fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<SocketId>);

    /// Lets other threads end this net's current or next [`Net::wait`].
    fn waker(&self) -> Waker;
}
