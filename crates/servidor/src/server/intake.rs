//! What comes in, on its way to the core.

use papo_core::replica::{Input, Message};
use papo_service::Line;
use papo_transport::{Change, Frames, HostPort, Net, SocketId};
use papo_wire::admin;
use papo_wire::envelope::ToServidor;
use papo_wire::peer::{Reply, Request};

use super::Server;
use crate::letter;
use crate::registration::Told;

/// How many messages are taken from one socket before the next one has its turn.
const FROM_ONE: usize = 512;

impl<N: Net> Server<N> {
    /// Takes what the sockets have; true if some have more.
    pub(super) fn take_messages(&mut self, ready: &mut Vec<SocketId>) -> bool {
        let mut more = Vec::new();
        for socket in ready.drain(..) {
            let mut taken = 0;
            while taken < FROM_ONE {
                let Some(frames) = self.net.receive(socket) else { break };
                self.take(socket, frames);
                taken += 1;
            }
            if taken == FROM_ONE {
                more.push(socket);
            }
        }
        *ready = more;
        !ready.is_empty()
    }

    fn take(&mut self, socket: SocketId, frames: Frames) {
        if socket == self.links.subscriber {
            self.take_letter(frames.get(1..).unwrap_or_default());
        } else if socket == self.links.router {
            self.take_routed(frames);
        } else if socket == self.registration.socket {
            self.take_told(&frames);
        } else if self.brokers.owns(socket) {
            self.take_dispatch(socket, frames);
        }
        // What arrives on a link of ours to another servidor is an answer of a tool's kind: nobody sends there.
    }

    /// On our ROUTER: a message of another servidor, or a request of somebody with a REQ socket, which has an empty frame
    /// before what it asks.
    fn take_routed(&mut self, mut frames: Frames) {
        let Some(empty) = frames.iter().skip(1).position(Vec::is_empty) else {
            return self.take_letter(frames.get(1..).unwrap_or_default());
        };
        let body = frames.split_off(empty + 2);
        match body.as_slice() {
            [payload] => self.take_direct(frames, payload),
            _ => {
                let answer = self.requests.asked_in_frames(self.clocks.now(), &self.replica, frames);
                self.send_answer(Some(answer));
            }
        }
    }

    /// Of servidores and brokers. Nobody is answered: they do not wait for one.
    fn cannot_read(&mut self, what: &dyn std::fmt::Display) {
        self.metrics.bad_letters.inc();
        self.unreadable.happened("unreadable", what);
    }

    /// Logs what was left out of the log and is not to be left out for longer.
    pub(super) fn tell_overdue(&mut self) {
        self.requests.tell_overdue();
        self.unreadable.tell_overdue();
    }

    fn take_letter(&mut self, frames: &[Vec<u8>]) {
        let letter = match letter::decode(frames) {
            Ok(letter) => letter,
            Err(error) => return self.cannot_read(&error),
        };
        let sender = letter.sender;
        if self.links.cut.severs(&sender.id.name) {
            return;
        }
        let ours = self.replica.cluster().is_none()
            || sender.cluster.is_none()
            || sender.cluster == self.replica.cluster();
        if ours && sender.id.name != self.replica.me().name {
            let incarnation = match &letter.message {
                Message::Hello(hello) => Some(hello.incarnation),
                _ => None,
            };
            let (net, resolver) = (&mut self.net, &mut self.resolver);
            let news = self.links.heard(net, resolver, &sender.id.name, sender.address, incarnation);
            if news {
                self.remember_peers();
            }
        }
        let input = Input::Received { from: sender.id, cluster: sender.cluster, message: letter.message };
        self.replica.handle(self.clocks.now(), input);
    }

    fn remember_peers(&mut self) {
        let peers: Vec<(String, String)> =
            self.links.addresses().map(|(name, address)| (name.to_owned(), address.to_owned())).collect();
        self.requests.know_addresses(peers.iter().cloned().collect());
        self.writer.remember_peers(peers);
    }

    fn take_dispatch(&mut self, socket: SocketId, frames: Frames) {
        self.brokers.heard(socket);
        match ToServidor::decode(frames) {
            Ok(ToServidor::Dispatch { dispatch, payload }) => {
                self.asked_through.insert(socket);
                let now = self.clocks.now();
                let answer = self.requests.dispatched(now, &mut self.replica, socket, dispatch, &payload);
                self.send_answer(answer);
            }
            Ok(ToServidor::Welcome { .. }) => {}
            Err(error) => self.cannot_read(&format!("from a broker: {error}")),
        }
    }

    fn take_direct(&mut self, envelope: Frames, payload: &[u8]) {
        let now = self.clocks.now();
        if let Ok((request, clock)) = admin::Request::decode(payload) {
            self.requests.merge(clock);
            let answer = self.requests.asked_about_members(now, &mut self.replica, envelope, request);
            return self.send_answer(answer);
        }
        let reply = match Request::decode(payload) {
            Ok((request, clock)) => {
                self.requests.merge(clock);
                match request {
                    Request::Clock => Reply::Clock { time: self.replica.agreed_time(now) },
                    Request::Election { rank } if self.replica.would_stand_against(rank) => Reply::Election,
                    Request::Election { .. } => Reply::NoElection,
                }
            }
            Err(_) => {
                let answer = self.requests.asked_directly(now, &self.replica, envelope, payload);
                return self.send_answer(answer);
            }
        };
        let (time, clock) = self.requests.stamps(now, &self.replica);
        let mut frames = envelope;
        frames.push(reply.encode(time, clock));
        // Whoever asked and left gets no answer.
        let _ = self.net.send(self.links.router, frames);
    }

    fn take_told(&mut self, frames: &[Vec<u8>]) {
        match self.registration.answered(frames) {
            Some(Told::Rank(rank)) => self.replica.handle(self.clocks.now(), Input::Rank(rank)),
            Some(Told::List(list)) => {
                for listed in list {
                    match listed.address.parse::<HostPort>() {
                        Ok(address) => self.links.add_seed(&mut self.resolver, &address),
                        Err(error) => tracing::debug!(servidor = listed.name, %error, "listed at no address"),
                    }
                }
            }
            None => {}
        }
    }

    pub(super) fn take_reads(&mut self) {
        while let Ok(done) = self.reads.try_recv() {
            let answer = self.requests.read_done(self.clocks.now(), &self.replica, done);
            self.send_answer(answer);
        }
        while let Ok(input) = self.log_reads.try_recv() {
            self.replica.handle(self.clocks.now(), input);
        }
    }

    /// Hands the disk what it may have of the reads that wait.
    pub(super) fn start_reads(&mut self) {
        let now = self.clocks.now();
        for answer in self.requests.start_reads(now, &self.replica, &mut self.indexing) {
            self.send_answer(Some(answer));
        }
    }

    /// Takes changes of what names stand for.
    pub(super) fn take_changes(&mut self) {
        for change in self.resolver.changes() {
            self.follow(&change);
        }
    }

    /// Tells whoever watches that name; each says whether it is theirs.
    fn follow(&mut self, change: &Change) {
        let net = &mut self.net;
        if self.brokers.resolved(net, change) {
            return;
        }
        if self.proxies.resolved(net, change) {
            return;
        }
        if self.registration.resolved(net, change) {
            return;
        }
        if !self.links.resolved(net, change) {
            // A name that was given up while it was looked up.
            tracing::debug!(?change, "nobody watches that name any more");
        }
    }
}

pub(super) fn tell_unreadable(Line { count, what, .. }: Line) {
    tracing::warn!(count, error = what, "messages cannot be read");
}
