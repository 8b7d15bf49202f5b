use papo_client::{Ask, Page, Saved, To};

use super::notice::Own;
use crate::state::{UserFile, UserState};

/// What a request that is not answered yet is for.
#[derive(Debug)]
pub(super) enum Wish {
    Login(Box<Login>),
    Create(String),
    Join {
        channel: String,
        /// If there is no such channel, make it.
        create: bool,
        created: bool,
    },
    Leave(String),
    Say(Own),
    Users {
        tell: bool,
    },
    Channels {
        tell: bool,
    },
    History {
        of: To,
        number: usize,
        /// If there is no such channel, a user may be meant.
        or_user: bool,
    },
}

/// A login under way.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) state: UserState,
    /// Where it is kept; `None` if nothing can be.
    pub(super) file: Option<UserFile>,
    /// Sessions in other clusters, in case this one is not of the latest.
    pub(super) others: Vec<Saved>,
}

impl Wish {
    /// The request for it; a login is asked for by who makes it.
    pub(super) fn ask(&self) -> Option<Ask> {
        Some(match self {
            Self::Login(_) => return None,
            Self::Create(channel) => Ask::CreateChannel(channel.clone()),
            Self::Join { channel, .. } => Ask::Join(channel.clone()),
            Self::Leave(channel) => Ask::Leave(channel.clone()),
            Self::Say(Own { to: To::Channel(channel), text, .. }) => {
                Ask::Publish { channel: channel.clone(), text: text.clone() }
            }
            Self::Say(Own { to: To::User(to), text, .. }) => {
                Ask::Message { to: to.clone(), text: text.clone() }
            }
            Self::Users { .. } => Ask::Users,
            Self::Channels { .. } => Ask::Channels,
            Self::History { of, number, .. } => {
                Ask::History { of: of.clone(), page: Page::Newest, limit: *number }
            }
        })
    }
}
