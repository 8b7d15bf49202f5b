//! What clients are answered.
//!
//! Every reply tells the servidor's time, its Lamport clock and the index of the log that it reflects. A failure says why
//! in a sentence for people (under both keys that the old clients read) and in a word for programs ([`Reason`]).
//!
//! Encoding is exact; decoding is what clients of ours do, and as lenient as they can afford.

mod decode;
mod encode;
mod failure;
mod page;
mod status;

pub use decode::BadReply;
pub use encode::encode_names;
pub use failure::{Failure, Reason};
pub use page::{Event, ExportPage, HistoryPage, Message, Record, SyncPage, fitting};
pub use status::{MemberStatus, PeerStatus, Role, Status};

use papo_core::clock::{Lamport, WallTime};
use papo_core::log::Index;

use crate::Service;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The servidor's time.
    pub time: WallTime,
    /// The servidor's Lamport clock.
    pub clock: Lamport,
    /// The index of the log that the answer reflects; 0 where it reflects none.
    pub index: Index,
    /// What is answered.
    pub answer: Result<Answer, Failure>,
}

/// What is answered to a request that succeeded, by service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The name is the client's.
    Login {
        /// The name as it is shown, and to be used from now on.
        user: String,
        /// What to present when logging in again; empty where the servidor gave none.
        session: String,
    },
    /// The channel was created.
    Channel,
    /// All users.
    Users(Vec<String>),
    /// All channels.
    Channels(Vec<String>),
    /// It was said in the channel.
    Publish,
    /// It was said to the user.
    Message,
    /// The channel is followed.
    Join,
    /// The channel is no longer followed.
    Leave,
    /// A page of a conversation.
    History(HistoryPage),
    /// What a user missed.
    Sync(SyncPage),
    /// How the cluster is.
    Status(Box<Status>),
    /// Records of the log.
    Export(ExportPage),
    /// The record was taken over.
    Import,
}

impl Reply {
    /// The service that the reply names; `None` for `erro`, which stands in where the request's cannot be named.
    pub const fn service(&self) -> Option<Service> {
        match &self.answer {
            Ok(answer) => Some(answer.service()),
            Err(failure) => failure.service,
        }
    }
}

impl Answer {
    /// The service that answers so.
    pub const fn service(&self) -> Service {
        match self {
            Self::Login { .. } => Service::Login,
            Self::Channel => Service::Channel,
            Self::Users(_) => Service::Users,
            Self::Channels(_) => Service::Channels,
            Self::Publish => Service::Publish,
            Self::Message => Service::Message,
            Self::Join => Service::Join,
            Self::Leave => Service::Leave,
            Self::History(_) => Service::History,
            Self::Sync(_) => Service::Sync,
            Self::Status(_) => Service::Status,
            Self::Export(_) => Service::Export,
            Self::Import => Service::Import,
        }
    }
}
