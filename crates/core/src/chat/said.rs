use serde::{Deserialize, Serialize};

use crate::clock::{Lamport, WallTime};
use crate::log::{Entry, Index, Operation, RequestId};

use super::topics::MAILBOX;

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
    /// The timelines it is part of: one for a channel message, three for a private one (two for a note to oneself),
    /// none for the rest.
    pub timelines: Vec<TimelineKey>,
}

impl Said {
    /// What `entry` says, if it is one that says something; whether it was accepted is known to the [`Record`]s only.
    pub fn of(entry: &Entry) -> Option<Self> {
        let (operation, time, clock) = match &entry.operation {
            Operation::Imported { operation, time, clock } => (&**operation, *time, *clock),
            operation => (operation, entry.time, entry.lamport),
        };
        let (from, to, message) = match operation {
            Operation::Publish { channel, user, message } => (user, To::Channel(channel.clone()), message),
            Operation::Message { src, dst, message } => (src, To::User(dst.clone()), message),
            _ => return None,
        };
        let request_id = match &entry.request_id {
            Some(RequestId::Client(id)) => Some(id.clone()),
            Some(RequestId::Broker { .. }) | None => None,
        };
        Some(Self {
            index: entry.index,
            time,
            clock,
            from: from.clone(),
            to,
            message: message.clone(),
            request_id,
        })
    }

    /// The timelines that show it.
    pub fn timelines(&self) -> Vec<TimelineKey> {
        match &self.to {
            To::Channel(channel) => vec![TimelineKey::Channel(channel.clone())],
            To::User(dst) if *dst == self.from => {
                vec![TimelineKey::pair(dst, dst), TimelineKey::Mailbox(dst.clone())]
            }
            To::User(dst) => vec![
                TimelineKey::pair(&self.from, dst),
                TimelineKey::Mailbox(self.from.clone()),
                TimelineKey::Mailbox(dst.clone()),
            ],
        }
    }
}

impl To {
    /// The topic on which it is published: the channel's name, or `user:` and the user's.
    pub fn topic(&self) -> String {
        match self {
            Self::Channel(channel) => channel.clone(),
            Self::User(user) => format!("{MAILBOX}{user}"),
        }
    }
}

impl TimelineKey {
    /// The private conversation of two people, whichever of them is named first.
    pub fn pair(one: &str, other: &str) -> Self {
        let (lesser, greater) = if one <= other { (one, other) } else { (other, one) };
        Self::Pair(lesser.to_owned(), greater.to_owned())
    }
}
