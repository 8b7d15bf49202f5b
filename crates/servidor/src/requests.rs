//! Clients' requests: what they ask becomes something the core can order or allow, and what comes back becomes a reply.
//!
//! A request is *asked* (of the core), perhaps asked again (a session has to be checked against a state that is new enough
//! before a write is ordered), perhaps *read* (history comes from the disk, beside the loop), and answered once.

mod answers;
mod members;
mod queue;
mod reads;

use std::collections::HashMap;
use std::sync::mpsc;

use papo_core::chat::Outcome;
use papo_core::clock::{Lamport, Now, WallTime};
use papo_core::log::RequestId;
use papo_core::replica::{self, Answer as Verdict, Ask, Input, Replica, Ticket, WriteRequest};
use papo_service::{Line, Sparing};
use papo_transport::{Frames, SocketId, Waker};
use papo_wire::Service;
use papo_wire::envelope::{Dispatch, Ordered, ToBroker};
use papo_wire::reply::{Answer, Failure, Reason, Reply};
use papo_wire::request::{Body, Request};

use crate::metrics::Metrics;
pub(crate) use reads::ReadDone;

/// Where an answer goes.
#[derive(Debug)]
pub(crate) enum Origin {
    /// To a broker, under its ticket.
    Broker { socket: SocketId, ticket: u64 },
    /// To whoever asked on the port for servidores: the envelope that leads back.
    Direct { envelope: Frames },
}

/// A frame on its way out.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// To a broker.
    Broker { socket: SocketId, message: ToBroker },
    /// To whoever asked directly.
    Direct { envelope: Frames, payload: Vec<u8> },
}

/// Who the servidor is, for `status`.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// Where it is reached.
    pub(crate) own: String,
    /// How full its disk is.
    pub(crate) disk: crate::disk::Measured,
    /// Where others are, by name.
    pub(crate) addresses: std::collections::BTreeMap<String, String>,
    /// When it started.
    pub(crate) clocks: crate::clocks::Clocks,
}

#[derive(Debug)]
struct Pending {
    origin: Origin,
    request: Request,
    /// The id for a request that carries none.
    fallback: RequestId,
    deadline: papo_core::clock::Instant,
}

/// All requests that are being worked on.
pub(crate) struct ClientRequests {
    pending: HashMap<Ticket, Pending>,
    /// Operators that wait for a change of the members to be agreed.
    changes: HashMap<Ticket, members::Asked>,
    next: Ticket,
    clock: Lamport,
    about: About,
    /// Reads that wait for the disk.
    queue: queue::Queue<reads::Waiting>,
    reads: mpsc::Sender<ReadDone>,
    waker: Waker,
    metrics: Metrics,
    /// Of requests that make no sense, and of those that cannot be granted: told apart, so that a flood of the one hides none of the other.
    nonsense: Sparing,
    refusals: Sparing,
}

impl ClientRequests {
    /// `reads` is where answers from the disk arrive; `waker` wakes the loop that looks there.
    pub(crate) fn new(about: About, reads: mpsc::Sender<ReadDone>, waker: Waker, metrics: Metrics) -> Self {
        let (pending, changes) = (HashMap::new(), HashMap::new());
        let (clock, queue) = (Lamport::default(), queue::Queue::new());
        let (nonsense, refusals) = (Sparing::new(tell_nonsense), Sparing::new(tell_refusals));
        Self { pending, changes, next: 1, clock, about, queue, reads, waker, metrics, nonsense, refusals }
    }

    /// A request that a broker sent.
    pub(crate) fn dispatched(
        &mut self,
        now: Now,
        replica: &mut Replica,
        socket: SocketId,
        dispatch: Dispatch,
        payload: &[u8],
    ) -> Option<Outgoing> {
        let origin = Origin::Broker { socket, ticket: dispatch.ticket };
        let request = match Request::decode(payload) {
            Ok(request) => request,
            Err(bad) => return Some(self.refuse(now, replica, origin, &bad)),
        };
        self.clock = self.clock.receive(request.clock);
        let seen = request.seen.max(dispatch.seen);
        let fallback = RequestId::Broker { incarnation: dispatch.incarnation, counter: dispatch.counter };
        let deadline = now.instant + std::time::Duration::from_millis(dispatch.deadline_ms.into());
        let ticket = self.next;
        self.next += 1;
        let ask = match self.write_at_once(&request, &fallback) {
            Ok(Some(write)) => Ask::Write(Box::new(write)),
            Ok(None) => Ask::Read { seen },
            Err(failure) => return Some(self.reply(now, replica, origin, Err(failure), None)),
        };
        self.pending.insert(ticket, Pending { origin, request, fallback, deadline });
        replica.handle(now, Input::Request(replica::Request { ticket, deadline, ask }));
        None
    }

    /// The write that a request asks for, if it can be ordered without looking at the state first.
    fn write_at_once(
        &self,
        request: &Request,
        fallback: &RequestId,
    ) -> Result<Option<WriteRequest>, Failure> {
        match &request.body {
            // A session is checked against the state before a name is claimed anew, or a channel followed.
            Body::Login { .. } if request.session.is_some() => Ok(None),
            Body::Join { .. } | Body::Leave { .. } => Ok(None),
            Body::Import(_) if request.request_id.is_none() => Err(Failure::explained(
                Service::Import,
                Reason::BadRequest,
                "Falta `request_id`: importar precisa de um, para não duplicar.",
            )),
            _ => Ok(write(request, fallback)),
        }
    }

    /// The core has come to a verdict.
    pub(crate) fn decided(
        &mut self,
        now: Now,
        replica: &mut Replica,
        ticket: Ticket,
        verdict: Verdict,
    ) -> Option<Outgoing> {
        if let Some(asked) = self.changes.remove(&ticket) {
            return Some(self.told_about_members(now, replica, asked, &verdict.into()));
        }
        if let Verdict::Readable = verdict {
            return self.readable(now, replica, ticket);
        }
        let Pending { origin, request, .. } = self.pending.remove(&ticket)?;
        let service = request.service();
        let failure = |reason| Err(Failure::new(service, reason));
        let (answer, index) = match verdict {
            Verdict::Readable => return None,
            Verdict::Written { outcome: Outcome::Done, index } => (Ok(done(&request, replica)), Some(index)),
            Verdict::Written { outcome: Outcome::Refused(refusal), index } => {
                (Err(Failure::refused(service, refusal)), Some(index))
            }
            Verdict::Elsewhere { ordered } => {
                self.metrics.answered(service, "elsewhere");
                return self.elsewhere(now, replica, origin, service, ordered);
            }
            Verdict::Overloaded => (failure(Reason::RateLimited), None),
            Verdict::Unknown => (failure(Reason::Unknown), None),
            Verdict::NotYet => (failure(Reason::NotOrdered), None),
            Verdict::TimedOut if service.is_write() => (failure(Reason::NotOrdered), None),
            Verdict::TimedOut => (failure(Reason::Unavailable), None),
            Verdict::BeyondLog { .. } => (failure(Reason::Ahead), None),
        };
        Some(self.reply(now, replica, origin, answer, index))
    }

    fn elsewhere(
        &mut self,
        now: Now,
        replica: &Replica,
        origin: Origin,
        service: Service,
        ordered: bool,
    ) -> Option<Outgoing> {
        match origin {
            Origin::Broker { socket, ticket } => {
                let ordered = if ordered { Ordered::Unknown } else { Ordered::No };
                Some(Outgoing::Broker { socket, message: ToBroker::Elsewhere { ticket, ordered } })
            }
            Origin::Direct { .. } => {
                let failure = Failure::new(service, Reason::Unavailable);
                Some(self.reply(now, replica, origin, Err(failure), None))
            }
        }
    }

    /// Encodes an answer. `index` is that of a write; everything else reflects what is applied.
    fn reply(
        &mut self,
        now: Now,
        replica: &Replica,
        origin: Origin,
        answer: Result<Answer, Failure>,
        index: Option<u64>,
    ) -> Outgoing {
        match &answer {
            Ok(answer) => self.metrics.answered(answer.service(), "ok"),
            Err(Failure { service: Some(service), reason, .. }) => {
                self.metrics.answered(*service, reason.as_str());
                // What makes no sense was told of as such.
                let nonsense = matches!(reason, Reason::BadRequest | Reason::UnknownService);
                if !nonsense {
                    self.refusals.happened(reason.as_str(), service);
                }
            }
            Err(_) => {}
        }
        let index = index.unwrap_or_else(|| replica.chat().applied());
        let (time, clock) = self.stamps(now, replica);
        let payload = Reply { time, clock, index, answer }.encode();
        self.outgoing(origin, index, payload)
    }

    fn outgoing(&self, origin: Origin, index: u64, payload: Vec<u8>) -> Outgoing {
        match origin {
            Origin::Broker { socket, ticket } => {
                Outgoing::Broker { socket, message: ToBroker::Answer { ticket, index, payload } }
            }
            Origin::Direct { envelope } => Outgoing::Direct { envelope, payload },
        }
    }

    /// What every reply is stamped with: the agreed time, and a Lamport clock later than everything applied. It is held where the
    /// log still believes it: replies and what strangers claim would else take it ahead without end while nobody writes, and
    /// whoever sends it back is to have its write later than what it saw.
    pub(crate) fn stamps(&mut self, now: Now, replica: &Replica) -> (WallTime, Lamport) {
        let applied = replica.chat().lamport();
        let believable = Lamport::new(applied.get() + Lamport::MAX_LEAP / 2);
        self.clock = self.clock.max(applied).tick().min(believable);
        // Never before what was already stamped in the log.
        (replica.agreed_time(now).max(replica.chat().time()), self.clock)
    }

    /// Where the others are, for `status`.
    pub(crate) fn know_addresses(&mut self, addresses: std::collections::BTreeMap<String, String>) {
        self.about.addresses = addresses;
    }

    /// A clock was received outside of a client's request.
    pub(crate) fn merge(&mut self, clock: Lamport) {
        self.clock = self.clock.receive(clock);
    }
}

/// The write that a request asks for; `None` for reads.
fn write(request: &Request, fallback: &RequestId) -> Option<WriteRequest> {
    let (author, operation) = request.body.operation()?;
    let request_id = request.request_id.clone().map_or_else(|| fallback.clone(), RequestId::Client);
    Some(WriteRequest { author, request_id, operation, clock: request.clock })
}

/// What a write that took effect is answered.
fn done(request: &Request, replica: &Replica) -> Answer {
    match &request.body {
        Body::Login { user } => {
            let session = replica.chat().session(&user.display).unwrap_or_default();
            Answer::Login { user: user.display.clone(), session }
        }
        Body::Channel { .. } => Answer::Channel,
        Body::Publish { .. } => Answer::Publish,
        Body::Message { .. } => Answer::Message,
        Body::Join { .. } => Answer::Join,
        Body::Leave { .. } => Answer::Leave,
        _ => Answer::Import,
    }
}

fn tell_nonsense(Line { kind, count, what }: Line) {
    tracing::warn!(count, reason = kind, error = what, "bad requests");
}

fn tell_refusals(Line { kind, count, what }: Line) {
    tracing::info!(count, reason = kind, example = what, "requests were answered with an error");
}

#[cfg(test)]
mod tests;
