//! Asking one servidor directly, again and again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use papo_transport::{Kind, Net, OpenError, SocketId, SocketOptions, ZmqContext, ZmqNet};
use papo_wire::request::Request;

/// A connection to one address, for questions one after another.
pub struct Asker {
    net: ZmqNet,
    line: Line,
}

/// A socket to one address, made when it is first needed, and anew after a silence: libzmq waits longer and longer between
/// its own attempts to connect, and a servidor that is back shall be heard at once.
pub(crate) struct Line {
    address: SocketAddr,
    socket: Option<SocketId>,
}

impl Asker {
    /// Connects when first asked.
    ///
    /// # Errors
    /// The system has no sockets left.
    pub fn new(context: &ZmqContext, address: SocketAddr) -> Result<Self, OpenError> {
        Ok(Self { net: ZmqNet::new(context)?, line: Line::new(address) })
    }

    /// Asks, and waits for the answer; `None` when none comes within `limit`.
    pub fn ask(&mut self, request: &Request, limit: Duration) -> Option<Vec<u8>> {
        self.put(request.encode(), limit)
    }

    /// The same with a question of another kind, as it is sent.
    pub fn put(&mut self, question: Vec<u8>, limit: Duration) -> Option<Vec<u8>> {
        let deadline = Instant::now() + limit;
        let mut ready = Vec::new();
        let asked = self.line.ask(&mut self.net, question);
        loop {
            if asked && let Some(answer) = self.line.answer(&mut self.net) {
                return Some(answer);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.line.hang_up(&mut self.net);
                return None;
            }
            self.net.wait(Some(left), &mut ready);
        }
    }
}

impl Line {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, socket: None }
    }

    /// Sends a question, which abandons the one before. False if that is not possible now.
    pub(crate) fn ask(&mut self, net: &mut ZmqNet, question: Vec<u8>) -> bool {
        let Some(socket) = self.connected(net) else { return false };
        net.send(socket, vec![question]).is_ok()
    }

    /// The answer, if it is there.
    pub(crate) fn answer(&self, net: &mut ZmqNet) -> Option<Vec<u8>> {
        net.receive(self.socket?)?.pop()
    }

    pub(crate) fn hang_up(&mut self, net: &mut ZmqNet) {
        if let Some(socket) = self.socket.take() {
            net.close_after(socket, Duration::ZERO);
        }
    }

    fn connected(&mut self, net: &mut ZmqNet) -> Option<SocketId> {
        if self.socket.is_none() {
            let socket = net.open(Kind::Request, &SocketOptions::default());
            let socket = socket.map_err(|error| tracing::warn!(%error, "no socket")).ok()?;
            if let Err(error) = net.connect(socket, self.address) {
                tracing::warn!(%error, "no way to a servidor");
                net.close_after(socket, Duration::ZERO);
                return None;
            }
            self.socket = Some(socket);
        }
        self.socket
    }
}
