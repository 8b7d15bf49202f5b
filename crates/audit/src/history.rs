use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Request, RequestId, Topic};

/// The part of the history that one servidor told, read to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryDump {
    /// Who told it: a servidor's name, or how it was read.
    pub servidor: String,
    /// What was asked for.
    pub scope: Scope,
    /// It begins after this index.
    pub after: u64,
    /// It is complete up to and including this index.
    pub upto: u64,
    /// Its records, as they were told: in the same order, nothing sorted, nothing left out.
    pub records: Vec<Record>,
}

/// Which records a [`HistoryDump`] holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// All of them, as `export` tells them.
    Everything,
    /// Only the messages of these topics, as `history` tells them.
    Topics(Vec<Topic>),
}

/// One record of the history: what was said or created, and where in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Told")]
pub struct Record {
    /// Its position.
    pub index: u64,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
    /// When, as the servidor writes it (RFC 3339).
    pub timestamp: String,
    /// Its Lamport clock.
    pub clock: u64,
    /// The id its author gave the request, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Every other key: not understood here, but compared between servidores like the rest.
    #[serde(flatten)]
    pub rest: BTreeMap<String, serde_json::Value>,
}

/// A [`Record`] as it is read. Of two flattened fields each is given all keys: what is known stands among the rest, too.
#[derive(Deserialize)]
struct Told {
    index: u64,
    #[serde(flatten)]
    what: What,
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    clock: u64,
    #[serde(default)]
    request_id: Option<RequestId>,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

impl From<Told> for Record {
    fn from(told: Told) -> Self {
        let Told { index, what, timestamp, clock, request_id, mut rest } = told;
        for key in what.keys() {
            rest.remove(*key);
        }
        Self { index, what, timestamp, clock, request_id, rest }
    }
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// A user name was taken.
    User {
        /// The name.
        user: String,
    },
    /// A channel was created.
    Channel {
        /// The name.
        channel: String,
    },
    /// Something was said in a channel.
    Publish {
        /// Who.
        user: String,
        /// Where.
        channel: String,
        /// What.
        message: String,
    },
    /// Something was said in private.
    Message {
        /// Who.
        src: String,
        /// To whom.
        dst: String,
        /// What.
        message: String,
    },
    /// A channel was followed.
    Join {
        /// Who.
        user: String,
        /// What.
        channel: String,
    },
    /// A channel was no longer followed.
    Leave {
        /// Who.
        user: String,
        /// What.
        channel: String,
    },
}

/// A servidor's own digest of its state, as its `status` told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateDigest {
    /// Who told it.
    pub servidor: String,
    /// The index up to which its state had applied the log.
    pub applied: u64,
    /// The digest, in hexadecimal.
    pub digest: String,
}

/// The data of one reply to `export`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ExportPage {
    /// The records, in log order.
    pub entries: Vec<Record>,
    /// The index up to which this page is complete; ask for what is after it.
    pub upto: u64,
    /// Whether there is more.
    pub more: bool,
}

// === impl HistoryDump ===

impl HistoryDump {
    /// Begins the dump of everything that `servidor` holds after index `after`.
    pub fn everything(servidor: impl Into<String>, after: u64) -> Self {
        Self { servidor: servidor.into(), scope: Scope::Everything, after, upto: after, records: Vec::new() }
    }

    /// Begins a dump of the messages of `topics` after index `after`.
    pub fn of_topics(servidor: impl Into<String>, topics: Vec<Topic>, after: u64) -> Self {
        Self { scope: Scope::Topics(topics), ..Self::everything(servidor, after) }
    }

    /// Adds the next page. Returns the `after` to ask for next, or `None` when the dump is complete.
    pub fn add(&mut self, page: ExportPage) -> Option<u64> {
        self.records.extend(page.entries);
        self.upto = self.upto.max(page.upto);
        page.more.then_some(self.upto)
    }

    /// Whether a record at `index` that answers `request` would be in this dump.
    pub fn covers(&self, request: &Request, index: u64) -> bool {
        index > self.after && index <= self.upto && self.would_hold(request)
    }

    /// Whether every message of `topic` (within the dump's range) is in this dump.
    pub fn covers_topic(&self, topic: &Topic) -> bool {
        match &self.scope {
            Scope::Everything => true,
            Scope::Topics(topics) => topics.iter().any(|held| held.includes(topic)),
        }
    }

    fn would_hold(&self, request: &Request) -> bool {
        match &self.scope {
            Scope::Everything => true,
            Scope::Topics(topics) => {
                What::of(request).is_some_and(|what| topics.iter().any(|topic| what.is_in(topic)))
            }
        }
    }
}

// === impl Record ===

impl Record {
    /// Who and what it is about, for a sentence: `"olá" by ana in geral at index 7`.
    pub fn describe(&self) -> String {
        format!("{} at index {}", self.what, self.index)
    }

    /// Whether this is the record that `request`, sent under `request_id`, would leave.
    pub fn is_of(&self, request_id: &str, request: &Request) -> bool {
        match &self.request_id {
            Some(id) => id == request_id,
            None => What::of(request).as_ref() == Some(&self.what),
        }
    }
}

// === impl What ===

impl What {
    /// What `request` leaves in the history, if it takes effect; `None` for one that leaves nothing.
    pub fn of(request: &Request) -> Option<Self> {
        Some(match request.clone() {
            Request::Login { again: true, .. } => return None,
            Request::Login { user, again: false } => Self::User { user },
            Request::Channel { channel } => Self::Channel { channel },
            Request::Publish { user, channel, message } => Self::Publish { user, channel, message },
            Request::Message { src, dst, message } => Self::Message { src, dst, message },
            Request::Join { user, channel } => Self::Join { user, channel },
            Request::Leave { user, channel } => Self::Leave { user, channel },
        })
    }

    /// Under which keys it is told.
    const fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::User { .. } => &["kind", "user"],
            Self::Channel { .. } => &["kind", "channel"],
            Self::Publish { .. } => &["kind", "user", "channel", "message"],
            Self::Message { .. } => &["kind", "src", "dst", "message"],
            Self::Join { .. } | Self::Leave { .. } => &["kind", "user", "channel"],
        }
    }

    /// Whether it is a message of `topic`.
    pub fn is_in(&self, topic: &Topic) -> bool {
        match (self, topic) {
            (Self::Publish { channel, .. }, Topic::Channel(topic)) => channel == topic,
            (Self::Message { dst, .. }, Topic::Mailbox(user)) => dst == user,
            (Self::Message { src, dst, .. }, Topic::Conversation(one, other)) => {
                (src, dst) == (one, other) || (src, dst) == (other, one)
            }
            (Self::Message { src, dst, .. }, Topic::Private(from, to)) => (src, dst) == (from, to),
            _ => false,
        }
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User { user } => write!(f, "user {user}"),
            Self::Channel { channel } => write!(f, "channel {channel}"),
            Self::Publish { user, channel, message } => write!(f, "{message:?} by {user} in {channel}"),
            Self::Message { src, dst, message } => write!(f, "{message:?} by {src} to {dst}"),
            Self::Join { user, channel } => write!(f, "{user} joining {channel}"),
            Self::Leave { user, channel } => write!(f, "{user} leaving {channel}"),
        }
    }
}
