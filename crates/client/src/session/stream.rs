//! Which messages to show, and when: each once, those of a topic in the order of the log, none missing.
//!
//! For every topic the stream knows an index up to which *all* of it was shown. A message is shown at once if the one before
//! it on its topic (`previous`) lies within that. One that is not reveals a gap: it is held, with everything behind it, until
//! a page of `sync` has filled the gap. A page is complete up to its `upto` for all topics together, so it also moves topics
//! on which nothing was said.
//!
//! Not promised: the order of messages of different topics when one of them was lost without a trace (no later message on its
//! topic yet, no tip). It is shown when the next page brings it.

use std::collections::BTreeMap;
use std::sync::Arc;

use papo_core::chat::{Said, To};
use papo_core::log::Index;
use papo_wire::reply::SyncPage;

use crate::Saved;

/// How many messages are held while pages are fetched. More are dropped: the pages will bring them.
const MOST_HELD: usize = 1000;

/// Everything that one user follows.
#[derive(Debug)]
pub(super) struct Stream {
    user: String,
    /// All topics are complete up to here.
    complete: Index,
    /// Each followed topic is complete up to here. Less than `complete` only for a channel that the user is leaving.
    topics: BTreeMap<To, Index>,
    /// Up to where channels that are no longer followed were shown, beyond `complete`: in case they are again.
    left: BTreeMap<String, Index>,
    /// Private messages *by* the user, which are published on somebody else's topic, have been told up to here.
    sent: Index,
    /// Messages that must wait, by index.
    held: BTreeMap<Index, Held>,
    /// Whether all must wait.
    holding: bool,
    /// Whether something was dropped that should have been held.
    overflowed: bool,
}

#[derive(Debug)]
struct Held {
    said: Arc<Said>,
    previous: Index,
}

/// What a delivered message comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Show it now.
    Show,
    /// It was shown before, is nobody's business, or has to wait for pages already being fetched.
    Nothing,
    /// Something before it is missing: fetch pages.
    Gap,
}

impl Stream {
    /// Goes on from what was saved.
    pub(super) fn resume(user: &str, saved: &Saved) -> Self {
        let complete = saved.complete;
        let channels = saved.channels.iter();
        let mut topics: BTreeMap<To, Index> =
            channels.map(|(channel, last)| (To::Channel(channel.clone()), (*last).max(complete))).collect();
        topics.insert(To::User(user.to_owned()), saved.mailbox.max(complete));
        Self {
            user: user.to_owned(),
            complete,
            topics,
            left: saved.left.clone(),
            sent: saved.sent.max(complete),
            held: BTreeMap::new(),
            holding: true,
            overflowed: false,
        }
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// What pages are fetched since.
    pub(super) fn complete(&self) -> Index {
        self.complete
    }

    /// From now on everything waits until [`Stream::release`].
    pub(super) fn hold(&mut self) {
        self.holding = true;
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = &To> {
        self.topics.keys()
    }

    pub(super) fn channels(&self) -> impl Iterator<Item = (&str, Index)> {
        self.topics.iter().filter_map(|(topic, last)| match topic {
            To::Channel(channel) => Some((channel.as_str(), *last)),
            To::User(_) => None,
        })
    }

    /// Adds a channel whose messages are to be shown from after `after` on, or from after what pages have covered without it.
    /// Tells where from; `None` if it was followed already.
    pub(super) fn follow(&mut self, channel: &str, after: Index) -> Option<Index> {
        let topic = To::Channel(channel.to_owned());
        if self.topics.contains_key(&topic) {
            return None;
        }
        let before = self.left.remove(channel).unwrap_or(0);
        let after = after.max(self.complete).max(before);
        self.topics.insert(topic, after);
        Some(after)
    }

    /// Drops a channel. Tells up to where it was shown.
    pub(super) fn unfollow(&mut self, channel: &str) -> Option<Index> {
        let topic = To::Channel(channel.to_owned());
        self.held.retain(|_, held| held.said.to != topic);
        let last = self.topics.remove(&topic)?;
        if last > self.complete {
            self.left.insert(channel.to_owned(), last);
        }
        Some(last)
    }

    /// Takes a message that was delivered.
    pub(super) fn hear(&mut self, said: &Arc<Said>, previous: Index) -> Heard {
        let Some(last) = self.topics.get_mut(&said.to) else { return Heard::Nothing };
        if said.index <= *last || previous >= said.index {
            return Heard::Nothing;
        }
        if !self.holding && previous <= *last {
            *last = said.index;
            return Heard::Show;
        }
        let first = !self.holding;
        self.keep(said, previous);
        if first { Heard::Gap } else { Heard::Nothing }
    }

    /// Takes the last index of a topic. True if something of it is missing and nothing is being done about it yet.
    pub(super) fn tip(&mut self, of: &To, index: Index) -> bool {
        let missing = self.topics.get(of).is_some_and(|last| index > *last);
        let first = missing && !self.holding;
        self.holding |= missing;
        first
    }

    /// Takes a page that was fetched since [`Stream::complete`]. What it brings is put into `show`, in order.
    pub(super) fn page(&mut self, page: SyncPage, show: &mut Vec<Arc<Said>>) {
        for message in page.messages {
            let said = message.said;
            let last = match &said.to {
                To::User(name) if *name != self.user => &mut self.sent,
                topic => match self.topics.get_mut(topic) {
                    Some(last) => last,
                    None => continue,
                },
            };
            if said.index > *last {
                *last = said.index;
                show.push(Arc::new(said));
            }
        }
        self.complete = self.complete.max(page.upto);
        self.sent = self.sent.max(self.complete);
        self.left.retain(|_, last| *last > self.complete);
        for (topic, last) in &mut self.topics {
            // A channel that the page does not list was left before the page was made: of that one it tells nothing.
            let covered = match topic {
                To::Channel(channel) => page.channels.contains(channel),
                To::User(_) => true,
            };
            if covered {
                *last = (*last).max(self.complete);
            }
        }
    }

    /// Ends the holding after the last page: what waited and is next goes into `show`. False if there still is a gap, so that
    /// more pages must be fetched first.
    pub(super) fn release(&mut self, show: &mut Vec<Arc<Said>>) -> bool {
        while let Some((index, held)) = self.held.pop_first() {
            let Some(last) = self.topics.get_mut(&held.said.to) else { continue };
            if index <= *last {
                continue;
            }
            if held.previous > *last {
                self.held.insert(index, held);
                break;
            }
            *last = index;
            show.push(held.said);
        }
        self.holding = !self.held.is_empty() || std::mem::take(&mut self.overflowed);
        !self.holding
    }

    /// What a later stream needs to go on.
    pub(super) fn save(&self, into: &mut Saved) {
        into.user.clone_from(&self.user);
        into.complete = self.complete;
        into.channels = self.channels().map(|(channel, last)| (channel.to_owned(), last)).collect();
        into.mailbox = self.topics.get(&To::User(self.user.clone())).copied().unwrap_or(self.complete);
        into.left = self.left.clone();
        into.sent = self.sent;
    }

    fn keep(&mut self, said: &Arc<Said>, previous: Index) {
        self.holding = true;
        if self.held.len() < MOST_HELD {
            self.held.insert(said.index, Held { said: Arc::clone(said), previous });
        } else {
            self.overflowed = true;
        }
    }
}
