use papo_client::{Answered, Failure, RequestId, Said, Service, Shown, To};

/// Something to be told, in whatever format.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Notice {
    Connected {
        /// It had been lost.
        again: bool,
    },
    Lost,
    LoggedIn {
        user: String,
    },
    LoggedOut {
        user: String,
    },
    /// The session is no good any more.
    Estranged(Failure),
    Following(String),
    Unfollowed(String),
    /// What is talked goes to this channel from now on.
    Entered {
        channel: String,
        created: bool,
    },
    CaughtUp {
        index: u64,
        missed: u64,
        /// After a connection that had been lost.
        back: bool,
    },
    Message(Shown),
    /// One's own message of which nobody knew whether it was stored: it is.
    Settled(Own),
    Pending {
        request: RequestId,
        own: Own,
        /// It is taking long; the first time it is only just being sent.
        late: bool,
    },
    Answered {
        answered: Answered,
        own: Option<Own>,
        hint: Option<String>,
    },
    Users(Vec<String>),
    Channels {
        all: Vec<String>,
        followed: Vec<String>,
    },
    Page {
        of: To,
        messages: Vec<Said>,
        /// They are older than some that were shown before.
        older: bool,
        /// There are older ones still.
        more: bool,
    },
    /// A line that cannot be carried out.
    Mistake(String),
    /// Something that only a person wants to know.
    Remark(String),
}

/// Something that one said oneself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) from: String,
    pub(crate) to: To,
    pub(crate) text: String,
}

impl Own {
    pub(crate) fn service(&self) -> Service {
        match self.to {
            To::Channel(_) => Service::Publish,
            To::User(_) => Service::Message,
        }
    }
}
