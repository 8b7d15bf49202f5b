use std::sync::Arc;

use crate::clock::{Instant, Lamport};
use crate::log::{ClusterId, Entry, Index, Operation, RequestId};
use crate::members::MemberId;
use crate::replica::Message;

/// The shell's name for a client request that is waiting for its answer.
pub type Ticket = u64;

/// Number of a write on the disk's queue.
pub type WriteId = u64;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// A message came from another servidor.
    Received {
        /// Who sent it, on which disk.
        from: MemberId,
        /// The cluster it belongs to; `None` while its disk is empty.
        cluster: Option<ClusterId>,
        /// What it said.
        message: Message,
    },
    /// A client asks for something.
    Request(Request),
    /// Nobody waits for this ticket any more.
    Forget(Ticket),
    /// Every write up to this one is on the disk.
    Durable(WriteId),
    /// The disk cannot take writes for now (it is full), or can again.
    DiskRefuses(bool),
    /// Entries that were asked for by [`Output::ReadLog`](super::Output::ReadLog); none where they could not be read.
    LogRead {
        /// From the request.
        read: u64,
        /// Consecutive entries from the index asked for.
        entries: Vec<Arc<Entry>>,
    },
    /// Referencia gave this servidor a rank.
    Rank(u64),
    /// Finish: hand the coordination over, and take no new requests.
    Stop,
    /// Time has passed; at the latest when [`Replica::deadline`](super::Replica::deadline) said so.
    Tick,
}

/// One request of a client.
#[derive(Clone, Debug)]
pub struct Request {
    /// Under which it is answered.
    pub ticket: Ticket,
    /// When it must have been answered.
    pub deadline: Instant,
    /// What is asked.
    pub ask: Ask,
}

/// See [`Request::ask`].
#[derive(Clone, Debug)]
pub enum Ask {
    /// To look at the state, at `seen` or later.
    Read {
        /// The index the client has seen.
        seen: Index,
    },
    /// To change it.
    Write(Box<WriteRequest>),
}

/// A change that a client asks for.
#[derive(Clone, Debug)]
pub struct WriteRequest {
    /// See [`Entry::author`].
    pub author: String,
    /// See [`Entry::request_id`].
    pub request_id: RequestId,
    /// What to do.
    pub operation: Operation,
    /// The client's Lamport clock.
    pub clock: Lamport,
}
