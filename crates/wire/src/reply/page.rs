use papo_core::chat::Said;
use papo_core::clock::{Lamport, WallTime};
use papo_core::log::Index;

use crate::limits::PAGE_BYTES;

/// A message in a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What was said.
    pub said: Said,
    /// Index of the message before it on its topic (0 for none), where the servidor knows.
    pub previous: Option<Index>,
}

/// Part of a conversation, ascending by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// The messages.
    pub messages: Vec<Message>,
    /// Whether there are more in the direction that was read in.
    pub more: bool,
}

/// What a user missed, ascending by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncPage {
    /// The messages.
    pub messages: Vec<Message>,
    /// Whether there are more after these.
    pub more: bool,
    /// Everything up to this index is here or was before `since`: what to ask with next.
    pub upto: Index,
    /// The channels that the user follows.
    pub channels: Vec<String>,
}

/// Records of the log, ascending by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportPage {
    /// The records.
    pub entries: Vec<Record>,
    /// Whether there are more after these.
    pub more: bool,
    /// Everything up to this index is here or was before `after`: what to ask with next.
    pub upto: Index,
}

/// Something that happened in the chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its position in the log.
    pub index: Index,
    /// When.
    pub time: WallTime,
    /// Its Lamport clock.
    pub clock: Lamport,
    /// The request id that the client chose for it.
    pub request_id: Option<String>,
    /// What.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An account was made.
    User {
        /// Its name.
        user: String,
    },
    /// A channel was created.
    Channel {
        /// Its name.
        channel: String,
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
    /// A channel was followed.
    Join {
        /// By whom.
        user: String,
        /// Which.
        channel: String,
    },
    /// A channel was no longer followed.
    Leave {
        /// By whom.
        user: String,
        /// Which.
        channel: String,
    },
}

/// How many items of these sizes, taken in order, make a page that stays within [`PAGE_BYTES`]: at least one, if there is
/// one. A page that is read backwards is measured from its newest message.
pub fn fitting(sizes: impl IntoIterator<Item = usize>) -> usize {
    let mut total = 0;
    let within = |size: usize| {
        total += size;
        total <= PAGE_BYTES
    };
    let mut sizes = sizes.into_iter().peekable();
    let least = usize::from(sizes.peek().is_some());
    sizes.map(within).take_while(|fits| *fits).count().max(least)
}

/// More than what the keys, numbers and times of one message take up on the wire.
const OVERHEAD: usize = 160;

impl Message {
    /// No fewer bytes than the message takes up on the wire: for holding a page below [`PAGE_BYTES`].
    pub fn size_bound(&self) -> usize {
        let Said { from, to, message, request_id, .. } = &self.said;
        let (papo_core::chat::To::Channel(to) | papo_core::chat::To::User(to)) = to;
        OVERHEAD + from.len() + to.len() + message.len() + request_id.as_ref().map_or(0, String::len)
    }
}

impl Record {
    /// No fewer bytes than the record takes up on the wire: for holding a page below [`PAGE_BYTES`].
    pub fn size_bound(&self) -> usize {
        let texts = match &self.event {
            Event::User { user: name } | Event::Channel { channel: name } => name.len(),
            Event::Publish { user: from, channel: to, message }
            | Event::Message { src: from, dst: to, message } => from.len() + to.len() + message.len(),
            Event::Join { user, channel } | Event::Leave { user, channel } => user.len() + channel.len(),
        };
        OVERHEAD + texts + self.request_id.as_ref().map_or(0, String::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_before_it_grows_too_large_but_is_never_empty() {
        assert_eq!(fitting([]), 0);
        assert_eq!(fitting([PAGE_BYTES + 1, 1]), 1);
        assert_eq!(fitting([1, PAGE_BYTES - 1, 1]), 2);
        assert_eq!(fitting([1, PAGE_BYTES, 1]), 1);
        assert_eq!(fitting([8192; 200]), PAGE_BYTES / 8192);
    }
}
