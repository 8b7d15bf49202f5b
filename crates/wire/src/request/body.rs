use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{Index, Name, Operation};

use crate::Service;

/// What is asked, by service. Texts and names have been checked; names that refer to something are in NFC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Take a name, or come back to it with the request's session.
    Login {
        /// The name.
        user: Name,
    },
    /// Create a channel.
    Channel {
        /// Its name.
        channel: Name,
        /// Who creates it, where the client says so.
        user: Option<String>,
    },
    /// List the users.
    Users,
    /// List the channels.
    Channels,
    /// Say something in a channel.
    Publish {
        /// Who says it.
        user: String,
        /// Where.
        channel: String,
        /// The text.
        message: String,
    },
    /// Say something to one user.
    Message {
        /// Who says it.
        src: String,
        /// To whom.
        dst: String,
        /// The text.
        message: String,
    },
    /// Follow a channel.
    Join {
        /// Who.
        user: String,
        /// What.
        channel: String,
    },
    /// Stop following a channel.
    Leave {
        /// Who.
        user: String,
        /// What.
        channel: String,
    },
    /// Read a page of what was said.
    History {
        /// Where it was said.
        conversation: Conversation,
        /// Which page.
        page: Page,
        /// The most messages to be answered, 1 to 200.
        limit: usize,
    },
    /// Read all that a user missed, in channels they follow and in private.
    Sync {
        /// The user.
        user: String,
        /// What they have seen already: only what is after this index is answered.
        since: Index,
        /// The most messages to be answered, 1 to 200.
        limit: usize,
    },
    /// Tell how the cluster is.
    Status,
    /// Read the records of the log, in order.
    Export {
        /// Only those after this index.
        after: Index,
        /// The most records to be answered, 1 to 200.
        limit: usize,
    },
    /// Take over a record of another system.
    Import(Import),
}

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Conversation {
    /// In a channel.
    Channel(String),
    /// Between two users, the first of whom asks.
    Private {
        /// Who asks.
        user: String,
        /// The other one.
        with: String,
    },
}

/// Which page of a conversation. All pages are answered in ascending order; bounds are exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// The last messages.
    Newest,
    /// The last messages before an index: reading backwards.
    Before(Index),
    /// The first messages after an index: reading on.
    After(Index),
    /// The first messages after `after`, none from `before` on: filling a gap.
    Between {
        /// The message before the gap.
        after: Index,
        /// The message after the gap.
        before: Index,
    },
}

/// A record of another system, with the time and clock it had there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// When; [`WallTime::EPOCH`] where the record does not say.
    pub time: WallTime,
    /// Its Lamport clock there; 0 where the record does not say.
    pub clock: Lamport,
    /// What happened.
    pub what: Imported,
}

/// What a record of another system tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// An account was made.
    User {
        /// Its name.
        user: Name,
    },
    /// A channel was created.
    Channel {
        /// Its name.
        channel: Name,
    },
    /// Something was said in a channel.
    Publish {
        /// Who said it.
        user: String,
        /// Where.
        channel: String,
        /// The text.
        message: String,
    },
    /// Something was said to one user.
    Message {
        /// Who said it.
        src: String,
        /// To whom.
        dst: String,
        /// The text.
        message: String,
    },
}

impl Body {
    /// What the log is to hold of it, and in whose name; `None` for what only reads.
    pub fn operation(&self) -> Option<(String, Operation)> {
        Some(match self.clone() {
            Self::Login { user } => (user.display.clone(), Operation::Login { user }),
            Self::Channel { channel, user } => (user.unwrap_or_default(), Operation::Channel { channel }),
            Self::Publish { user, channel, message } => {
                (user.clone(), Operation::Publish { channel, user, message })
            }
            Self::Message { src, dst, message } => (src.clone(), Operation::Message { src, dst, message }),
            Self::Join { user, channel } => (user.clone(), Operation::Join { user, channel }),
            Self::Leave { user, channel } => (user.clone(), Operation::Leave { user, channel }),
            Self::Import(import) => ("import".to_owned(), import.into()),
            Self::Users | Self::Channels | Self::Status => return None,
            Self::History { .. } | Self::Sync { .. } | Self::Export { .. } => return None,
        })
    }

    /// The service that is asked for.
    pub const fn service(&self) -> Service {
        match self {
            Self::Login { .. } => Service::Login,
            Self::Channel { .. } => Service::Channel,
            Self::Users => Service::Users,
            Self::Channels => Service::Channels,
            Self::Publish { .. } => Service::Publish,
            Self::Message { .. } => Service::Message,
            Self::Join { .. } => Service::Join,
            Self::Leave { .. } => Service::Leave,
            Self::History { .. } => Service::History,
            Self::Sync { .. } => Service::Sync,
            Self::Status => Service::Status,
            Self::Export { .. } => Service::Export,
            Self::Import(_) => Service::Import,
        }
    }
}

impl From<Import> for Operation {
    fn from(Import { time, clock, what }: Import) -> Self {
        let operation = match what {
            Imported::User { user } => Self::Login { user },
            Imported::Channel { channel } => Self::Channel { channel },
            Imported::Publish { user, channel, message } => Self::Publish { channel, user, message },
            Imported::Message { src, dst, message } => Self::Message { src, dst, message },
        };
        Self::Imported { operation: Box::new(operation), time, clock }
    }
}
