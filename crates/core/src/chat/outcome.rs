use serde::{Deserialize, Serialize};

use crate::clock::{Lamport, WallTime};
use crate::log::Index;

/// What applying an entry came to. A refusal is a result like any other: a retry gets it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It took effect.
    Done,
    /// It was ordered, and changed nothing.
    Refused(Refusal),
}

/// Why an ordered request changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// The name of the user, or one that looks like it, is taken.
    UserExists,
    /// The name of the channel, or one that looks like it, is taken.
    ChannelExists,
    /// There is no such channel.
    NoSuchChannel,
    /// There is no such user.
    NoSuchUser,
    /// The request id was used before, for something else.
    IdReused,
}

/// Something that was said, as the log tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its position in the log.
    pub index: Index,
    /// When: the entry's time, or that of the system it was imported from.
    pub time: WallTime,
    /// Its Lamport clock.
    pub clock: Lamport,
    /// Who said it.
    pub from: String,
    /// The channel, or the person it was said to.
    pub to: To,
    /// The text.
    pub message: String,
    /// The request id its author gave it, where it was the client who chose one.
    pub request_id: Option<String>,
}

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum To {
    /// In a channel.
    Channel(String),
    /// To one user.
    User(String),
}

/// A message to be published: what was said, and the index of the one before it on the same topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What was said.
    pub said: Said,
    /// Index of the message before it on the same topic, 0 for none.
    pub previous: Index,
}

/// A sequence of messages that can be read in pages: the key of the view that the store derives from the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimelineKey {
    /// All that was said in a channel.
    Channel(String),
    /// All that two people said to each other; the lesser name first.
    Pair(String, String),
    /// All private messages that one person sent or was sent.
    Mailbox(String),
}

/// One accepted chat operation, as the views of the store index it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Position of its entry in the log.
    pub index: Index,
    /// The timelines it is part of: one for a channel message, three for a private one, none for the rest.
    pub timelines: Vec<TimelineKey>,
}
