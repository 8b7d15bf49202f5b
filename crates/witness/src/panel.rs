//! Asking all servidores for their status, each over a connection of its own, so that none waits for another.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use papo_transport::{Net, OpenError, ZmqContext, ZmqNet};
use papo_wire::reply::{Answer, Reply, Status};
use papo_wire::request::{Body, Request};

use crate::Reach;
use crate::ask::Line;
use crate::view::View;

/// A connection to each servidor.
pub(crate) struct Panel {
    net: ZmqNet,
    seats: BTreeMap<String, Seat>,
}

struct Seat {
    line: Line,
    /// When it was asked what it has not answered.
    asked: Option<Instant>,
    /// When it is asked next.
    next: Instant,
}

/// What one servidor says of itself; `None` where it said nothing for as long as was waited.
pub(crate) type Word = (String, Option<Status>);

impl Panel {
    /// Connects to every servidor.
    ///
    /// # Errors
    /// The system has no sockets left.
    pub(crate) fn new(reach: &Reach) -> Result<Self, OpenError> {
        Self::of(&reach.servidores)
    }

    /// Connects to these.
    ///
    /// # Errors
    /// The system has no sockets left.
    pub(crate) fn of<'a>(
        servidores: impl IntoIterator<Item = (&'a String, &'a SocketAddr)>,
    ) -> Result<Self, OpenError> {
        let now = Instant::now();
        let seats = servidores.into_iter().map(|(name, address)| {
            let seat = Seat { line: Line::new(*address), asked: None, next: now };
            (name.clone(), seat)
        });
        Ok(Self { net: ZmqNet::new(&ZmqContext::new())?, seats: seats.collect() })
    }

    /// Asks those whose turn it is, every `every` since they were asked last; waits for at most `nap`; and returns what has come.
    /// Who says nothing for `patience` is said to be silent, and asked again at once.
    pub(crate) fn turn(&mut self, every: Duration, patience: Duration, nap: Duration) -> Vec<Word> {
        let now = Instant::now();
        for seat in self.seats.values_mut().filter(|seat| seat.asked.is_none() && seat.next <= now) {
            seat.next = now + every;
            // What cannot be sent counts as asked: it is as silent as what gets no answer.
            seat.asked = Some(now);
            seat.line.ask(&mut self.net, Request::new(Body::Status).encode());
        }
        let due = |seat: &Seat| seat.asked.map_or(seat.next, |asked| asked + patience);
        let next = self.seats.values().map(due).min().unwrap_or(now + nap).min(now + nap);
        self.net.wait(Some(next.saturating_duration_since(Instant::now())), &mut Vec::new());
        self.collect(patience)
    }

    /// Asks all of them once.
    pub(crate) fn look(&mut self, patience: Duration) -> View {
        let mut view = View::default();
        for seat in self.seats.values_mut() {
            (seat.asked, seat.next) = (None, Instant::now());
        }
        while view.servidores.len() < self.seats.len() {
            view.servidores.extend(self.turn(patience * 2, patience, patience));
        }
        view
    }

    fn collect(&mut self, patience: Duration) -> Vec<Word> {
        let now = Instant::now();
        let mut words = Vec::new();
        for (name, seat) in &mut self.seats {
            let Some(asked) = seat.asked else { continue };
            if let Some(status) = seat.line.answer(&mut self.net).and_then(|answer| status(&answer)) {
                seat.asked = None;
                words.push((name.clone(), Some(status)));
            } else if now >= asked + patience {
                seat.asked = None;
                seat.next = now;
                seat.line.hang_up(&mut self.net);
                words.push((name.clone(), None));
            }
        }
        words
    }
}

fn status(answer: &[u8]) -> Option<Status> {
    match Reply::decode(answer) {
        Ok(Reply { answer: Ok(Answer::Status(status)), .. }) => Some(*status),
        Ok(other) => {
            tracing::debug!(?other, "no status");
            None
        }
        Err(error) => {
            tracing::debug!(%error, "not an answer");
            None
        }
    }
}
