//! What a session tells its application.

use std::sync::Arc;

use papo_core::chat::Said;
use papo_core::log::Index;
use papo_wire::Service;
use papo_wire::reply::{Answer, Failure};

use crate::Saved;

/// The id of one request: the same for all its retries, and unique among all requests of everybody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new random id (UUID 4).
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string().into())
    }

    /// The id's text, as it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for RequestId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RequestId {
    /// An id of one's own making, for instance one kept on disk so that a request can be retried by a later process. Must be
    /// 1 to 64 bytes without control characters, or every servidor refuses the request.
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that happened to a session, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The chat answers: for the first time, or again after [`Event::Lost`].
    Connected,
    /// The chat has not answered for a while. Nothing needs to be done: the session goes on trying, and once it is back shows
    /// what was missed before anything newer.
    Lost,
    /// The login succeeded.
    LoggedIn {
        /// The name, in the spelling that the chat uses.
        user: String,
    },
    /// The chat no longer accepts this session (another cluster, a token that is no longer good): nothing is delivered any
    /// more. Log in with a new session.
    Estranged(Failure),
    /// From now on every message of the channel beyond `after` is shown.
    Following {
        /// The channel.
        channel: String,
        /// The index that delivery starts after.
        after: Index,
    },
    /// Messages of the channel are no longer shown.
    Unfollowed {
        /// The channel.
        channel: String,
        /// Those up to this index were.
        upto: Index,
    },
    /// Something was said. Each message comes once; those of one topic come in the order of the log, none missing.
    Message(Shown),
    /// A request came to its end.
    Answered(Answered),
    /// All that was said up to an index has been shown, after a login, a [`Event::Lost`] or a gap.
    CaughtUp {
        /// That index.
        upto: Index,
        /// How many messages were shown late because of it.
        missed: u64,
    },
    /// What to keep for a later process. Comes after the messages it covers, and only if asked for
    /// ([`crate::SessionOptions::progress`]).
    Progress(Saved),
}

/// A message to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What was said, and where.
    pub said: Arc<Said>,
    /// It was not delivered when it was said, but fetched afterwards.
    pub missed: bool,
    /// It is this session's own: the request by which it was said. That it is here proves that it is stored, whatever the
    /// request's outcome was. One's own *private* messages come only when missed ones are fetched.
    pub own: Option<RequestId>,
}

/// The end of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// Which one.
    pub request: RequestId,
    /// What it asked for.
    pub service: Service,
    /// The `seen` that it was sent with.
    pub seen: Index,
    /// The index that the answer reflects; 0 where there is none.
    pub index: Index,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It took effect and is durable; or, of a read, this is what was read.
    Stored(Answer),
    /// It was decided and had no effect, as will every retry.
    Refused(Failure),
    /// It may or may not have taken effect, or may yet. A retry with the same id settles it.
    Unknown(Failure),
    /// It certainly had no effect; another try may succeed.
    Failed(Failure),
}

impl Outcome {
    /// Why it did not succeed, if it did not.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Stored(_) => None,
            Self::Refused(failure) | Self::Unknown(failure) | Self::Failed(failure) => Some(failure),
        }
    }
}
