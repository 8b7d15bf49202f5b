//! Many questions at a time, each on a connection of its own, as many clients would ask them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use papo_transport::{Frames, Kind, Net, SocketId, SocketOptions, ZmqContext, ZmqNet};
use papo_wire::reply::Reply;
use papo_wire::request::Request;

use super::Unanswered;

/// How long a broker may be silent: it answers every request, with an error at the least, within five seconds.
const SILENCE: Duration = Duration::from_secs(6);
/// The pause before a question is asked again because the answer said so.
const PAUSE: Duration = Duration::from_millis(200);

/// Where questions come from, and answers go.
pub(crate) trait Questions {
    /// What tells one question from another.
    type Ticket;

    /// The next question that may be asked now. `None`: none, or none until something asked before is answered.
    fn next(&mut self) -> Option<(Self::Ticket, Request)>;

    /// What came of a question.
    fn answered(&mut self, ticket: Self::Ticket, reply: Result<Reply, Unanswered>);
}

/// A fixed number of connections, which stay open between runs.
pub(crate) struct Pool {
    net: ZmqNet,
    addresses: Vec<SocketAddr>,
    lines: Vec<Line>,
    limit: Duration,
}

/// One connection.
struct Line {
    socket: Option<SocketId>,
    /// Which address it is (to be) connected to.
    at: usize,
}

/// A question on a line.
struct Asked<T> {
    ticket: T,
    payload: Vec<u8>,
    /// When it is given up.
    deadline: Instant,
    /// When it is asked (again).
    next_attempt: Instant,
    awaiting: bool,
}

impl Pool {
    /// `lines` connections, spread over `addresses`. A question is given up after `limit`.
    pub(crate) fn new(addresses: Vec<SocketAddr>, lines: usize, limit: Duration) -> Result<Self, Unanswered> {
        assert!(!addresses.is_empty() && lines > 0, "a pool connects somewhere");
        let net = ZmqNet::new(&ZmqContext::new()).map_err(|error| Unanswered::NoSocket(error.to_string()))?;
        let lines = (0..lines).map(|at| Line { socket: None, at }).collect();
        Ok(Self { net, addresses, lines, limit })
    }

    /// Asks until there are no questions left, and all are answered.
    pub(crate) fn run<Q: Questions>(&mut self, questions: &mut Q) {
        let mut open: Vec<Option<Asked<Q::Ticket>>> = self.lines.iter().map(|_| None).collect();
        let mut ready = Vec::new();
        loop {
            for asked in open.iter_mut().filter(|asked| asked.is_none()) {
                let Some((ticket, request)) = questions.next() else { break };
                *asked = Some(Asked::new(ticket, &request, self.limit));
            }
            let mut answered = false;
            for (line, slot) in open.iter_mut().enumerate() {
                let Some(asked) = slot else { continue };
                if let Some(reply) = self.advance(line, asked)
                    && let Some(asked) = slot.take()
                {
                    questions.answered(asked.ticket, reply);
                    answered = true;
                }
            }
            if answered {
                // Lines are free, and an answer may have freed questions.
                continue;
            }
            let next = open.iter().flatten().map(|asked| asked.next_attempt.min(asked.deadline)).min();
            let Some(next) = next else { return };
            self.net.wait(Some(next.saturating_duration_since(Instant::now())), &mut ready);
        }
    }

    /// Does what there is to do about a question now. `Some` when that was the end of it.
    fn advance<T>(&mut self, line: usize, asked: &mut Asked<T>) -> Option<Result<Reply, Unanswered>> {
        let now = Instant::now();
        if let Some(frames) = self.receive(line, asked) {
            return match Reply::decode(&frames.concat()) {
                Ok(reply) if worth_a_retry(&reply) && now + PAUSE < asked.deadline => {
                    asked.awaiting = false;
                    asked.next_attempt = now + PAUSE;
                    None
                }
                Ok(reply) => Some(Ok(reply)),
                Err(bad) => Some(Err(bad.into())),
            };
        }
        if now >= asked.deadline {
            self.hang_up(line);
            return Some(Err(Unanswered::Silence(self.limit)));
        }
        if now < asked.next_attempt {
            return None;
        }
        if asked.awaiting {
            // Silence: that broker is gone. The next address may be another one, or its successor.
            self.hang_up(line);
        }
        self.attempt(line, asked, now).err().map(Err)
    }

    fn receive<T>(&mut self, line: usize, asked: &Asked<T>) -> Option<Frames> {
        let socket = self.lines[line].socket.filter(|_| asked.awaiting)?;
        self.net.receive(socket)
    }

    fn attempt<T>(&mut self, line: usize, asked: &mut Asked<T>, now: Instant) -> Result<(), Unanswered> {
        let socket = self.connected(line)?;
        self.net.send(socket, vec![asked.payload.clone()]).map_err(no_socket)?;
        asked.awaiting = true;
        asked.next_attempt = now + SILENCE;
        Ok(())
    }

    fn connected(&mut self, line: usize) -> Result<SocketId, Unanswered> {
        if let Some(socket) = self.lines[line].socket {
            return Ok(socket);
        }
        let address = self.addresses[self.lines[line].at % self.addresses.len()];
        let socket = self.net.open(Kind::Request, &SocketOptions::default()).map_err(no_socket)?;
        self.lines[line].socket = Some(socket);
        self.net.connect(socket, address).map_err(no_socket)?;
        Ok(socket)
    }

    /// Ends the connection; the next attempt goes to the next address.
    fn hang_up(&mut self, line: usize) {
        let line = &mut self.lines[line];
        line.at += 1;
        if let Some(socket) = line.socket.take() {
            self.net.close_after(socket, Duration::ZERO);
        }
    }
}

impl<T> Asked<T> {
    fn new(ticket: T, request: &Request, limit: Duration) -> Self {
        let now = Instant::now();
        Self { ticket, payload: request.encode(), deadline: now + limit, next_attempt: now, awaiting: false }
    }
}

fn no_socket(error: impl std::error::Error) -> Unanswered {
    Unanswered::NoSocket(error.to_string())
}

fn worth_a_retry(reply: &Reply) -> bool {
    reply.answer.as_ref().is_err_and(|failure| failure.reason.is_worth_a_retry())
}

#[cfg(test)]
mod tests;
