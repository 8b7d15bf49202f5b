//! What sending and receiving mean to each kind of socket.

use super::fabric::NetId;
use super::pipe::{Item, PipeId};
use super::socket::Socket;
use super::world::{SocketKey, World};
use crate::error::SendError;
use crate::net::{Frames, Kind, SocketId};

impl World {
    pub(super) fn subscribe(&mut self, key: SocketKey, topic: &[u8]) {
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        match (socket.kind, socket.current) {
            (Kind::Subscribe, _) => {
                let times = socket.topics.entry(topic.to_vec()).or_default();
                *times += 1;
                if *times == 1 {
                    self.ask_publishers(key, || Item::Subscribe(topic.to_vec()));
                }
            }
            (Kind::ProxyOut, Some(id)) => {
                if let Some(pipe) = self.pipes.get_mut(&id).filter(|pipe| pipe.open) {
                    pipe.end(key).topics.insert(topic.to_vec());
                }
            }
            _ => {}
        }
    }

    pub(super) fn unsubscribe(&mut self, key: SocketKey, topic: &[u8]) {
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        match (socket.kind, socket.current) {
            (Kind::Subscribe, _) => {
                let Some(times) = socket.topics.get_mut(topic) else { return };
                *times -= 1;
                if *times == 0 {
                    socket.topics.remove(topic);
                    self.ask_publishers(key, || Item::Cancel(topic.to_vec()));
                }
            }
            (Kind::ProxyOut, Some(id)) => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.end(key).topics.remove(topic);
                }
            }
            _ => {}
        }
    }

    pub(super) fn send(&mut self, key: SocketKey, mut frames: Frames) -> Result<(), SendError> {
        let socket = self.sockets.get(&key).ok_or(SendError::Closed)?;
        if frames.is_empty() {
            return Err(SendError::Unroutable);
        }
        match socket.kind {
            Kind::Router => self.send_routed(key, frames),
            Kind::Dealer => self.send_in_turn(key, frames),
            Kind::Request => self.send_request(key, frames),
            Kind::Reply => {
                let socket = self.sockets.get_mut(&key).expect("found above");
                let (id, mut reply) = socket.asker.take().ok_or(SendError::Unroutable)?;
                reply.append(&mut frames);
                // Who has gone, or reads nothing, gets no answer; that is not the answerer's fault.
                if self.has_room(key, id) {
                    self.deliver(key, id, Item::Message(reply));
                }
                Ok(())
            }
            Kind::Publish | Kind::ProxyOut => {
                self.publish(key, &frames);
                Ok(())
            }
            Kind::Subscribe | Kind::ProxyIn => Err(SendError::Unroutable),
        }
    }

    pub(super) fn receive(&mut self, key: SocketKey) -> Option<Frames> {
        let socket = self.sockets.get_mut(&key)?;
        match socket.kind {
            Kind::ProxyOut => {
                if let Some(topic) = socket.gone.pop_front() {
                    socket.current = None;
                    return Some(vec![[&[0], topic.as_slice()].concat()]);
                }
            }
            Kind::Reply if socket.asker.is_some() => return None,
            Kind::Request if !socket.request.1 => return None,
            _ => {}
        }
        while let Some((id, item)) = self.take_next(key) {
            if let Some(frames) = self.understand(key, id, item) {
                return Some(frames);
            }
        }
        None
    }

    /// Sockets of a net that have something to receive.
    pub(super) fn ready(&mut self, net: NetId, ready: &mut Vec<SocketId>) {
        let own = (net, SocketId(0))..=(net, SocketId(u32::MAX));
        for (key, socket) in self.sockets.range(own) {
            let listens = match socket.kind {
                Kind::Publish => false,
                Kind::Request => socket.request.1,
                Kind::Reply => socket.asker.is_none(),
                _ => true,
            };
            if listens && (!socket.gone.is_empty() || self.has_arrived(*key, socket)) {
                ready.push(key.1);
            }
        }
    }

    fn has_arrived(&self, key: SocketKey, socket: &Socket) -> bool {
        socket.pipes.iter().filter_map(|id| self.pipes.get(id)).any(|pipe| {
            let end = if pipe.connecting.socket == key { &pipe.connecting } else { &pipe.listening };
            !end.inbound.is_empty() && self.is_passable(pipe)
        })
    }

    /// The next thing that has arrived, from each connection in turn.
    fn take_next(&mut self, key: SocketKey) -> Option<(PipeId, Item)> {
        let socket = self.sockets.get(&key)?;
        let (pipes, first) = (socket.pipes.clone(), socket.next_to_read);
        for step in 0..pipes.len() {
            let at = (first + step) % pipes.len();
            let id = pipes[at];
            if !self.pipes.get(&id).is_some_and(|pipe| self.is_passable(pipe)) {
                continue;
            }
            let pipe = self.pipes.get_mut(&id).expect("found above");
            if let Some(item) = pipe.end(key).inbound.pop_front() {
                self.sockets.get_mut(&key).expect("found above").next_to_read = at + 1;
                self.discard_if_read(key, id);
                return Some((id, item));
            }
        }
        None
    }

    /// What the owner is given for something that arrived, if anything.
    fn understand(&mut self, key: SocketKey, id: PipeId, item: Item) -> Option<Frames> {
        let socket = self.sockets.get_mut(&key)?;
        match (socket.kind, item) {
            (Kind::ProxyOut, Item::Subscribe(topic)) => {
                socket.current = Some(id);
                Some(vec![[&[1], topic.as_slice()].concat()])
            }
            (Kind::ProxyOut, Item::Cancel(topic)) => {
                let had = self.pipes.get_mut(&id)?.end(key).topics.remove(&topic);
                socket.current = Some(id);
                had.then(|| vec![[&[0], topic.as_slice()].concat()])
            }
            (Kind::Router, Item::Message(mut frames)) => {
                frames.insert(0, id.routing_id());
                Some(frames)
            }
            (Kind::Request, Item::Message(mut frames)) => {
                let envelope =
                    frames.len() > 2 && frames[0] == socket.request.0.to_ne_bytes() && frames[1].is_empty();
                if !envelope {
                    return None;
                }
                socket.request.1 = false;
                Some(frames.split_off(2))
            }
            (Kind::Reply, Item::Message(mut frames)) => {
                let end = frames.iter().position(Vec::is_empty).filter(|end| end + 1 < frames.len())?;
                let body = frames.split_off(end + 1);
                socket.asker = Some((id, frames));
                Some(body)
            }
            (Kind::Dealer | Kind::ProxyIn, Item::Message(frames)) => Some(frames),
            (Kind::Subscribe, Item::Message(frames)) => socket.wants(&frames).then_some(frames),
            _ => None,
        }
    }

    fn send_routed(&mut self, key: SocketKey, mut frames: Frames) -> Result<(), SendError> {
        if frames.len() < 2 {
            return Err(SendError::Unroutable);
        }
        let to =
            PipeId::from_routing_id(&frames.remove(0)).filter(|id| self.sockets[&key].pipes.contains(id));
        let to = to.filter(|id| self.pipes[id].open).ok_or(SendError::Unroutable)?;
        if !self.has_room(key, to) {
            return Err(SendError::Full);
        }
        self.deliver(key, to, Item::Message(frames));
        Ok(())
    }

    fn send_in_turn(&mut self, key: SocketKey, frames: Frames) -> Result<(), SendError> {
        let socket = &self.sockets[&key];
        let turns = (0..socket.pipes.len()).map(|step| (socket.next_to_send + step) % socket.pipes.len());
        let at = turns.into_iter().find(|at| self.has_room(key, socket.pipes[*at])).ok_or(SendError::Full)?;
        let id = socket.pipes[at];
        self.sockets.get_mut(&key).expect("found above").next_to_send = at + 1;
        self.deliver(key, id, Item::Message(frames));
        Ok(())
    }

    /// Unlike a dealer's, a request waits for a connection that is not made yet.
    fn send_request(&mut self, key: SocketKey, mut frames: Frames) -> Result<(), SendError> {
        let socket = self.sockets.get_mut(&key).expect("found by the caller");
        let number = socket.request.0.wrapping_add(1);
        let mut request = vec![number.to_ne_bytes().to_vec(), Vec::new()];
        request.append(&mut frames);
        // Answers to requests before this one are of no use any more.
        while self.take_next(key).is_some() {}
        if self.send_in_turn(key, request.clone()).is_err() {
            let socket = self.sockets.get_mut(&key).expect("found by the caller");
            let limit = socket.options.send_queue;
            let waiting =
                socket.links.iter_mut().filter(|link| link.pipe.is_none() && link.queued.len() < limit);
            let link = waiting.min_by_key(|link| link.queued.len()).ok_or(SendError::Full)?;
            link.queued.push_back(request);
        }
        self.sockets.get_mut(&key).expect("found by the caller").request = (number, true);
        Ok(())
    }

    fn publish(&mut self, key: SocketKey, frames: &Frames) {
        let (kind, pipes) = (self.sockets[&key].kind, self.sockets[&key].pipes.clone());
        for id in pipes {
            if kind == Kind::Publish {
                self.take_subscriptions(key, id);
            }
            let wanted = self.pipes.get_mut(&id).is_some_and(|pipe| {
                let topics = &pipe.end(key).topics;
                let exact = topics.contains(&frames[0]);
                exact || kind == Kind::Publish && topics.iter().any(|topic| frames[0].starts_with(topic))
            });
            if wanted && self.has_room(key, id) {
                self.deliver(key, id, Item::Message(frames.clone()));
            }
        }
    }

    /// Takes note of what a subscriber asked for, where nobody is asked whether it may.
    fn take_subscriptions(&mut self, key: SocketKey, id: PipeId) {
        if !self.pipes.get(&id).is_some_and(|pipe| self.is_passable(pipe)) {
            return;
        }
        let end = self.pipes.get_mut(&id).expect("found above").end(key);
        for item in std::mem::take(&mut end.inbound) {
            match item {
                Item::Subscribe(topic) => drop(end.topics.insert(topic)),
                Item::Cancel(topic) => drop(end.topics.remove(&topic)),
                Item::Message(_) => {}
            }
        }
    }

    fn ask_publishers(&mut self, key: SocketKey, item: impl Fn() -> Item) {
        for id in self.sockets[&key].pipes.clone() {
            if self.pipes[&id].open {
                self.deliver(key, id, item());
            }
        }
    }
}
