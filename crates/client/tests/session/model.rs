//! A whole chat in a few lines: a log, replicas that lag, and a network that loses, repeats, delays and reorders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use papo_client::session::CallId;
use papo_core::chat::{Said, To};
use papo_core::clock::{Lamport, WallTime};
use papo_wire::reply::{Answer, Failure, Message, Reason, Reply, SyncPage};
use papo_wire::request::{Body, Request};

/// What the network carries to the session.
#[derive(Clone, Debug)]
pub(crate) enum Packet {
    Answer(CallId, Reply),
    Delivery(Arc<Said>, u64),
    Tip(To, u64),
}

/// The log. Its index is the position, from 1.
#[derive(Default)]
pub(crate) struct Chat {
    entries: Vec<Entry>,
    done: BTreeMap<String, u64>,
}

#[derive(Clone)]
enum Entry {
    Said(Arc<Said>),
    Join(String),
    Leave(String),
    Other,
}

pub(crate) const USER: &str = "ana";

impl Chat {
    pub(crate) fn index(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Appends a message, and tells the index of the one before it on its topic.
    pub(crate) fn say(&mut self, from: &str, to: To, request_id: Option<&str>) -> (Arc<Said>, u64) {
        let previous = self.said().filter(|said| said.to == to).map(|said| said.index).last().unwrap_or(0);
        let index = self.index() + 1;
        let said = Arc::new(Said {
            index,
            time: WallTime::EPOCH,
            clock: Lamport::new(index),
            from: from.to_owned(),
            to,
            message: "oi".to_owned(),
            request_id: request_id.map(str::to_owned),
        });
        self.entries.push(Entry::Said(Arc::clone(&said)));
        (said, previous)
    }

    pub(crate) fn said(&self) -> impl Iterator<Item = &Arc<Said>> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Said(said) => Some(said),
            _ => None,
        })
    }

    /// How often a request took effect.
    pub(crate) fn effects(&self, request: &str) -> usize {
        self.said().filter(|said| said.request_id.as_deref() == Some(request)).count()
    }

    /// Carries a request out at a replica that lags `lag` entries behind, but never behind what the client has seen.
    pub(crate) fn serve(&mut self, request: &Request, lag: u64) -> (Reply, Option<(Arc<Said>, u64)>) {
        let mut published = None;
        let mut index = self.index().saturating_sub(lag).max(request.seen);
        let answer = match &request.body {
            body if request.service().is_write() => {
                let id = request.request_id.clone().expect("every write has an id");
                let first = !self.done.contains_key(&id);
                if first {
                    published = self.write(body, &id);
                    self.done.insert(id.clone(), self.index());
                }
                index = self.done[&id];
                Ok(match body {
                    Body::Login { user } => {
                        Answer::Login { user: user.display.clone(), session: "token".to_owned() }
                    }
                    Body::Publish { .. } => Answer::Publish,
                    Body::Message { .. } => Answer::Message,
                    Body::Join { .. } => Answer::Join,
                    _ => Answer::Leave,
                })
            }
            _ if request.seen > self.index() => Err(Failure::new(request.service(), Reason::Ahead)),
            Body::Sync { since, .. } => Ok(Answer::Sync(self.page(*since, index))),
            other => panic!("the model has no {other:?}"),
        };
        (Reply { time: WallTime::EPOCH, clock: Lamport::new(index), index, answer }, published)
    }

    fn write(&mut self, body: &Body, id: &str) -> Option<(Arc<Said>, u64)> {
        let entry = match body {
            Body::Publish { user, channel, .. } => {
                return Some(self.say(user, To::Channel(channel.clone()), Some(id)));
            }
            Body::Message { src, dst, .. } => return Some(self.say(src, To::User(dst.clone()), Some(id))),
            Body::Join { channel, .. } => Entry::Join(channel.clone()),
            Body::Leave { channel, .. } => Entry::Leave(channel.clone()),
            _ => Entry::Other,
        };
        self.entries.push(entry);
        None
    }

    fn page(&self, since: u64, index: u64) -> SyncPage {
        const MOST: usize = 5;
        let mut channels = BTreeSet::new();
        for entry in &self.entries[..index as usize] {
            match entry {
                Entry::Join(channel) => drop(channels.insert(channel.clone())),
                Entry::Leave(channel) => drop(channels.remove(channel)),
                Entry::Said(_) | Entry::Other => {}
            }
        }
        let concerns = |said: &Said| match &said.to {
            To::Channel(channel) => channels.contains(channel),
            To::User(user) => user == USER || said.from == USER,
        };
        let missed = self.said().filter(|said| said.index > since && said.index <= index && concerns(said));
        let mut messages: Vec<_> =
            missed.map(|said| Message { said: (**said).clone(), previous: None }).collect();
        let more = messages.len() > MOST;
        messages.truncate(MOST);
        let upto = if more { messages[MOST - 1].said.index } else { index.max(since) };
        SyncPage { messages, more, upto, channels: channels.into_iter().collect() }
    }
}
