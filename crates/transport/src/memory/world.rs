use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use super::fabric::{Doorbell, NetId};
use super::pipe::{Item, Pipe, PipeId};
use super::socket::{Link, Socket, fit};
use crate::error::{BindError, ConnectError};
use crate::net::{Frames, Kind, SocketId, SocketOptions};

/// A socket of any net.
pub(super) type SocketKey = (NetId, SocketId);

/// Where ports begin that are given out for port 0.
const FIRST_FREE_PORT: u16 = 40_000;

/// Everything on a fabric: who listens, who is connected, what is on the way. What messages mean to each kind
/// of socket is in `kinds`.
#[derive(Default)]
pub(super) struct World {
    pub(super) sockets: BTreeMap<SocketKey, Socket>,
    pub(super) pipes: BTreeMap<PipeId, Pipe>,
    doorbells: BTreeMap<NetId, Arc<Doorbell>>,
    cuts: BTreeSet<(NetId, NetId)>,
    nets: u32,
    connections: u32,
}

impl World {
    pub(super) fn add_net(&mut self) -> (NetId, Arc<Doorbell>) {
        let id = NetId(self.nets);
        self.nets += 1;
        let doorbell = Arc::new(Doorbell::default());
        self.doorbells.insert(id, Arc::clone(&doorbell));
        (id, doorbell)
    }

    pub(super) fn remove_net(&mut self, net: NetId) {
        let own: Vec<_> = self.sockets.keys().copied().filter(|key| key.0 == net).collect();
        for key in own {
            self.close(key);
        }
        self.doorbells.remove(&net);
    }

    pub(super) fn cut(&mut self, a: NetId, b: NetId) {
        self.cuts.insert(ordered(a, b));
    }

    pub(super) fn heal(&mut self, a: NetId, b: NetId) {
        self.cuts.remove(&ordered(a, b));
        self.ring(a);
        self.ring(b);
        self.establish();
    }

    pub(super) fn reset(&mut self, a: NetId, b: NetId) {
        let between =
            |pipe: &Pipe| ordered(pipe.connecting.socket.0, pipe.listening.socket.0) == ordered(a, b);
        let broken: Vec<_> = self.pipes.iter().filter(|(_, pipe)| between(pipe)).map(|(id, _)| *id).collect();
        for id in broken {
            self.break_pipe(id);
        }
        self.establish();
    }

    pub(super) fn open(&mut self, key: SocketKey, kind: Kind, options: SocketOptions) {
        self.sockets.insert(key, Socket::new(kind, options));
    }

    pub(super) fn bind(&mut self, key: SocketKey, address: SocketAddr) -> Result<SocketAddr, BindError> {
        if !self.sockets.contains_key(&key) {
            return Err(BindError::Closed(address));
        }
        let address = if address.port() == 0 { self.free_port(address) } else { address };
        if self.taken(address) {
            return Err(BindError::InUse(address));
        }
        let socket = self.sockets.get_mut(&key).expect("checked above");
        socket.listening.push(address);
        self.establish();
        Ok(address)
    }

    pub(super) fn connect(&mut self, key: SocketKey, address: SocketAddr) -> Result<(), ConnectError> {
        let socket = self.sockets.get_mut(&key).ok_or(ConnectError::Closed(address))?;
        if address.port() == 0 {
            return Err(ConnectError::BadAddress(address));
        }
        if socket.kind == Kind::ProxyOut {
            return Err(ConnectError::OnlyListens(address));
        }
        if socket.links.iter().all(|link| link.address != address) {
            socket.links.push(Link { address, pipe: None, queued: VecDeque::new() });
            self.establish();
        }
        Ok(())
    }

    pub(super) fn disconnect(&mut self, key: SocketKey, address: SocketAddr) {
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        let Some(at) = socket.links.iter().position(|link| link.address == address) else { return };
        if let Some(pipe) = socket.links.remove(at).pipe {
            self.break_pipe(pipe);
        }
    }

    pub(super) fn close(&mut self, key: SocketKey) {
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        // First the addresses, so that nothing is connected to it again.
        socket.listening.clear();
        socket.links.clear();
        let pipes = socket.pipes.clone();
        for id in pipes {
            let pipe = self.pipes.get_mut(&id).expect("a socket's connections exist");
            pipe.end(key).inbound.clear();
            self.break_pipe(id);
        }
        self.sockets.remove(&key);
        self.establish();
    }

    /// Puts something into the queue of the far side of an open pipe. A frame over the limit of a listening
    /// side breaks the connection instead.
    pub(super) fn deliver(&mut self, from: SocketKey, id: PipeId, item: Item) {
        let pipe = self.pipes.get_mut(&id).expect("callers hold the pipe");
        let to = pipe.far_socket(from);
        let limit = self.sockets[&to].options.max_message;
        let too_long =
            matches!(&item, Item::Message(frames) if frames.iter().any(|frame| frame.len() > limit));
        if too_long && to == pipe.listening.socket {
            self.break_pipe(id);
            self.establish();
            return;
        }
        pipe.far(from).inbound.push_back(item);
        self.ring(to.0);
    }

    /// Whether a message may be queued to the far side.
    pub(super) fn has_room(&self, from: SocketKey, id: PipeId) -> bool {
        let Some(pipe) = self.pipes.get(&id).filter(|pipe| pipe.open) else { return false };
        let to = pipe.far_socket(from);
        let queued =
            if pipe.connecting.socket == to { &pipe.connecting } else { &pipe.listening }.inbound.len();
        queued < self.sockets[&from].options.send_queue + self.sockets[&to].options.receive_queue
    }

    /// Whether what is queued in a pipe can be read: it has arrived.
    pub(super) fn is_passable(&self, pipe: &Pipe) -> bool {
        !self.is_cut(pipe.connecting.socket.0, pipe.listening.socket.0)
    }

    fn is_cut(&self, a: NetId, b: NetId) -> bool {
        self.cuts.contains(&ordered(a, b))
    }

    fn taken(&self, address: SocketAddr) -> bool {
        let meets = |own: &SocketAddr| {
            let any = own.ip().is_unspecified() || address.ip().is_unspecified();
            own.port() == address.port() && (any || own.ip() == address.ip())
        };
        self.sockets.values().any(|socket| socket.listening.iter().any(meets))
    }

    fn free_port(&self, address: SocketAddr) -> SocketAddr {
        let mut ports = (FIRST_FREE_PORT..=u16::MAX).map(|port| SocketAddr::new(address.ip(), port));
        ports.find(|address| !self.taken(*address)).expect("tests listen on fewer than 25,000 ports")
    }

    /// Makes every connection that is wanted, possible and not made.
    fn establish(&mut self) {
        let wanted: Vec<_> = self
            .sockets
            .iter()
            .flat_map(|(key, socket)| {
                let missing = socket.links.iter().filter(|link| link.pipe.is_none());
                missing.map(|link| (*key, link.address))
            })
            .collect();
        for (key, address) in wanted {
            self.establish_link(key, address);
        }
    }

    fn establish_link(&mut self, key: SocketKey, address: SocketAddr) {
        let kind = self.sockets[&key].kind;
        let listener = self.sockets.iter().find(|(_, socket)| socket.listens_on(address));
        let Some((&to, _)) = listener.filter(|(_, socket)| fit(kind, socket.kind)) else { return };
        if self.is_cut(key.0, to.0) {
            return;
        }
        let id = PipeId(self.connections);
        self.connections += 1;
        self.pipes.insert(id, Pipe::new(key, to));
        for end in [key, to] {
            let socket = self.sockets.get_mut(&end).expect("both sides exist");
            socket.pipes.push(id);
            for topic in socket.wanted() {
                self.deliver(end, id, Item::Subscribe(topic));
            }
        }
        let socket = self.sockets.get_mut(&key).expect("both sides exist");
        let link =
            socket.links.iter_mut().find(|link| link.address == address).expect("it is being connected");
        link.pipe = Some(id);
        let queued: Vec<Frames> = link.queued.drain(..).collect();
        for frames in queued {
            if self.has_room(key, id) {
                self.deliver(key, id, Item::Message(frames));
            }
        }
    }

    /// Ends a connection. What has arrived can still be read, except by a dealer; what a cut held back is
    /// lost.
    fn break_pipe(&mut self, id: PipeId) {
        let Some(pipe) = self.pipes.get(&id) else { return };
        let passable = self.is_passable(pipe);
        let pipe = self.pipes.get_mut(&id).expect("found above");
        pipe.open = false;
        for end in [&mut pipe.connecting, &mut pipe.listening] {
            let Some(socket) = self.sockets.get_mut(&end.socket) else { continue };
            let topics = std::mem::take(&mut end.topics);
            if socket.kind == Kind::ProxyOut {
                socket.gone.extend(topics);
            }
            // A dealer forgets what it has not read: libzmq's do, with `ZMQ_IMMEDIATE`.
            if !passable || matches!(socket.kind, Kind::ProxyOut | Kind::Publish | Kind::Dealer) {
                end.inbound.clear();
            }
            for link in socket.links.iter_mut().filter(|link| link.pipe == Some(id)) {
                link.pipe = None;
            }
        }
        let ends = [pipe.connecting.socket, pipe.listening.socket];
        for end in ends {
            self.discard_if_read(end, id);
            self.ring(end.0);
        }
    }

    /// Forgets a broken connection once nothing of it is left to read.
    pub(super) fn discard_if_read(&mut self, key: SocketKey, id: PipeId) {
        let Some(pipe) = self.pipes.get_mut(&id) else { return };
        if pipe.open || !pipe.end(key).inbound.is_empty() {
            return;
        }
        if let Some(socket) = self.sockets.get_mut(&key) {
            socket.pipes.retain(|own| *own != id);
        }
        let held =
            |socket: SocketKey| self.sockets.get(&socket).is_some_and(|socket| socket.pipes.contains(&id));
        if !held(pipe.connecting.socket) && !held(pipe.listening.socket) {
            self.pipes.remove(&id);
        }
    }

    fn ring(&self, net: NetId) {
        if let Some(doorbell) = self.doorbells.get(&net) {
            doorbell.changed.notify_all();
        }
    }
}

fn ordered(a: NetId, b: NetId) -> (NetId, NetId) {
    if a <= b { (a, b) } else { (b, a) }
}
