//! Saying something, some of it twice, and reading a page now and then.

use std::time::Duration;

use papo_audit::{Event as Note, Request, Topic};
use papo_client::{Page, RequestId, To};

use super::person::Open;
use super::{Crew, Order, Reading};

/// To how many others each user writes in private.
const FRIENDS: usize = 3;
/// Every so many of its acknowledged messages a user reads the newest page of a channel.
const PAGE_EVERY: u64 = 15;
const PAGE: usize = 50;
/// Who sends requests a second time, in the ledger: what it is answered, the user's own session does not know of.
pub(super) const REPEATER: &str = "the same again";

impl Crew {
    pub(super) fn talk(&mut self, now: Duration) {
        let Some(user) = self.somebody_idle() else { return };
        let private = self.rng.f64() < self.plan.private_share;
        let friend = if private { self.friend(user) } else { None };
        let channel = self.rng.choice(&self.plan.channels).cloned().unwrap_or_default();
        let person = &mut self.people[user];
        person.said += 1;
        let replies_to = person.heard.take();
        let again = if replies_to.is_some() { ", em resposta" } else { "" };
        let message = format!("{}: mensagem {}{again}", person.name, person.said);
        let name = person.name.clone();
        let request = match friend {
            Some(friend) => {
                self.follow_private(user, friend);
                Request::Message { src: name, dst: self.people[friend].name.clone(), message }
            }
            None => Request::Publish { user: name, channel, message },
        };
        let id = RequestId::random();
        let twice = self.rng.f64() < self.plan.duplicate_share;
        // Half of what is sent twice is under way twice at once; the rest is repeated when it was answered.
        let at_once = twice && self.rng.bool();
        self.tally.sent();
        let open = Open {
            id: id.clone(),
            request: request.clone(),
            step: None,
            began: now,
            repeat: twice && !at_once,
        };
        self.write(user, open, replies_to);
        if at_once {
            self.repeat(id, request);
        }
    }

    fn somebody_idle(&mut self) -> Option<usize> {
        let count = self.people.len();
        let first = self.rng.usize(..count);
        (0..count).map(|step| (first + step) % count).find(|user| self.people[*user].is_idle())
    }

    /// Somebody present whom `user` writes to: always the same few, so that few conversations have to be read again.
    fn friend(&mut self, user: usize) -> Option<usize> {
        let count = self.people.len();
        let friends = (1..=FRIENDS.min(count - 1)).map(|step| (user + step) % count);
        let present: Vec<usize> = friends.filter(|friend| self.people[*friend].is_present()).collect();
        self.rng.choice(present)
    }

    /// From the first message of a round on, the other one is owed what `user` says to them.
    fn follow_private(&mut self, user: usize, friend: usize) {
        let topic = Topic::Private(self.people[user].name.clone(), self.people[friend].name.clone());
        let friend_person = &mut self.people[friend];
        if friend_person.follows.insert(topic.clone()) {
            self.recorder.record(&friend_person.name, Note::Follows { topic, after: self.round.after });
        }
        self.round.pairs.insert((user.min(friend), user.max(friend)));
    }

    /// Something that a user said was acknowledged.
    pub(super) fn after_talking(&mut self, user: usize, open: &Open) {
        if open.repeat {
            self.repeat(open.id.clone(), open.request.clone());
        }
        let person = &mut self.people[user];
        person.acknowledged += 1;
        if !person.acknowledged.is_multiple_of(PAGE_EVERY) {
            return;
        }
        if let Some(channel) = self.rng.choice(&self.plan.channels).cloned() {
            let reading = Reading::Newest { channel: channel.clone(), asked: self.recorder.now() };
            self.ask_page(user, reading, To::Channel(channel), Page::Newest, PAGE);
        }
    }

    fn repeat(&mut self, id: RequestId, request: Request) {
        let request_id = id.as_str().to_owned();
        self.recorder
            .record(REPEATER, Note::Attempted { request_id, request: request.clone(), replies_to: None });
        self.repeating += 1;
        self.orders.push_back(Order::Repeat { id, request });
    }
}
