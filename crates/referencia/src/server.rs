//! The loop: takes requests off the socket, has the registry answer them, and sends the answers back.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use papo_core::clock::{Lamport, WallTime};
use papo_service::{Pulse, Shutdown};
use papo_transport::{Frames, Net, SocketId};
use papo_wire::referencia::{Reply, Request};

use crate::counters::Counters;
use crate::registry::Registry;

/// How long the loop sleeps when nobody asks: silence is noticed, and the process shown to be alive, this often.
const NAP: Duration = Duration::from_secs(1);
/// How many requests are taken before the others of the loop's duties get their turn.
const BATCH: usize = 256;

/// A router socket and what answers on it.
#[derive(Debug)]
pub(crate) struct Server<N> {
    net: N,
    socket: SocketId,
    registry: Registry,
    clock: Lamport,
    counters: Counters,
}

impl<N: Net> Server<N> {
    /// Answers what arrives at `socket`, a bound [`papo_transport::Kind::Router`] of `net`.
    pub(crate) fn new(net: N, socket: SocketId, registry: Registry, counters: Counters) -> Self {
        Self { net, socket, registry, clock: Lamport::default(), counters }
    }

    /// Serves until the process is to stop.
    pub(crate) fn run(&mut self, shutdown: &Shutdown, pulse: &Pulse) {
        shutdown.wakes(self.net.waker());
        let mut ready = Vec::new();
        while !shutdown.is_requested() {
            self.net.wait(Some(NAP), &mut ready);
            pulse.beat();
            let now = Instant::now();
            for _ in 0..BATCH {
                let Some(frames) = self.net.receive(self.socket) else { break };
                self.serve(frames, now);
            }
            for name in self.registry.newly_silent(now) {
                tracing::warn!(servidor = name, "fell silent");
            }
            self.counters.tell_overdue();
            self.counters.population(self.registry.count(now));
        }
    }

    fn serve(&mut self, frames: Frames, now: Instant) {
        let Some(RouterMessage { mut envelope, body }) = RouterMessage::open(frames) else {
            // Without an envelope there is nobody to answer.
            self.counters.bad("frames", "a message without a body");
            return;
        };
        let reply = self.answer(&body, now);
        self.clock = self.clock.tick();
        envelope.push(reply.encode(wall_time(), self.clock));
        if let Err(error) = self.net.send(self.socket, envelope) {
            self.counters.unanswered();
            tracing::debug!(%error, "an answer was not sent");
        }
    }

    fn answer(&mut self, body: &[Vec<u8>], now: Instant) -> Reply {
        let [payload] = body else {
            self.counters.bad("frames", "a request of several frames");
            return refusal("Pedido inválido: um quadro só.");
        };
        match Request::decode(payload) {
            Ok((request, clock)) => {
                self.clock = self.clock.receive(clock);
                self.counters.request(&request);
                let asked = request.clone();
                let reply = self.registry.answer(request, now);
                self.tell(&asked, &reply);
                reply
            }
            Err(bad) => {
                self.counters.bad(bad.reason(), &bad);
                refusal(&bad.description())
            }
        }
    }

    fn tell(&mut self, request: &Request, reply: &Reply) {
        match (request, reply) {
            (Request::Rank { user, p2p_address, .. }, Reply::Rank(rank)) => {
                tracing::info!(servidor = user, rank, address = p2p_address, "registered");
            }
            (_, Reply::Refused { description, .. }) => self.counters.refused(request, description),
            _ => {}
        }
    }
}

/// A message on a router: the way back, and what was said.
#[derive(Debug)]
struct RouterMessage {
    /// Sender, correlation and the empty frame, as an answer must begin.
    envelope: Frames,
    body: Frames,
}

impl RouterMessage {
    /// A REQ ends its envelope with an empty frame; a plain DEALER sends no more than its payload.
    fn open(frames: Frames) -> Option<Self> {
        let ends = match frames.iter().skip(1).position(Vec::is_empty) {
            Some(empty) => empty + 2,
            None => 1,
        };
        let mut envelope = frames;
        let body = envelope.split_off(ends.min(envelope.len()));
        (!body.is_empty()).then_some(Self { envelope, body })
    }
}

fn refusal(why: &str) -> Reply {
    Reply::Refused { service: "erro".to_owned(), unknown_servidor: false, description: why.to_owned() }
}

fn wall_time() -> WallTime {
    // A host clock before 1970 reads as 1970: nothing here is ordered by it.
    WallTime::EPOCH.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests;
