use serde::{Deserialize, Serialize};

/// The id that all retries of one request share; unique among all requests of an audit.
pub type RequestId = String;

/// One line of a ledger: what happened to one client, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Microseconds since the ledger was begun, by the observer's monotonic clock. Never decreases along a ledger.
    pub at: u64,
    /// Which of the observer's clients it concerns; a user's name where the client is logged in.
    pub client: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What an observer outside the cluster can see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A request is about to be sent, for the first time or again. Recorded *before* sending.
    Attempted {
        /// Its id.
        request_id: RequestId,
        /// What it asks for.
        request: Request,
        /// The message that this one answers, which therefore must come first everywhere.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replies_to: Option<RequestId>,
    },
    /// It was answered `sucesso` or `OK`.
    Acknowledged {
        /// Which request.
        request_id: RequestId,
        /// The index that the answer reflects: the request's own, or a later one.
        index: u64,
    },
    /// It was decided, and the decision is no: a name is taken, a channel does not exist. Every retry gets the same answer.
    Refused {
        /// Which request.
        request_id: RequestId,
        /// The text of the answer.
        reason: String,
    },
    /// This attempt was turned away and certainly never ordered. A retry may well succeed.
    TurnedAway {
        /// Which request.
        request_id: RequestId,
        /// The text of the answer.
        reason: String,
    },
    /// No answer in time, or one that says that nobody knows. It may have taken effect.
    Unknown {
        /// Which request.
        request_id: RequestId,
        /// The text of the answer, or why there is none.
        reason: String,
    },
    /// From here on the client is owed every message of `topic` beyond `after`, once, in order.
    Follows {
        /// What it follows.
        topic: Topic,
        /// Messages up to this index are not owed (they may still be shown).
        after: u64,
    },
    /// Messages of `topic` beyond `upto` are no longer owed.
    Unfollows {
        /// What it followed.
        topic: Topic,
        /// The last index still owed.
        upto: u64,
    },
    /// A message was shown to the client.
    Shown {
        /// Where.
        topic: Topic,
        /// Its position in the log.
        index: u64,
        /// The id its author gave it, where it came along.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<RequestId>,
    },
    /// The client was given all the time it was promised to show everything up to `index`.
    CaughtUp {
        /// The last index that must have been shown by now.
        index: u64,
    },
    /// The client read something (any request that writes nothing) and was answered.
    Read {
        /// When it asked; same clock as [`Entry::at`].
        asked: u64,
        /// The `seen` it sent, 0 for none.
        seen: u64,
        /// The index that the answer reflects.
        index: u64,
    },
    /// The client read a page of history.
    Page {
        /// Of what.
        topic: Topic,
        /// When it asked; same clock as [`Entry::at`].
        asked: u64,
        /// The `seen` it sent, 0 for none.
        seen: u64,
        /// The index that the answer reflects.
        index: u64,
        /// Whether it is the newest page, which ends at `index`, or one from the middle.
        newest: bool,
        /// The indices of its messages, as they stood on the page.
        messages: Vec<u64>,
    },
}

/// What a client may ask to be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "service", rename_all = "snake_case")]
pub enum Request {
    /// Takes a user name, or comes back to it.
    Login {
        /// The name.
        user: String,
        /// Whether it came with a session: then the name was taken before, by the same person, and nothing is written.
        #[serde(default)]
        again: bool,
    },
    /// Takes a channel name.
    Channel {
        /// The name.
        channel: String,
    },
    /// Says something in a channel.
    Publish {
        /// Who.
        user: String,
        /// Where.
        channel: String,
        /// What.
        message: String,
    },
    /// Says something to one person.
    Message {
        /// Who.
        src: String,
        /// To whom.
        dst: String,
        /// What.
        message: String,
    },
    /// Follows a channel.
    Join {
        /// Who.
        user: String,
        /// What.
        channel: String,
    },
    /// Stops following a channel.
    Leave {
        /// Who.
        user: String,
        /// What.
        channel: String,
    },
}

impl Request {
    /// Whether something is said by it; only such requests get a [`crate::Verdict`].
    pub fn is_said(&self) -> bool {
        matches!(self, Self::Publish { .. } | Self::Message { .. })
    }

    /// Whether an acknowledgement of it means that a record of it must be found. Joining what one has joined already, and
    /// logging in again, may leave none.
    pub fn leaves_a_record(&self) -> bool {
        match self {
            Self::Login { again, .. } => !again,
            Self::Channel { .. } | Self::Publish { .. } | Self::Message { .. } => true,
            Self::Join { .. } | Self::Leave { .. } => false,
        }
    }
}

/// A sequence of messages that can be followed or read. Names are as they were typed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// All that is said in a channel.
    Channel(String),
    /// All that is said to one user in private, by anyone.
    Mailbox(String),
    /// All that two users said to each other in private.
    Conversation(String, String),
    /// What the first user says to the second in private.
    Private(String, String),
}

impl Topic {
    /// Whether every message of `other` is one of this topic.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mailbox(user), Self::Private(_, to)) => user == to,
            (Self::Conversation(one, another), Self::Private(from, to) | Self::Conversation(from, to)) => {
                (one, another) == (from, to) || (one, another) == (to, from)
            }
            _ => self == other,
        }
    }
}

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Channel(channel) => write!(f, "channel {channel}"),
            Self::Mailbox(user) => write!(f, "the mailbox of {user}"),
            Self::Conversation(one, other) => write!(f, "the conversation of {one} and {other}"),
            Self::Private(from, to) => write!(f, "what {from} says to {to} in private"),
        }
    }
}
