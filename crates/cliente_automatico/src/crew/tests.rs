//! The crew against a chat in memory that keeps every promise, or breaks one on purpose.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use papo_audit::{Conclusion, Promise, Recorder, Report, Request as Said};
use papo_client::{
    Answer, Answered, Ask, Event, Failure, HistoryPage, Outcome, Page, Reason, RequestId, Service, Shown, To,
};
use papo_core::clock::{Lamport, WallTime};
use papo_service::Metrics;
use papo_wire::reply::{Message, Reply};

use super::{Crew, Order, Plan};
use crate::tally::Tally;

const SECOND: Duration = Duration::from_secs(1);

/// What the chat does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Acknowledges the message of this number and forgets it.
    Forget(u64),
    /// Says it twice.
    Double(u64),
    /// Never shows it to the first user.
    Hide(u64),
    /// Does not know what came of it, the first time.
    Doubt(u64),
    /// Answers no read.
    Mute,
}

struct Chat {
    crew: Crew,
    fault: Fault,
    log: Vec<papo_client::Said>,
    index: u64,
    said: u64,
    names: Vec<Option<String>>,
    channels: Vec<String>,
    /// What was acknowledged, by id: a retry gets the same.
    done: BTreeMap<String, u64>,
    now: Duration,
    reports: Vec<Report>,
}

impl Chat {
    fn new(users: usize, duration: Option<Duration>, fault: Fault) -> Self {
        let plan = Plan {
            prefix: "robô".into(),
            users,
            rate: 50.0,
            channels: vec!["geral".into(), "random".into()],
            private_share: 0.3,
            duplicate_share: 0.2,
            round: 4 * SECOND,
            duration,
        };
        let tally = Tally::new(&Metrics::new("test", "0"));
        Self {
            crew: Crew::new(plan, fastrand::Rng::with_seed(7), Recorder::new(), tally),
            fault,
            log: Vec::new(),
            index: 0,
            said: 0,
            names: vec![None; users],
            channels: Vec::new(),
            done: BTreeMap::new(),
            now: Duration::ZERO,
            reports: Vec::new(),
        }
    }

    /// Runs until the crew has ended, or for so long.
    fn run(&mut self, limit: Duration) {
        while !self.crew.has_ended() && self.now < limit {
            let orders: Vec<Order> = self.crew.orders().collect();
            if orders.is_empty() {
                self.now = self.crew.deadline().unwrap_or(limit).max(self.now);
                self.crew.elapsed(self.now);
            }
            for order in orders {
                self.now += Duration::from_micros(300);
                self.carry_out(order);
            }
            self.reports.extend(std::iter::from_fn(|| self.crew.take_report()));
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Ask { user, id, ask } => {
                let service = ask.service();
                let (outcome, index) = self.answer(user, &id, ask);
                let answered = Answered { request: id, service, seen: 0, index, outcome };
                self.crew.told(user, Event::Answered(answered), self.now);
            }
            Order::Repeat { id, request } => {
                let (from, to, message) = match request {
                    Said::Publish { user, channel, message } => (user, To::Channel(channel), message),
                    Said::Message { src, dst, message } => (src, To::User(dst), message),
                    other => panic!("{other:?} was repeated"),
                };
                let index = self.say(&id, &from, &to, &message);
                let reply = Reply {
                    time: WallTime::EPOCH,
                    clock: Lamport::default(),
                    index,
                    answer: Ok(Answer::Publish),
                };
                self.crew.repeated(&id, Some(&reply), self.now);
            }
        }
    }

    fn answer(&mut self, user: usize, id: &RequestId, ask: Ask) -> (Outcome, u64) {
        let me = self.names[user].clone();
        let refused = |service, reason| (Outcome::Refused(Failure::new(service, reason)), self.index);
        match ask {
            Ask::Login { user: name, .. } => {
                if self.names.contains(&Some(name.clone())) {
                    return refused(Service::Login, Reason::UserExists);
                }
                self.names[user] = Some(name.clone());
                self.crew.told(user, Event::LoggedIn { user: name.clone() }, self.now);
                self.stored(Answer::Login { user: name, session: "token".into() })
            }
            Ask::CreateChannel(channel) if self.channels.contains(&channel) => {
                refused(Service::Channel, Reason::ChannelExists)
            }
            Ask::CreateChannel(channel) => {
                self.channels.push(channel);
                self.stored(Answer::Channel)
            }
            Ask::Join(channel) => {
                assert!(self.channels.contains(&channel), "nobody joins what is not there");
                self.crew.told(user, Event::Following { channel, after: self.index }, self.now);
                self.stored(Answer::Join)
            }
            Ask::Publish { channel, text } => {
                self.spoken(Service::Publish, id, &me.expect("logged in"), &To::Channel(channel), &text)
            }
            Ask::Message { to, text } => {
                self.spoken(Service::Message, id, &me.expect("logged in"), &To::User(to), &text)
            }
            Ask::History { .. } if self.fault == Fault::Mute => {
                (Outcome::Failed(Failure::new(Service::History, Reason::Unavailable)), 0)
            }
            Ask::History { of, page, limit } => {
                (Outcome::Stored(self.page(&me.expect("logged in"), &of, page, limit)), self.index)
            }
            other => panic!("the bot asked for {other:?}"),
        }
    }

    fn stored(&mut self, answer: Answer) -> (Outcome, u64) {
        self.index += 1;
        (Outcome::Stored(answer), self.index)
    }

    fn spoken(
        &mut self,
        service: Service,
        id: &RequestId,
        from: &str,
        to: &To,
        text: &str,
    ) -> (Outcome, u64) {
        let is_new = !self.done.contains_key(id.as_str());
        let index = self.say(id, from, to, text);
        if is_new && self.fault == Fault::Doubt(self.said) {
            return (Outcome::Unknown(Failure::new(service, Reason::Unknown)), 0);
        }
        let answer = if service == Service::Publish { Answer::Publish } else { Answer::Message };
        (Outcome::Stored(answer), index)
    }

    /// Orders a message, unless its id was ordered before, and shows it to whom it concerns.
    fn say(&mut self, id: &RequestId, from: &str, to: &To, message: &str) -> u64 {
        if let Some(index) = self.done.get(id.as_str()) {
            return *index;
        }
        self.said += 1;
        let times = if self.fault == Fault::Double(self.said) { 2 } else { 1 };
        for _ in 0..times {
            self.index += 1;
            let said = papo_client::Said {
                index: self.index,
                time: WallTime::from_nanos(i64::try_from(self.now.as_nanos()).expect("tests are short")),
                clock: Lamport::new(self.index),
                from: from.to_owned(),
                to: to.clone(),
                message: message.to_owned(),
                request_id: Some(id.as_str().to_owned()),
            };
            if self.fault != Fault::Forget(self.said) {
                self.log.push(said.clone());
                self.show(&Arc::new(said));
            }
        }
        self.done.insert(id.as_str().to_owned(), self.index);
        self.index
    }

    fn show(&mut self, said: &Arc<papo_client::Said>) {
        for user in 0..self.names.len() {
            let is_told = match &said.to {
                To::Channel(_) => true,
                To::User(to) => self.names[user].as_ref() == Some(to),
            };
            let is_hidden =
                self.fault == Fault::Hide(self.said) && matches!(said.to, To::Channel(_)) && user == 0;
            if is_told && !is_hidden && self.names[user].is_some() {
                let shown = Shown { said: Arc::clone(said), missed: false, own: None };
                self.crew.told(user, Event::Message(shown), self.now);
            }
        }
    }

    fn page(&self, me: &str, of: &To, page: Page, limit: usize) -> Answer {
        let is_in = |said: &&papo_client::Said| match of {
            To::Channel(_) => said.to == *of,
            To::User(with) => {
                let to = |user: &str| said.to == To::User(user.to_owned());
                (said.from == me && to(with)) || (said.from == *with && to(me))
            }
        };
        let all: Vec<_> = self.log.iter().filter(is_in).collect();
        let (chosen, more): (Vec<_>, bool) = match page {
            Page::Newest => (all[all.len().saturating_sub(limit)..].to_vec(), all.len() > limit),
            Page::After(after) => {
                let later: Vec<_> = all.into_iter().filter(|said| said.index > after).collect();
                // Small pages, so that there are several.
                let more = later.len() > 7;
                (later.into_iter().take(7).collect(), more)
            }
            other => panic!("the bot asked for {other:?}"),
        };
        let messages =
            chosen.into_iter().map(|said| Message { said: said.clone(), previous: None }).collect();
        Answer::History(HistoryPage { messages, more })
    }
}

fn conclusions(chat: &Chat) -> Vec<Conclusion> {
    chat.reports.iter().map(|report| report.conclusion).collect()
}

#[test]
fn a_chat_that_keeps_every_promise_passes_and_the_bot_ends_in_time() {
    let mut chat = Chat::new(5, Some(3 * SECOND), Fault::None);
    chat.run(60 * SECOND);
    assert!(chat.crew.has_ended());
    assert_eq!(conclusions(&chat), [Conclusion::Pass], "{}", chat.reports[0]);
    let numbers = chat.crew.tally.numbers();
    assert!(numbers.acknowledged > 100, "it talked all the time: {numbers:?}");
    assert!(numbers.repeated > 5, "and sent some of it twice: {numbers:?}");
    assert_eq!(chat.crew.talked, 3 * SECOND, "what came after was no talk");
}

#[test]
fn a_bot_without_an_end_checks_round_after_round_and_goes_on() {
    let mut chat = Chat::new(4, None, Fault::None);
    chat.run(21 * SECOND);
    assert!(!chat.crew.has_ended());
    assert_eq!(conclusions(&chat), vec![Conclusion::Pass; chat.reports.len()]);
    assert!(chat.reports.len() >= 4, "{} rounds", chat.reports.len());
}

#[test]
fn a_bot_that_is_stopped_checks_what_it_said_and_ends() {
    let mut chat = Chat::new(4, None, Fault::None);
    chat.run(2 * SECOND);
    chat.crew.stop(chat.now);
    chat.run(60 * SECOND);
    assert!(chat.crew.has_ended() && chat.now < 4 * SECOND);
    assert_eq!(conclusions(&chat), [Conclusion::Pass], "{}", chat.reports[0]);
}

#[test]
fn one_user_alone_talks_in_channels_only() {
    let mut chat = Chat::new(1, Some(2 * SECOND), Fault::None);
    chat.run(60 * SECOND);
    assert_eq!(conclusions(&chat), [Conclusion::Pass], "{}", chat.reports[0]);
    assert!(chat.log.iter().all(|said| matches!(said.to, To::Channel(_))));
}

#[test]
fn what_is_acknowledged_and_forgotten_is_found() {
    let mut chat = Chat::new(4, Some(3 * SECOND), Fault::Forget(40));
    chat.run(60 * SECOND);
    assert!(chat.reports[0].of(Promise::Durable).count() > 0, "{}", chat.reports[0]);
}

#[test]
fn what_is_said_twice_is_found() {
    let mut chat = Chat::new(4, Some(3 * SECOND), Fault::Double(40));
    chat.run(60 * SECOND);
    assert!(chat.reports[0].of(Promise::Once).count() > 0, "{}", chat.reports[0]);
}

#[test]
fn what_somebody_was_never_shown_is_found() {
    // The first message in a channel from there on; private ones are shown as they should be.
    let hidden = (40..60).find_map(|number| {
        let mut chat = Chat::new(4, Some(3 * SECOND), Fault::Hide(number));
        chat.run(100 * SECOND);
        chat.reports.into_iter().find(|report| report.conclusion == Conclusion::Fail)
    });
    let report = hidden.expect("one of twenty messages is for a channel");
    assert_eq!(report.of(Promise::Delivery).count(), 1, "{report}");
}

#[test]
fn a_request_with_an_unknown_end_is_asked_again_under_its_id_and_counted_once() {
    let mut chat = Chat::new(4, Some(3 * SECOND), Fault::Doubt(40));
    chat.run(60 * SECOND);
    assert_eq!(conclusions(&chat), [Conclusion::Pass], "{}", chat.reports[0]);
    assert_eq!(chat.crew.tally.numbers().unsettled, 1);
}

#[test]
fn a_history_that_cannot_be_read_proves_nothing() {
    let mut chat = Chat::new(4, Some(3 * SECOND), Fault::Mute);
    chat.run(200 * SECOND);
    assert_eq!(conclusions(&chat), [Conclusion::Unknown], "{}", chat.reports[0]);
    assert!(chat.reports[0].to_string().contains("channel geral could not be read to its end"));
}
