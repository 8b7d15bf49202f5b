use std::collections::{BTreeSet, VecDeque};

use super::world::SocketKey;
use crate::net::Frames;

/// Names one connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct PipeId(pub(super) u32);

/// A connection between two sockets.
pub(super) struct Pipe {
    pub(super) connecting: End,
    pub(super) listening: End,
    /// False once it is broken: what has arrived can still be read, nothing can be sent.
    pub(super) open: bool,
}

/// One socket's side of a connection.
pub(super) struct End {
    pub(super) socket: SocketKey,
    /// What the other side has sent and this side has not read.
    pub(super) inbound: VecDeque<Item>,
    /// What this side, if it publishes, sends to the other.
    pub(super) topics: BTreeSet<Vec<u8>>,
}

pub(super) enum Item {
    Message(Frames),
    Subscribe(Vec<u8>),
    Cancel(Vec<u8>),
}

impl Pipe {
    pub(super) fn new(connecting: SocketKey, listening: SocketKey) -> Self {
        Self { connecting: End::new(connecting), listening: End::new(listening), open: true }
    }

    /// The side of `socket`, which must be one of the two.
    pub(super) fn end(&mut self, socket: SocketKey) -> &mut End {
        if self.connecting.socket == socket { &mut self.connecting } else { &mut self.listening }
    }

    /// The other side.
    pub(super) fn far(&mut self, socket: SocketKey) -> &mut End {
        if self.connecting.socket == socket { &mut self.listening } else { &mut self.connecting }
    }

    pub(super) fn far_socket(&self, socket: SocketKey) -> SocketKey {
        if self.connecting.socket == socket { self.listening.socket } else { self.connecting.socket }
    }
}

impl End {
    fn new(socket: SocketKey) -> Self {
        Self { socket, inbound: VecDeque::new(), topics: BTreeSet::new() }
    }
}

impl PipeId {
    /// How a router names the peer at the other end; the shape is libzmq's.
    pub(super) fn routing_id(self) -> Vec<u8> {
        [&[0], self.0.to_be_bytes().as_slice()].concat()
    }

    pub(super) fn from_routing_id(id: &[u8]) -> Option<Self> {
        let number = id.strip_prefix(&[0])?.try_into().ok()?;
        Some(Self(u32::from_be_bytes(number)))
    }
}
