use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use super::pipe::PipeId;
use crate::net::{Frames, Kind, SocketOptions};

/// What one socket is, apart from its connections' queues.
pub(super) struct Socket {
    pub(super) kind: Kind,
    pub(super) options: SocketOptions,
    pub(super) listening: Vec<SocketAddr>,
    pub(super) links: Vec<Link>,
    /// Its connections, oldest first. Broken ones stay until they are read empty.
    pub(super) pipes: Vec<PipeId>,
    pub(super) next_to_send: usize,
    pub(super) next_to_read: usize,
    /// Subscribe: how often each topic was subscribed to.
    pub(super) topics: BTreeMap<Vec<u8>, usize>,
    /// `ProxyOut`: topics whose subscriber went away.
    pub(super) gone: VecDeque<Vec<u8>>,
    /// `ProxyOut`: whose subscription was received last.
    pub(super) current: Option<PipeId>,
    /// Request: the number of the last request, and whether its answer is awaited.
    pub(super) request: (u32, bool),
    /// Reply: who waits for an answer, and the envelope it goes in.
    pub(super) asker: Option<(PipeId, Frames)>,
}

/// An address that a socket connects to.
pub(super) struct Link {
    pub(super) address: SocketAddr,
    pub(super) pipe: Option<PipeId>,
    /// What waits for the connection.
    pub(super) queued: VecDeque<Frames>,
}

impl Socket {
    pub(super) fn new(kind: Kind, options: SocketOptions) -> Self {
        Self {
            kind,
            options,
            listening: Vec::new(),
            links: Vec::new(),
            pipes: Vec::new(),
            next_to_send: 0,
            next_to_read: 0,
            topics: BTreeMap::new(),
            gone: VecDeque::new(),
            current: None,
            request: (0, false),
            asker: None,
        }
    }

    pub(super) fn listens_on(&self, address: SocketAddr) -> bool {
        self.listening.iter().any(|own| {
            own.port() == address.port() && (own.ip() == address.ip() || own.ip().is_unspecified())
        })
    }

    /// What it asks a publisher for as soon as it is connected to one.
    pub(super) fn wanted(&self) -> Vec<Vec<u8>> {
        match self.kind {
            Kind::Subscribe => self.topics.keys().cloned().collect(),
            Kind::ProxyIn => vec![Vec::new()],
            _ => Vec::new(),
        }
    }

    pub(super) fn wants(&self, frames: &Frames) -> bool {
        let topic = frames.first().map_or(&[][..], Vec::as_slice);
        self.kind != Kind::Subscribe || self.topics.keys().any(|wanted| topic.starts_with(wanted))
    }
}

/// Whether sockets of these kinds talk to each other.
pub(super) fn fit(a: Kind, b: Kind) -> bool {
    use Kind::{Dealer, ProxyIn, ProxyOut, Publish, Reply, Request, Router, Subscribe};
    matches!(
        (a, b),
        (Router, Router | Dealer | Request)
            | (Dealer, Router | Dealer | Reply)
            | (Request, Router | Reply)
            | (Reply, Request | Dealer)
            | (Publish | ProxyOut, Subscribe | ProxyIn)
            | (Subscribe | ProxyIn, Publish | ProxyOut)
    )
}
