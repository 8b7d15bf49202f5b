use std::sync::Arc;

use crate::chat::{Delivery, Outcome, Record};
use crate::log::{Entry, Epoch, Index, Write};
use crate::members::{MemberId, ServerName};
use crate::replica::{Hello, Message, Ticket, WriteId};

/// Something that the shell has to do.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send a message to one servidor. It may get lost.
    Send {
        /// To whom.
        to: ServerName,
        /// What.
        message: Message,
    },
    /// Greet everybody whose address is known, and every address whose owner is not known yet.
    Greet(Hello),
    /// Send a message to all servidores at once, over the publishing socket. It may get lost.
    Broadcast(Message),
    /// Put a write on the disk's queue; report [`Input::Durable`](super::Input::Durable).
    Persist {
        /// Its number. They grow by one.
        id: WriteId,
        /// What to write.
        write: Write,
    },
    /// Read entries from the disk; report [`Input::LogRead`](super::Input::LogRead).
    ReadLog {
        /// Comes back with the entries.
        read: u64,
        /// The first index wanted.
        from: Index,
    },
    /// Answer a client.
    Answer {
        /// Who asked.
        ticket: Ticket,
        /// The answer.
        answer: Answer,
    },
    /// Index accepted operations in the store's views.
    Index {
        /// In log order.
        records: Vec<Record>,
        /// Up to which index this is complete.
        applied: Index,
    },
    /// Publish a message through the proxies.
    Publish(Box<Delivery>),
    /// Tell the last index of a topic through the proxies.
    Tip {
        /// The topic.
        topic: String,
        /// The index of its last message.
        index: Index,
    },
    /// This servidor coordinates: announce it on the topic `servers`. Said again for a while, since publications get lost.
    Announce {
        /// In which epoch.
        epoch: Epoch,
    },
    /// Tell the brokers whether requests may be sent here.
    Availability(Availability),
    /// Something that the operator should know.
    Notice(Notice),
}

/// How a client's request ended here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The write was ordered at `index` and came to this.
    Written {
        /// What it came to.
        outcome: Outcome,
        /// Its position in the log (of the first time it was carried out).
        index: Index,
    },
    /// The state may be read now: everything that the client has seen is in it.
    Readable,
    /// This servidor cannot say. Another can.
    Elsewhere {
        /// Whether the write may have been ordered all the same.
        ordered: bool,
    },
    /// Too many writes are waiting here.
    Overloaded,
    /// The deadline passed, and the write may or may not be ordered some day.
    Unknown,
    /// The deadline passed, and the request certainly had no effect.
    TimedOut,
    /// Not every member is of a release that knows such a request. It had no effect.
    NotYet,
    /// The client claims to have seen what is not in the log.
    BeyondLog {
        /// Where the log ends.
        last: Index,
    },
}

/// What the brokers are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Availability {
    /// Cannot serve: no coordinator is heard, or this servidor does not count.
    #[default]
    Withdrawn,
    /// Serves.
    Serving,
    /// Finishes what it has, and takes nothing new.
    Draining,
}

/// Events for logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The cluster was founded.
    Founded(Arc<Entry>),
    /// No coordinator was heard for a while.
    Suspected,
    /// This servidor asks for the promises of an epoch.
    Standing(Epoch),
    /// This servidor coordinates.
    Coordinates(Epoch),
    /// Another one coordinates.
    Follows(MemberId, Epoch),
    /// This servidor coordinates no longer.
    Resigned(Resigned),
    /// The coordination is being handed to another servidor.
    HandingOver(ServerName),
    /// A message came from a servidor of another cluster.
    OtherCluster(MemberId),
    /// Another process uses this servidor's name.
    NameTaken(MemberId),
    /// This disk was known to hold more than it does: it continues under a new identity, as a learner.
    DiskOutdated,
    /// The members changed: this entry was ordered.
    MembersChange(Arc<Entry>),
    /// This servidor is to found a cluster, and there is one already: it learns that one's log instead.
    AlreadyFounded(MemberId),
    /// Two coordinators claim one epoch. It cannot happen while every disk keeps its promises.
    RivalCoordinator(MemberId, Epoch),
}

/// Why a coordinator stopped coordinating.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resigned {
    /// A higher epoch was promised.
    Overruled,
    /// No majority acknowledged for too long.
    NoMajority,
    /// The disk is stuck or full.
    Disk,
    /// It is no member any more.
    Removed,
}
