//! People: the real sessions of clients, and what is checked of what they are shown and told.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use papo_client::session::{CallId, Output, Session};
use papo_client::{Answer, Answered, Ask, Event, Outcome, Page, RequestId, SessionOptions, Timing};
use papo_core::chat::{Delivery, To};
use papo_core::log;
use papo_transport::Frames;
use papo_wire::publication::Publication;
use papo_wire::reply::Reply;

use super::{ServiceEvent, Side};
use crate::checks::{p5_session, p6_names, require};
use crate::cluster::Cluster;
use crate::cluster::clients::Probe;
use crate::cluster::time::{MS, Time};
use crate::coverage::Happening;

const CHANNELS: [&str; 2] = ["praia", "serra"];

/// Somebody at a client.
pub(super) struct Person {
    name: String,
    session: Session,
    /// The broker that it uses.
    way: usize,
    wishes: usize,
    think: Time,
    subscribed: BTreeSet<To>,
    /// The request that it waits for.
    busy: bool,
    logged_in: bool,
    /// What it has to prove before it goes on with wishes of its own.
    probes: VecDeque<Probe>,
    /// The probe that it waits for.
    probing: Option<Probe>,
    /// The channel that it created last to prove something.
    fresh: String,
    counter: u64,
    wakes_at: Option<Time>,
}

impl Person {
    pub(super) fn new(number: usize, wishes: usize, think: Time) -> Self {
        // Quicker than a person at a terminal: runs are short.
        let timing = Timing { retry: std::time::Duration::from_millis(500), ..Timing::default() };
        Self {
            name: format!("pessoa{}", number + 1),
            session: Session::new(SessionOptions { timing, progress: false }),
            way: number,
            wishes,
            think,
            subscribed: BTreeSet::new(),
            busy: false,
            logged_in: false,
            probes: VecDeque::new(),
            probing: None,
            fresh: String::new(),
            counter: 0,
            wakes_at: None,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.wishes == 0 && self.probes.is_empty() && !self.busy
    }

    /// Has to show, before anything else, that it is served.
    pub(super) fn probe(&mut self) {
        self.probes.extend([Probe::Write, Probe::Read]);
    }

    /// The next thing to ask for; a wish of its own is one less then.
    fn next(&mut self, rng: &mut fastrand::Rng) -> Option<Ask> {
        if self.wishes == 0 && self.probes.is_empty() {
            return None;
        }
        self.counter += 1;
        if !self.logged_in {
            self.wishes = self.wishes.saturating_sub(1);
            return Some(Ask::Login { user: self.name.clone(), saved: None });
        }
        self.probing = self.probes.pop_front();
        match self.probing {
            Some(Probe::Write) => {
                self.fresh = format!("sonda{}{}", self.name, self.counter);
                Some(Ask::CreateChannel(self.fresh.clone()))
            }
            Some(Probe::Read) => {
                let of = To::Channel(self.fresh.clone());
                Some(Ask::History { of, page: Page::Newest, limit: 10 })
            }
            None => {
                self.wishes -= 1;
                Some(self.wish(rng))
            }
        }
    }

    /// What it asked for came to this; whether that proves that it is served.
    fn proves(&mut self, outcome: &Outcome) -> bool {
        if !self.logged_in && matches!(outcome, Outcome::Refused(_)) {
            // An earlier login had its name, and the answer to that one never came. It is refused for good: that is an answer.
            return std::mem::take(&mut self.probes).contains(&Probe::Write);
        }
        let Some(probe) = self.probing.take() else { return false };
        match outcome {
            Outcome::Stored(_) => return probe == Probe::Write,
            Outcome::Refused(failure) => require(p6_names::free_for(&self.fresh, failure)),
            Outcome::Unknown(_) | Outcome::Failed(_) => self.probes.push_front(probe),
        }
        false
    }

    pub(super) fn subscribed(&self, to: &To) -> bool {
        self.subscribed.contains(to)
    }

    /// Something that it wants.
    fn wish(&self, rng: &mut fastrand::Rng) -> Ask {
        let channel = CHANNELS[rng.usize(..CHANNELS.len())].to_owned();
        match rng.u8(..12) {
            0 => Ask::CreateChannel(channel),
            1..=3 => Ask::Join(channel),
            4 => Ask::Leave(channel),
            5..=8 => Ask::Publish { channel, text: format!("oi {}", self.counter) },
            9 | 10 => {
                Ask::Message { to: format!("pessoa{}", rng.u8(1..4)), text: format!("psiu {}", self.counter) }
            }
            _ => Ask::History { of: To::Channel(channel), page: Page::Newest, limit: rng.usize(1..60) },
        }
    }
}

impl Cluster {
    pub(super) fn person_wishes(&mut self, person: usize) {
        let now = self.plain_now();
        let mut rng = self.rng.fork();
        let it = &mut self.services_mut().people[person];
        if it.busy {
            return;
        }
        let Some(ask) = it.next(&mut rng) else { return };
        it.busy = true;
        let id = RequestId::from(format!("{}-{}", it.name, it.counter).as_str());
        it.session.ask(now, id, ask, None);
        self.person_acts(person);
    }

    pub(super) fn person_wakes(&mut self, person: usize) {
        let now = self.plain_now();
        let it = &mut self.services_mut().people[person];
        it.wakes_at = None;
        it.session.elapsed(now);
        self.person_acts(person);
    }

    pub(super) fn person_is_answered(&mut self, person: usize, frames: &Frames) {
        let now = self.plain_now();
        let [_, call, _, payload] = frames.as_slice() else {
            panic!("an answer comes the way the request went")
        };
        let call = CallId(u32::from_le_bytes(call.as_slice().try_into().expect("as it was sent")));
        let reply = Reply::decode(payload).expect("brokers and servidores answer in sentences");
        self.services_mut().people[person].session.answered(now, call, reply);
        self.person_acts(person);
    }

    pub(super) fn person_is_delivered(&mut self, person: usize, publication: &Publication) {
        let now = self.plain_now();
        let session = &mut self.services_mut().people[person].session;
        match publication {
            Publication::Said(Delivery { said, previous }) => {
                session.delivered(now, &Arc::new(said.clone()), *previous);
            }
            Publication::Tip(tip) => session.tip(now, tip),
            Publication::Coordinator(_) => {}
        }
        self.person_acts(person);
    }

    /// Carries out what a session wants.
    fn person_acts(&mut self, person: usize) {
        while let Some(output) = self.services_mut().people[person].session.poll() {
            match output {
                Output::Send { call, attempt, payload } => self.person_sends(person, call, attempt, payload),
                Output::Subscribe(to) => drop(self.services_mut().people[person].subscribed.insert(to)),
                Output::Unsubscribe(to) => drop(self.services_mut().people[person].subscribed.remove(&to)),
                Output::Deaf => self.coverage.count(Happening::Deaf),
                Output::Tell(event) => self.person_is_told(person, event),
            }
        }
        let now = self.now;
        let it = &mut self.services_mut().people[person];
        let Some(wake) = it.session.next_deadline() else { return };
        let wake = Self::plain_moment(wake).max(now + 1);
        if it.wakes_at.is_none_or(|at| wake < at) {
            it.wakes_at = Some(wake);
            self.at(wake - now, ServiceEvent::PersonWakes { person });
        }
    }

    fn person_sends(&mut self, person: usize, call: CallId, attempt: u32, payload: Vec<u8>) {
        let now = self.plain_now();
        let services = self.services_mut();
        let it = &mut services.people[person];
        if attempt > 1 {
            it.way += 1;
        }
        let count = services.brokers.len();
        let Some(broker) = (0..count).map(|n| (it.way + n) % count).find(|n| services.brokers[*n].runs())
        else {
            return it.session.not_sent(now, call);
        };
        it.way = broker;
        let life = services.brokers[broker].life;
        if attempt > 1 {
            self.coverage.count(Happening::OtherBroker);
        }
        if self.client_wire_loses() {
            return;
        }
        let identity = vec![u8::try_from(person).expect("few people")];
        let frames = vec![identity, call.0.to_le_bytes().to_vec(), Vec::new(), payload];
        self.soon(ServiceEvent::AtBroker { broker, life, side: Side::Clients, frames });
    }

    fn person_is_told(&mut self, person: usize, event: Event) {
        let name = self.services_mut().people[person].name.clone();
        self.tell(|| format!("{name}: {event:?}"));
        let mailbox = To::User(name.clone());
        match event {
            Event::LoggedIn { .. } => {
                self.services_mut().people[person].logged_in = true;
                self.canon.deliveries.follows(&name, &mailbox.topic(), 0);
            }
            Event::Following { channel, after } => self.canon.deliveries.follows(&name, &channel, after),
            Event::Unfollowed { channel, .. } => self.canon.deliveries.unfollows(&name, &channel),
            Event::Message(shown) => {
                self.coverage.count(if shown.missed { Happening::ShownLate } else { Happening::Shown });
                // One's own private messages to others are not delivered when they are said.
                let own_to_other = matches!(&shown.said.to, To::User(_)) && shown.said.to != mailbox;
                if !own_to_other {
                    require(self.canon.deliveries.shown(&name, &shown.said.to.topic(), shown.said.index));
                }
            }
            Event::Answered(answered) => self.person_has_answer(person, name, answered),
            Event::Lost => self.coverage.count(Happening::LostTouch),
            _ => {}
        }
    }

    fn person_has_answer(&mut self, person: usize, name: String, answered: Answered) {
        let Answered { request, seen, index, outcome, service } = answered;
        let key = (name, log::RequestId::Client(request.as_str().to_owned()));
        if self.services_mut().people[person].proves(&outcome) {
            self.proven += 1;
        }
        match outcome {
            Outcome::Stored(answer) => {
                require(p5_session::answered(&key.0, seen, index));
                if let Answer::History(page) = &answer {
                    let indices: Vec<u64> = page.messages.iter().map(|message| message.said.index).collect();
                    if let Some(message) = page.messages.first() {
                        require(self.canon.causal.page(&message.said.to.topic(), &indices));
                    }
                }
                if service.is_write() {
                    self.canon.acknowledged(key, index, papo_core::chat::Outcome::Done);
                }
            }
            Outcome::Failed(_) if service.is_write() => self.canon.refused(key),
            Outcome::Unknown(_) => self.coverage.count(Happening::Unknown),
            Outcome::Refused(_) | Outcome::Failed(_) => {}
        }
        let it = &mut self.services_mut().people[person];
        it.busy = false;
        let most = 2 * it.think + 2 * MS;
        let after = self.rng.u64(MS..most);
        self.at(after, ServiceEvent::PersonWishes { person });
    }
}
