use std::collections::BTreeMap;

use crate::log::Index;

use super::registry::Ordinal;

/// The topic of a user's private messages is this and the user's name. Names hold no colon, so no channel is called that.
pub(super) const MAILBOX: &str = "user:";

/// How many of the recently active topics are known in the order of their activity.
const RECENT: usize = 1024;

/// What messages are published on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// A channel.
    Channel(Ordinal),
    /// What is said to one user.
    Mailbox(Ordinal),
}

/// The index of the last message on each topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Topics {
    channels: Vec<Index>,
    mailboxes: Vec<Index>,
    /// The last active [`RECENT`] topics by their tips. (A tip is an entry, and an entry has one topic.)
    recent: BTreeMap<Index, Topic>,
}

impl Topics {
    /// Notes that the entry `index` is a message on `topic`, and returns the one before it there, 0 for none.
    pub(super) fn advance(&mut self, topic: Topic, index: Index) -> Index {
        let (tips, at) = match topic {
            Topic::Channel(ordinal) => (&mut self.channels, ordinal.0 as usize),
            Topic::Mailbox(ordinal) => (&mut self.mailboxes, ordinal.0 as usize),
        };
        if at >= tips.len() {
            tips.resize(at + 1, 0);
        }
        let previous = std::mem::replace(&mut tips[at], index);

        self.recent.remove(&previous);
        self.recent.insert(index, topic);
        if self.recent.len() > RECENT {
            self.recent.pop_first();
        }
        previous
    }

    /// The last message on `topic`, 0 for none.
    pub(super) fn tip(&self, topic: Topic) -> Index {
        let (tips, ordinal) = match topic {
            Topic::Channel(ordinal) => (&self.channels, ordinal),
            Topic::Mailbox(ordinal) => (&self.mailboxes, ordinal),
        };
        tips.get(ordinal.0 as usize).copied().unwrap_or(0)
    }

    /// Topics with a message after `since` and the last such, the most recent first; at most [`RECENT`].
    pub(super) fn recent(&self, since: Index) -> impl Iterator<Item = (Topic, Index)> {
        self.recent.iter().rev().take_while(move |(tip, _)| **tip > since).map(|(tip, topic)| (*topic, *tip))
    }
}
