use std::collections::{BTreeMap, BTreeSet};

use papo_core::chat::{Delivery, Said, To};
use papo_core::clock::{Lamport, WallTime};
use papo_transport::Frames;
use papo_wire::publication::Publication;
use papo_wire::reply::{Answer, Failure, HistoryPage, Message, Reason, Reply, SyncPage};
use papo_wire::request::{Body, Conversation, Page, Request};

/// 2025-11-03T21:14:07Z.
const TIME: i64 = 1_762_204_447_000_000_000;

#[derive(Default)]
pub struct FakeChat {
    index: u64,
    said: Vec<Said>,
    users: BTreeSet<String>,
    channels: BTreeSet<String>,
    following: BTreeMap<String, BTreeSet<String>>,
    done: BTreeMap<String, (u64, Result<Answer, Failure>)>,
    /// Every request that was served, in order.
    pub requests: Vec<Request>,
}

impl FakeChat {
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    pub fn add_user(&mut self, user: &str) {
        self.users.insert(user.to_owned());
    }

    pub fn add_channel(&mut self, channel: &str) {
        self.channels.insert(channel.to_owned());
    }

    pub fn publish(&mut self, from: &str, channel: &str, text: &str, id: Option<String>) -> (Frames, u64) {
        self.say(from, To::Channel(channel.to_owned()), text, id)
    }

    pub fn message(&mut self, from: &str, to: &str, text: &str, id: Option<String>) -> (Frames, u64) {
        self.say(from, To::User(to.to_owned()), text, id)
    }

    /// The answer, and what is to be published.
    pub fn serve(&mut self, payload: &[u8]) -> (Vec<u8>, Option<Frames>) {
        let request = Request::decode(payload).expect("clients send what can be read");
        self.requests.push(request.clone());
        let mut published = None;
        let done = request.request_id.as_ref().and_then(|id| self.done.get(id)).cloned();
        let (index, answer) = match done {
            Some(done) => done,
            None => {
                let answer = self.answer(&request, &mut published);
                if let Some(id) = request.request_id.as_ref().filter(|_| request.service().is_write()) {
                    self.done.insert(id.clone(), (self.index, answer.clone()));
                }
                (self.index, answer)
            }
        };
        let time = WallTime::from_nanos(TIME);
        (Reply { time, clock: Lamport::new(index), index, answer }.encode(), published)
    }

    fn answer(&mut self, request: &Request, published: &mut Option<Frames>) -> Result<Answer, Failure> {
        let refuse = |reason| Err(Failure::new(request.service(), reason));
        match &request.body {
            Body::Login { user } => {
                let token = format!("token of {}", user.display);
                let known = request.session.as_ref() == Some(&token);
                self.index += u64::from(!known);
                if !self.users.insert(user.display.clone()) && !known {
                    return refuse(Reason::UserExists);
                }
                Ok(Answer::Login { user: user.display.clone(), session: token })
            }
            Body::Channel { channel, .. } => {
                self.index += 1;
                if !self.channels.insert(channel.display.clone()) {
                    return refuse(Reason::ChannelExists);
                }
                Ok(Answer::Channel)
            }
            Body::Users => Ok(Answer::Users(self.users.iter().cloned().collect())),
            Body::Channels => Ok(Answer::Channels(self.channels.iter().cloned().collect())),
            Body::Publish { user, channel, message } => {
                if !self.channels.contains(channel) {
                    return refuse(Reason::NoSuchChannel);
                }
                *published = Some(self.publish(user, channel, message, request.request_id.clone()).0);
                Ok(Answer::Publish)
            }
            Body::Message { src, dst, message } => {
                if !self.users.contains(dst) {
                    return refuse(Reason::NoSuchUser);
                }
                *published = Some(self.message(src, dst, message, request.request_id.clone()).0);
                Ok(Answer::Message)
            }
            Body::Join { user, channel } => {
                if !self.channels.contains(channel) {
                    return refuse(Reason::NoSuchChannel);
                }
                self.index += 1;
                self.following.entry(user.clone()).or_default().insert(channel.clone());
                Ok(Answer::Join)
            }
            Body::Leave { user, channel } => {
                self.index += 1;
                self.following.entry(user.clone()).or_default().remove(channel);
                Ok(Answer::Leave)
            }
            Body::History { conversation, page, limit } => {
                let of = |said: &&Said| match (conversation, &said.to) {
                    (Conversation::Channel(channel), To::Channel(to)) => channel == to,
                    (Conversation::Private { user, with }, To::User(to)) => {
                        (user == to && *with == said.from) || (with == to && *user == said.from)
                    }
                    _ => false,
                };
                let before = match page {
                    Page::Newest => u64::MAX,
                    Page::Before(before) => *before,
                    Page::After(_) | Page::Between { .. } => panic!("the fake is read backwards only"),
                };
                let earlier = self.said.iter().filter(|said| said.index < before);
                let all: Vec<_> = earlier.filter(of).cloned().collect();
                let first = all.len().saturating_sub(*limit);
                let messages = all[first..].iter().cloned().map(|said| Message { said, previous: None });
                Ok(Answer::History(HistoryPage { messages: messages.collect(), more: first > 0 }))
            }
            Body::Sync { user, since, limit } => {
                if request.session.as_deref() != Some(&format!("token of {user}")) {
                    return refuse(Reason::InvalidSession);
                }
                Ok(Answer::Sync(self.page(user, *since, *limit)))
            }
            Body::Status | Body::Export { .. } | Body::Import(_) => refuse(Reason::UnknownService),
        }
    }

    fn page(&self, user: &str, since: u64, limit: usize) -> SyncPage {
        let channels = self.following.get(user).cloned().unwrap_or_default();
        let concerns = |said: &&Said| match &said.to {
            To::Channel(channel) => channels.contains(channel),
            To::User(to) => to == user || said.from == user,
        };
        let missed = self.said.iter().filter(|said| said.index > since).filter(concerns);
        let mut messages: Vec<_> =
            missed.map(|said| Message { said: said.clone(), previous: None }).collect();
        let more = messages.len() > limit;
        messages.truncate(limit);
        let upto = if more { messages[limit - 1].said.index } else { self.index };
        SyncPage { messages, more, upto, channels: channels.into_iter().collect() }
    }

    fn say(&mut self, from: &str, to: To, text: &str, request_id: Option<String>) -> (Frames, u64) {
        let previous = self.said.iter().rfind(|said| said.to == to).map_or(0, |said| said.index);
        self.index += 1;
        let said = Said {
            index: self.index,
            time: WallTime::from_nanos(TIME),
            clock: Lamport::new(self.index),
            from: from.to_owned(),
            to,
            message: text.to_owned(),
            request_id,
        };
        self.said.push(said.clone());
        let (topic, payload) = Publication::Said(Delivery { said, previous }).encode();
        (vec![topic, payload], self.index)
    }
}
