use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::error;
use zmq::{DONTWAIT, POLLIN, SNDMORE};

use super::context::ZmqContext;
use super::keys::CurveKeys;
use super::options;
use super::signal::Signal;
use crate::error::{BindError, ConnectError, OpenError, SendError};
use crate::net::{Frames, Kind, Net, SocketId, SocketOptions};
use crate::waker::Waker;

/// ZeroMQ sockets of one thread.
///
/// The wait polls file descriptors, one system call for all sockets, and asks a socket itself only when its descriptor
/// says so or when it was used since it was last asked (a used socket may have moved messages without its descriptor
/// saying so: `ZMQ_FD` is edge-triggered).
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
    kind: Kind,
    options: SocketOptions,
    socket: zmq::Socket,
    fd: RawFd,
    connected: Vec<SocketAddr>,
    /// Whether messages may be waiting although the descriptor is silent.
    unsure: bool,
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
            signal: Signal::new().map_err(OpenError::Refused)?,
            slots: Vec::new(),
            next: 0,
            message: zmq::Message::new(),
        })
    }

    fn slot(&mut self, socket: SocketId) -> Option<&mut Slot> {
        let at = self.slots.binary_search_by_key(&socket, |slot| slot.id).ok()?;
        Some(&mut self.slots[at])
    }
}

impl Net for ZmqNet {
    fn open(&mut self, kind: Kind, options: &SocketOptions) -> Result<SocketId, OpenError> {
        let mut socket = self.context.socket(options::zmq_type(kind)).map_err(open_error)?;
        options::configure(&mut socket, kind, options).map_err(OpenError::Refused)?;
        let fd = socket.get_fd().map_err(open_error)?;
        let id = SocketId(self.next);
        self.next += 1;
        let options = options.clone();
        self.slots.push(Slot { id, kind, options, socket, fd, connected: Vec::new(), unsure: true });
        Ok(id)
    }

    fn bind(&mut self, socket: SocketId, address: SocketAddr) -> Result<SocketAddr, BindError> {
        let keys = self.keys.clone();
        let slot = self.slot(socket).ok_or(BindError::Closed(address))?;
        let curve = match keys.as_deref() {
            None => None,
            Some(keys) => Some((keys, keys.system_secret().ok_or(BindError::NoSecretKey(address))?)),
        };
        slot.unsure = true;
        slot.bind(address, curve).map_err(|source| bind_error(address, source))
    }

    fn connect(&mut self, socket: SocketId, address: SocketAddr) -> Result<(), ConnectError> {
        let keys = self.keys.clone();
        let slot = self.slot(socket).ok_or(ConnectError::Closed(address))?;
        if address.port() == 0 {
            return Err(ConnectError::BadAddress(address));
        }
        if slot.connected.contains(&address) {
            return Ok(());
        }
        let refused = |error: zmq::Error| ConnectError::Refused { address, source: error.into() };
        options::before_connect(&slot.socket, address, keys.as_deref()).map_err(refused)?;
        slot.socket.connect(&endpoint(address)).map_err(refused)?;
        slot.connected.push(address);
        slot.unsure = true;
        Ok(())
    }

    fn disconnect(&mut self, socket: SocketId, address: SocketAddr) {
        let Some(slot) = self.slot(socket) else { return };
        let Some(at) = slot.connected.iter().position(|connected| *connected == address) else { return };
        slot.connected.swap_remove(at);
        slot.unsure = true;
        if let Err(error) = slot.disconnect(address) {
            error!(%address, %error, "cannot disconnect");
        }
    }

    fn close_after(&mut self, socket: SocketId, linger: Duration) {
        let Ok(at) = self.slots.binary_search_by_key(&socket, |slot| slot.id) else { return };
        let slot = self.slots.remove(at);
        let linger = i32::try_from(linger.as_millis()).unwrap_or(i32::MAX);
        if let Err(error) = slot.socket.set_linger(linger) {
            error!(%error, "cannot set the linger; what is queued is dropped");
        }
    }

    fn subscribe(&mut self, socket: SocketId, topic: &[u8]) {
        let Some(slot) = self.slot(socket) else { return };
        slot.unsure = true;
        if matches!(slot.kind, Kind::Subscribe | Kind::ProxyOut) {
            slot.report(slot.socket.set_subscribe(topic), "subscribe");
        }
    }

    fn unsubscribe(&mut self, socket: SocketId, topic: &[u8]) {
        let Some(slot) = self.slot(socket) else { return };
        slot.unsure = true;
        if matches!(slot.kind, Kind::Subscribe | Kind::ProxyOut) {
            slot.report(slot.socket.set_unsubscribe(topic), "unsubscribe");
        }
    }

    fn send(&mut self, socket: SocketId, frames: Frames) -> Result<(), SendError> {
        let slot = self.slot(socket).ok_or(SendError::Closed)?;
        slot.unsure = true;
        slot.send(&frames)
    }

    fn receive(&mut self, socket: SocketId) -> Option<Frames> {
        let at = self.slots.binary_search_by_key(&socket, |slot| slot.id).ok()?;
        self.slots[at].receive(&mut self.message)
    }

    fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<SocketId>) {
        ready.clear();
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        for slot in self.slots.iter_mut().filter(|slot| slot.unsure) {
            if slot.has_input() {
                ready.push(slot.id);
            }
        }
        loop {
            let mut items = Vec::with_capacity(self.slots.len() + 1);
            items.push(zmq::PollItem::from_fd(self.signal.fd(), POLLIN));
            items.extend(self.slots.iter().map(|slot| zmq::PollItem::from_fd(slot.fd, POLLIN)));
            let left = if ready.is_empty() { milliseconds_until(deadline) } else { 0 };
            match zmq::poll(&mut items, left) {
                Ok(_) | Err(zmq::Error::EINTR) => {}
                Err(error) => error!(%error, "poll failed"),
            }
            let woken = items[0].is_readable();
            if woken {
                self.signal.clear();
            }
            for (slot, item) in self.slots.iter_mut().zip(&items[1..]) {
                if item.is_readable() && !ready.contains(&slot.id) && slot.has_input() {
                    ready.push(slot.id);
                }
            }
            if woken || !ready.is_empty() || deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return;
            }
        }
    }

    fn waker(&self) -> Waker {
        self.signal.waker()
    }
}

impl Slot {
    fn bind(&self, address: SocketAddr, curve: Option<(&CurveKeys, &[u8; 32])>) -> io::Result<SocketAddr> {
        if address.is_ipv6() {
            // On a host without IPv6 libzmq's error has no name in the zmq crate, which panics.
            drop(TcpListener::bind(address)?);
        }
        options::before_bind(&self.socket, address, &self.options, curve)?;
        self.socket.bind(&endpoint(address))?;
        let bound = self.socket.get_last_endpoint()?.unwrap_or_default();
        let parsed = bound.strip_prefix("tcp://").and_then(|text| text.parse().ok());
        parsed.ok_or_else(|| io::Error::other(format!("bound to {bound:?}, which is no address")))
    }

    fn disconnect(&self, address: SocketAddr) -> zmq::Result<()> {
        self.socket.set_ipv6(address.is_ipv6())?;
        self.socket.disconnect(&endpoint(address))
    }

    fn send(&self, frames: &Frames) -> Result<(), SendError> {
        let last = frames.len().checked_sub(1).ok_or(SendError::Unroutable)?;
        for (at, frame) in frames.iter().enumerate() {
            let more = if at < last { SNDMORE } else { 0 };
            self.socket.send(frame.as_slice(), DONTWAIT | more).map_err(send_error)?;
        }
        Ok(())
    }

    fn receive(&mut self, message: &mut zmq::Message) -> Option<Frames> {
        let mut frames = Frames::new();
        loop {
            match self.socket.recv(message, DONTWAIT) {
                Ok(()) => frames.push(message.to_vec()),
                Err(zmq::Error::EAGAIN) => {
                    self.unsure = false;
                    return None;
                }
                Err(_) => return None,
            }
            if !message.get_more() {
                self.unsure = true;
                return Some(frames);
            }
        }
    }

    /// Asks libzmq, which moves what has arrived in the meantime.
    fn has_input(&mut self) -> bool {
        let input = self.socket.get_events().is_ok_and(|events| events.contains(POLLIN));
        self.unsure = input;
        input
    }

    fn report(&self, result: zmq::Result<()>, what: &str) {
        if let Err(error) = result {
            error!(kind = ?self.kind, %error, "cannot {what}");
        }
    }
}

fn endpoint(address: SocketAddr) -> String {
    format!("tcp://{address}")
}

/// Rounded up, so that a deadline is never found not quite reached again and again.
fn milliseconds_until(deadline: Option<Instant>) -> i64 {
    let Some(deadline) = deadline else { return -1 };
    let left = deadline.saturating_duration_since(Instant::now());
    i64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX).min(i64::from(i32::MAX))
}

fn open_error(error: zmq::Error) -> OpenError {
    match error {
        zmq::Error::EMFILE => OpenError::TooMany,
        other => OpenError::Refused(other.into()),
    }
}

fn bind_error(address: SocketAddr, source: io::Error) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(address),
        io::ErrorKind::AddrNotAvailable => BindError::NotLocal(address),
        io::ErrorKind::PermissionDenied => BindError::NotPermitted(address),
        _ => BindError::Refused { address, source },
    }
}

fn send_error(error: zmq::Error) -> SendError {
    match error {
        zmq::Error::EAGAIN => SendError::Full,
        _ => SendError::Unroutable,
    }
}
