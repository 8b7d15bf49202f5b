use papo_client::{Ask, Page, Said, Saved, To};

use papo_wire::limits::PAGE_ITEMS;

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
    History(Reading),
}

/// A history that is being read, page by page, backwards.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) of: To,
    /// How many messages are wanted.
    pub(super) number: usize,
    /// If there is no such channel, a user may be meant.
    pub(super) or_user: bool,
    /// Only messages before this index; `None` for the newest.
    pub(super) before: Option<u64>,
    /// Older ones than those that were shown were asked for.
    pub(super) older: bool,
    /// What has been read.
    pub(super) messages: Vec<Said>,
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
            Self::History(reading) => reading.ask(),
        })
    }
}

impl Reading {
    /// The request for the next page.
    fn ask(&self) -> Ask {
        let page = self.before.map_or(Page::Newest, Page::Before);
        let limit = (self.number - self.messages.len()).min(PAGE_ITEMS);
        Ask::History { of: self.of.clone(), page, limit }
    }

    /// Takes a page, which has older messages than what was read; returns whether to read on.
    pub(super) fn take(&mut self, mut messages: Vec<Said>, more: bool) -> bool {
        let Some(first) = messages.first() else { return false };
        self.before = Some(first.index);
        messages.append(&mut self.messages);
        self.messages = messages;
        more && self.messages.len() < self.number
    }
}
