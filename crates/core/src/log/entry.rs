use serde::{Deserialize, Serialize};

use crate::clock::{Lamport, WallTime};
use crate::log::Operation;

/// A position in the log, from 1; 0 is "before everything".
pub type Index = u64;

/// The number of a coordinator's reign. A higher epoch overrules a lower one; 0 is "none yet".
pub type Epoch = u64;

/// Where an entry stands and who ordered it. Two logs that hold the same position are the same up to there (Ongaro 2014,
/// §3.5, the log matching property). Compares by epoch first: the greater position belongs to the "longer" log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The epoch in which the entry was ordered.
    pub epoch: Epoch,
    /// Its index.
    pub index: Index,
}

/// One operation of the replicated log. Every replica applies the same entries in the same order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the log.
    pub index: Index,
    /// The epoch in which the coordinator ordered it. It keeps it when a later coordinator takes the log over.
    pub epoch: Epoch,
    /// Strictly greater than that of every entry before it.
    pub lamport: Lamport,
    /// The agreed time at which it was ordered; never before that of an earlier entry.
    pub time: WallTime,
    /// Who asked for it: with [`Entry::request_id`] the key by which a retry is recognised. Empty for the system's own.
    pub author: String,
    /// The id under which retries of the request are the same request; `None` for the system's own entries.
    pub request_id: Option<RequestId>,
    /// What to do.
    pub operation: Operation,
}

impl Entry {
    /// Where the entry stands.
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch, index: self.index }
    }
}

/// The identity of a request across its retries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RequestId {
    /// Chosen by the client, 1 to 64 bytes.
    Client(String),
    /// Given by a broker to a request of a client that sends none. A name space that clients cannot write to.
    Broker {
        /// Random, drawn when the broker started.
        incarnation: u64,
        /// Counts the requests of that incarnation.
        counter: u64,
    },
}
