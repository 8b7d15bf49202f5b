use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::error;
use zmq::POLLIN;

use super::context::ZmqContext;
use super::keys::CurveKeys;
use super::options;
use super::signal::Signal;
use super::socket::Socket;
use crate::error::{BindError, ConnectError, OpenError, SendError};
use crate::net::{Audience, Frames, Kind, Net, SocketId, SocketOptions};
use crate::waker::Waker;
use crate::zmtp::Publisher;

/// ZeroMQ sockets of one thread.
///
/// The wait polls the descriptors of all sockets with one system call, and asks a socket itself only when its
/// descriptor says so or when it was used since it was last asked.
pub struct ZmqNet {
    context: zmq::Context,
    keys: Option<Arc<CurveKeys>>,
    signal: Signal,
    /// Ascending by id.
    slots: Vec<Slot>,
    next: u32,
    message: zmq::Message,
}

struct Slot {
    id: SocketId,
    socket: Either,
}

enum Either {
    Libzmq(Socket),
    ProxyOut(Box<Publisher>),
}

impl ZmqNet {
    /// A net without sockets.
    ///
    /// # Errors
    /// The process has as many open files as it may have.
    pub fn new(context: &ZmqContext) -> Result<Self, OpenError> {
        Ok(Self {
            context: context.context.clone(),
            keys: context.keys.clone(),
            signal: Signal::new().map_err(OpenError::from)?,
            slots: Vec::new(),
            next: 0,
            message: zmq::Message::new(),
        })
    }

    fn socket(&mut self, id: SocketId) -> Option<&mut Either> {
        let at = self.position(id)?;
        Some(&mut self.slots[at].socket)
    }

    fn position(&self, id: SocketId) -> Option<usize> {
        self.slots.binary_search_by_key(&id, |slot| slot.id).ok()
    }

    /// Asks the sockets that may be readable without their descriptors saying so.
    fn check_used(&mut self, ready: &mut Vec<SocketId>) {
        for slot in &mut self.slots {
            if slot.socket.settle() {
                ready.push(slot.id);
            }
        }
    }

    /// Polls all descriptors once; true when the waker was used.
    fn poll(&mut self, timeout: i64, ready: &mut Vec<SocketId>) -> bool {
        let mut items = Vec::with_capacity(self.slots.len() + 1);
        items.push(zmq::PollItem::from_fd(self.signal.fd(), POLLIN));
        items.extend(self.slots.iter().map(|slot| zmq::PollItem::from_fd(slot.socket.fd(), POLLIN)));
        match zmq::poll(&mut items, timeout) {
            Ok(0) | Err(zmq::Error::EINTR) => return false,
            Ok(_) => {}
            Err(error) => error!(%error, "poll failed"),
        }
        for (slot, item) in self.slots.iter_mut().zip(&items[1..]) {
            if item.is_readable() && !ready.contains(&slot.id) && slot.socket.has_input() {
                ready.push(slot.id);
            }
        }
        let woken = items[0].is_readable();
        if woken {
            self.signal.clear();
        }
        woken
    }

    /// When a socket has something to do that no descriptor announces.
    fn own_deadline(&self) -> Option<Instant> {
        let deadlines = self.slots.iter().filter_map(|slot| match &slot.socket {
            Either::Libzmq(_) => None,
            Either::ProxyOut(publisher) => publisher.deadline(),
        });
        deadlines.min()
    }
}

impl Net for ZmqNet {
    fn open(&mut self, kind: Kind, options: &SocketOptions) -> Result<SocketId, OpenError> {
        let socket = match options::zmq_type(kind) {
            None => Either::ProxyOut(Box::new(Publisher::new(options.clone())?)),
            Some(zmq_type) => {
                let socket = self.context.socket(zmq_type).map_err(open_error)?;
                Either::Libzmq(Socket::new(socket, kind, options).map_err(open_error)?)
            }
        };
        let id = SocketId(self.next);
        self.next += 1;
        self.slots.push(Slot { id, socket });
        Ok(id)
    }

    fn bind(&mut self, socket: SocketId, address: SocketAddr) -> Result<SocketAddr, BindError> {
        let keys = self.keys.clone();
        let socket = self.socket(socket).ok_or(BindError::Closed(address))?;
        let curve = match keys.as_deref() {
            None => None,
            Some(keys) => Some((keys, keys.system_secret().ok_or(BindError::NoSecretKey(address))?)),
        };
        let bound = match socket {
            Either::Libzmq(socket) => socket.bind(address, curve),
            Either::ProxyOut(publisher) => publisher.bind(address, curve.map(|(_, secret)| *secret)),
        };
        bound.map_err(|source| BindError::new(address, source))
    }

    fn connect(&mut self, socket: SocketId, address: SocketAddr) -> Result<(), ConnectError> {
        let keys = self.keys.clone();
        let socket = self.socket(socket).ok_or(ConnectError::Closed(address))?;
        if address.port() == 0 {
            return Err(ConnectError::BadAddress(address));
        }
        match socket {
            Either::Libzmq(socket) => socket.connect(address, keys.as_deref()),
            Either::ProxyOut(_) => Err(ConnectError::OnlyListens(address)),
        }
    }

    fn disconnect(&mut self, socket: SocketId, address: SocketAddr) {
        if let Some(Either::Libzmq(socket)) = self.socket(socket) {
            socket.disconnect(address);
        }
    }

    fn close_after(&mut self, socket: SocketId, linger: Duration) {
        let Some(at) = self.position(socket) else { return };
        match self.slots.remove(at).socket {
            Either::Libzmq(socket) => {
                socket.set_linger(i32::try_from(linger.as_millis()).unwrap_or(i32::MAX));
            }
            // What the system has taken it still sends; a subscriber that is further behind misses the rest.
            Either::ProxyOut(mut publisher) => publisher.flush(),
        }
    }

    fn subscribe(&mut self, socket: SocketId, topic: &[u8]) {
        match self.socket(socket) {
            Some(Either::Libzmq(socket)) => socket.subscribe(topic),
            Some(Either::ProxyOut(publisher)) => publisher.accept_topic(topic),
            None => {}
        }
    }

    fn unsubscribe(&mut self, socket: SocketId, topic: &[u8]) {
        match self.socket(socket) {
            Some(Either::Libzmq(socket)) => socket.unsubscribe(topic),
            Some(Either::ProxyOut(publisher)) => publisher.remove_topic(topic),
            None => {}
        }
    }

    fn send(&mut self, socket: SocketId, frames: Frames) -> Result<(), SendError> {
        match self.socket(socket).ok_or(SendError::Closed)? {
            Either::Libzmq(socket) => socket.send(&frames),
            Either::ProxyOut(publisher) => publisher.send(&frames),
        }
    }

    fn receive(&mut self, socket: SocketId) -> Option<Frames> {
        let at = self.position(socket)?;
        match &mut self.slots[at].socket {
            Either::Libzmq(socket) => socket.receive(&mut self.message),
            Either::ProxyOut(publisher) => publisher.receive(),
        }
    }

    fn audience(&self, socket: SocketId) -> Audience {
        match self.position(socket).map(|at| &self.slots[at].socket) {
            Some(Either::ProxyOut(publisher)) => publisher.audience(),
            Some(Either::Libzmq(_)) | None => Audience::default(),
        }
    }

    fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<SocketId>) {
        ready.clear();
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.check_used(ready);
            let next = deadline.into_iter().chain(self.own_deadline()).min();
            // Even with something ready the others are polled, so that a busy socket cannot hide them.
            let milliseconds = if ready.is_empty() { milliseconds_until(next) } else { 0 };
            let woken = self.poll(milliseconds, ready);
            if woken || !ready.is_empty() || deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return;
            }
        }
    }

    fn waker(&self) -> Waker {
        self.signal.waker()
    }
}

impl Either {
    fn fd(&self) -> RawFd {
        match self {
            Self::Libzmq(socket) => socket.fd(),
            Self::ProxyOut(publisher) => publisher.fd(),
        }
    }

    /// Whether there is input that the descriptor may not announce. Does what was left to do.
    fn settle(&mut self) -> bool {
        match self {
            Self::Libzmq(socket) => socket.is_unsure() && socket.has_input(),
            Self::ProxyOut(publisher) => {
                publisher.flush();
                if publisher.is_due() {
                    publisher.drive();
                }
                publisher.has_input()
            }
        }
    }

    /// Whether there is input, now that the descriptor announced something.
    fn has_input(&mut self) -> bool {
        match self {
            Self::Libzmq(socket) => socket.has_input(),
            Self::ProxyOut(publisher) => {
                publisher.drive();
                publisher.has_input()
            }
        }
    }
}

fn open_error(error: zmq::Error) -> OpenError {
    match error {
        zmq::Error::EMFILE => OpenError::TooMany,
        other => OpenError::Refused(other.into()),
    }
}

/// Rounded up, so that a deadline is never found not quite reached again and again.
fn milliseconds_until(deadline: Option<Instant>) -> i64 {
    let Some(deadline) = deadline else { return -1 };
    let left = deadline.saturating_duration_since(Instant::now());
    i64::try_from(left.as_nanos().div_ceil(1_000_000))
        .map_or(i64::from(i32::MAX), |ms| ms.min(i64::from(i32::MAX)))
}
