//! What servidores say to each other.
//!
//! Every message comes with the sender's [`MemberId`](crate::members::MemberId) (name and disk) and, once it has one, its cluster.
//! Adding a field or variant is an addition to the protocol's version in the wire crate.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::{Lamport, WallTime};
use crate::log::{Entry, Epoch, Index, Operation, Position, RequestId};
use crate::members::MemberId;

/// One message from servidor to servidor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// Who is here, and what is on its disk.
    Hello(Hello),
    /// The founding entry, to everyone it names.
    Found(Arc<Entry>),
    /// Pre-vote (Ongaro 2014, §9.6): do you hear a coordinator?
    Canvass {
        /// Tells the answers of one round from those of another.
        round: u64,
    },
    /// The answer to [`Message::Canvass`].
    CanvassReply {
        /// The round asked about.
        round: u64,
        /// That the sender hears no coordinator either.
        free: bool,
        /// The highest epoch it knows.
        promised: Epoch,
    },
    /// Bully (Garcia-Molina 1982): I would coordinate; is there a higher rank that can?
    Election {
        /// Tells the answers of one round from those of another.
        round: u64,
        /// The sender's rank.
        rank: u64,
        /// How far the sender's log goes: who is far behind that does not answer.
        last: Position,
    },
    /// Bully's answer: a higher rank stands itself.
    ElectionOk {
        /// The round asked about.
        round: u64,
    },
    /// A candidate asks for the promise of a new epoch.
    AskPromise {
        /// The epoch.
        epoch: Epoch,
        /// How far the sender's log goes: one that has gone back in time may not coordinate.
        last: Position,
    },
    /// The promise, stored before it is sent.
    Promised(Promised),
    /// An epoch below `promised` is not obeyed any more.
    Refused {
        /// The highest epoch that the sender has promised.
        promised: Epoch,
    },
    /// The coordinator's entries, and its commit index. The fast path.
    Batch(Batch),
    /// The coordinator is alive.
    Beacon(Beacon),
    /// What of the coordinator's log is durable with the sender.
    Ack(Ack),
    /// A request for entries.
    Fetch {
        /// The epoch under which the answer is to be believed.
        epoch: Epoch,
        /// The last index that the sender needs not.
        after: Index,
    },
    /// The answer to [`Message::Fetch`].
    Fetched {
        /// The epoch asked under.
        epoch: Epoch,
        /// The position that `entries` follow.
        previous: Position,
        /// Consecutive entries; a bounded number of them.
        entries: Vec<Arc<Entry>>,
    },
    /// Writes of clients, to be ordered by the coordinator.
    Submit(Vec<Proposal>),
    /// Cristian: what time is it?
    AskClock {
        /// The sender's monotonic clock, in nanoseconds; comes back with the answer.
        sent: u64,
    },
    /// Cristian's answer, from the coordinator.
    Clock {
        /// From the request.
        sent: u64,
        /// The agreed time.
        time: WallTime,
        /// The coordinator's monotonic clock when it answered, in nanoseconds: what [`Beacon::confirmed`] is compared with.
        at: u64,
    },
    /// A higher rank that is caught up and stable asks for the coordination.
    AskHandOver,
    /// The coordinator has stopped ordering, and the receiver has all of its log: it may stand at once.
    HandOver {
        /// The coordinator's epoch, so that an old offer does nothing.
        epoch: Epoch,
    },
    /// The receiver's disk once held the committed log up to `held`. If it does not any more, it has gone back in time and may not
    /// count. Messages overtake each other, so it is the receiver who looks whether that is so.
    Outdated {
        /// What the sender knows it to have held.
        held: Index,
    },
}

/// See [`Message::Hello`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The rank that referencia gave, or the log names; 0 while unknown.
    pub rank: u64,
    /// How far the log goes; the default for an empty disk.
    pub last: Position,
    /// The highest epoch promised.
    pub promised: Epoch,
    /// The highest version of the rules that this build can apply.
    pub rules: u32,
    /// Random, drawn at the start of the process: two processes under one name differ here.
    pub incarnation: u64,
    /// The sender's own wall clock, uncorrected: many independent clocks make one wrong one harmless.
    pub wall: WallTime,
}

/// See [`Message::Promised`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promised {
    /// What was promised.
    pub epoch: Epoch,
    /// How far the promiser's log goes, all of it durable.
    pub last: Position,
    /// The promiser's own wall clock, as in [`Hello::wall`].
    pub wall: WallTime,
    /// What the promiser knows to be published already.
    pub published: Index,
}

/// See [`Message::Batch`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The coordinator's epoch.
    pub epoch: Epoch,
    /// The position before the first entry.
    pub previous: Position,
    /// What follows it. Empty when only the commit index has news.
    pub entries: Vec<Arc<Entry>>,
    /// The commit index.
    pub commit: Index,
}

/// See [`Message::Beacon`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beacon {
    /// The coordinator's epoch.
    pub epoch: Epoch,
    /// The end of its log: whoever has less has missed something.
    pub last: Position,
    /// The commit index.
    pub commit: Index,
    /// Up to where messages were published through the proxies.
    pub published: Index,
    /// The coordinator's monotonic clock, in nanoseconds; comes back with the acknowledgement.
    pub sent: u64,
    /// When, by the same clock, a majority is known to have obeyed it last: nobody else had committed anything by then.
    pub confirmed: u64,
    /// [`Beacon::sent`] of the last beacon that the receiver is known to have answered: shows whether it is heard.
    pub answered: u64,
    /// What each disk is known to hold of the committed log, so that one that goes back in time is found out.
    pub held: Vec<(MemberId, Index)>,
}

/// See [`Message::Ack`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ack {
    /// The epoch of the coordinator whose log this was compared with.
    pub epoch: Epoch,
    /// Up to here the log is the coordinator's, and durable.
    pub index: Index,
    /// `sent` of the last beacon received in that epoch, 0 before the first.
    pub beacon: u64,
}

/// A client's write on its way to be ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// See [`Entry::author`].
    pub author: String,
    /// See [`Entry::request_id`].
    pub request_id: RequestId,
    /// What to do.
    pub operation: Operation,
    /// The client's Lamport clock.
    pub clock: Lamport,
}
