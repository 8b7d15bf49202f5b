use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::RawFd;

use tracing::{debug, error};
use zmq::{DONTWAIT, POLLIN, SNDMORE};

use super::keys::CurveKeys;
use super::options;
use crate::error::{ConnectError, SendError};
use crate::net::{Frames, Kind, SocketOptions};

/// One libzmq socket.
pub(super) struct Socket {
    kind: Kind,
    options: SocketOptions,
    socket: zmq::Socket,
    fd: RawFd,
    connected: Vec<SocketAddr>,
    /// Whether messages may be waiting although the descriptor is silent: `ZMQ_FD` is edge-triggered, and any
    /// use of the socket may take the edge.
    unsure: bool,
}

impl Socket {
    pub(super) fn new(socket: zmq::Socket, kind: Kind, options: &SocketOptions) -> zmq::Result<Self> {
        options::configure(&socket, kind, options)?;
        let fd = socket.get_fd()?;
        Ok(Self { kind, options: options.clone(), socket, fd, connected: Vec::new(), unsure: true })
    }

    pub(super) fn fd(&self) -> RawFd {
        self.fd
    }

    pub(super) fn is_unsure(&self) -> bool {
        self.unsure
    }

    pub(super) fn bind(
        &mut self,
        address: SocketAddr,
        curve: Option<(&CurveKeys, &[u8; 32])>,
    ) -> io::Result<SocketAddr> {
        self.unsure = true;
        if address.is_ipv6() {
            // On a host without IPv6, libzmq's error is one that the zmq crate panics on.
            drop(TcpListener::bind(address)?);
        }
        options::before_bind(&self.socket, address, &self.options, curve)?;
        self.socket.bind(&endpoint(address))?;
        let bound = self.socket.get_last_endpoint()?.unwrap_or_default();
        let parsed = bound.strip_prefix("tcp://").and_then(|text| text.parse().ok());
        parsed.ok_or_else(|| io::Error::other(format!("bound to {bound:?}, which is no address")))
    }

    pub(super) fn connect(
        &mut self,
        address: SocketAddr,
        keys: Option<&CurveKeys>,
    ) -> Result<(), ConnectError> {
        self.unsure = true;
        if self.connected.contains(&address) {
            return Ok(());
        }
        let refused = |error: zmq::Error| ConnectError::Refused { address, source: error.into() };
        options::before_connect(&self.socket, address, keys).map_err(refused)?;
        self.socket.connect(&endpoint(address)).map_err(refused)?;
        self.connected.push(address);
        Ok(())
    }

    pub(super) fn disconnect(&mut self, address: SocketAddr) {
        self.unsure = true;
        let Some(at) = self.connected.iter().position(|connected| *connected == address) else { return };
        self.connected.swap_remove(at);
        // libzmq finds the connection by its address, spelt as the family option says.
        let result = self.socket.set_ipv6(address.is_ipv6());
        if let Err(error) = result.and_then(|()| self.socket.disconnect(&endpoint(address))) {
            // It has ended the connection on its own: a peer that broke the protocol.
            debug!(%address, %error, "was not connected any more");
        }
    }

    pub(super) fn set_linger(&self, milliseconds: i32) {
        if let Err(error) = self.socket.set_linger(milliseconds) {
            error!(%error, "cannot set the linger; what is queued is dropped");
        }
    }

    pub(super) fn subscribe(&mut self, topic: &[u8]) {
        self.unsure = true;
        if self.kind == Kind::Subscribe
            && let Err(error) = self.socket.set_subscribe(topic)
        {
            error!(%error, "cannot subscribe");
        }
    }

    pub(super) fn unsubscribe(&mut self, topic: &[u8]) {
        self.unsure = true;
        // libzmq refuses to cancel what was not subscribed to.
        if self.kind == Kind::Subscribe
            && let Err(error) = self.socket.set_unsubscribe(topic)
        {
            debug!(%error, "cannot unsubscribe");
        }
    }

    pub(super) fn send(&mut self, frames: &Frames) -> Result<(), SendError> {
        self.unsure = true;
        let least = if self.kind == Kind::Router { 2 } else { 1 };
        if frames.len() < least {
            return Err(SendError::Unroutable);
        }
        let last = frames.len() - 1;
        let mut lost = false;
        for (at, frame) in frames.iter().enumerate() {
            let more = if at < last { SNDMORE } else { 0 };
            match self.socket.send(frame.as_slice(), DONTWAIT | more) {
                Ok(()) => {}
                Err(error) if at == 0 => return Err(send_error(error)),
                // The peer left halfway. libzmq drops the rest too, but only when it is given the rest:
                // otherwise it drops the beginning of the next message instead.
                Err(_) => lost = true,
            }
        }
        if lost { Err(SendError::Unroutable) } else { Ok(()) }
    }

    pub(super) fn receive(&mut self, message: &mut zmq::Message) -> Option<Frames> {
        let mut frames = Frames::new();
        loop {
            match self.socket.recv(message, DONTWAIT) {
                Ok(()) => frames.push(message.to_vec()),
                Err(error) => {
                    // On EAGAIN libzmq has looked everywhere; on other errors it has not.
                    self.unsure = error != zmq::Error::EAGAIN;
                    return None;
                }
            }
            if !message.get_more() {
                self.unsure = true;
                return Some(frames);
            }
        }
    }

    /// Asks libzmq, which does what other threads have left to do for this socket.
    pub(super) fn has_input(&mut self) -> bool {
        let input = self.socket.get_events().is_ok_and(|events| events.contains(POLLIN));
        self.unsure = input;
        input
    }
}

fn endpoint(address: SocketAddr) -> String {
    format!("tcp://{address}")
}

fn send_error(error: zmq::Error) -> SendError {
    match error {
        zmq::Error::EAGAIN => SendError::Full,
        _ => SendError::Unroutable,
    }
}
