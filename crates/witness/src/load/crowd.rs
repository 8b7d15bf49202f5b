//! Everything that the clients with sessions decide, without I/O: what sessions tell and the time go in, what to ask comes out.
//!
//! **The rule of use: after every call, carry out [`Crowd::orders`]; call [`Crowd::elapsed`] at [`Crowd::deadline`].** The
//! time is that since the crowd began.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use papo_audit::{Event as Note, Request, Topic};
use papo_client::{Answer, Answered, Ask, Event, Outcome, Page, RequestId, To};

use super::person::{Open, Part, Person, Stage, Step};
use super::{LoadSettings, Shared, words};
use crate::notes;

/// Every so many messages of a client are said in private, to the next client.
const PRIVATE_EVERY: u64 = 4;
/// How often a client reads the newest page of a channel.
const PAGE_EVERY: Duration = Duration::from_secs(1);
const PAGE: usize = 50;

/// What somebody wants to ask.
#[derive(Debug)]
pub(super) struct Order {
    /// The number of the person.
    pub(super) person: usize,
    pub(super) id: RequestId,
    pub(super) ask: Ask,
}

#[derive(Debug)]
pub(super) struct Crowd {
    settings: LoadSettings,
    people: Vec<Person>,
    channels: Vec<String>,
    dice: fastrand::Rng,
    phase: Phase,
    reads: HashMap<RequestId, Reading>,
    orders: Vec<Order>,
    /// The highest index of an acknowledgement.
    acknowledged: u64,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Talking,
    /// What is open is repeated until it is answered.
    Settling {
        until: Duration,
        patience: Duration,
    },
    /// Everybody is to be shown everything up to the last acknowledgement.
    Showing {
        until: Duration,
    },
    Ended,
}

/// A page that was asked for.
#[derive(Debug)]
struct Reading {
    channel: String,
    asked: u64,
}

impl Crowd {
    /// A crowd that begins to come in.
    pub(super) fn new(settings: LoadSettings, shared: Arc<Shared>) -> Self {
        let mut dice = words::dice(settings.seed, usize::MAX);
        let speakers = (0..settings.clients.max(1)).map(|_| Part::Speaks);
        let parts = speakers.chain((0..settings.followers).map(|_| Part::Listens)).enumerate();
        let people = parts.map(|(number, part)| Person::new(part, words::dice(settings.seed, number)));
        let channels = (0..settings.channels.max(1)).map(|_| words::name("ensaio", &mut dice));
        let mut crowd = Self {
            people: people.collect(),
            channels: channels.collect(),
            dice,
            phase: Phase::Talking,
            reads: HashMap::new(),
            orders: Vec::new(),
            acknowledged: 0,
            settings,
            shared,
        };
        // The first one creates the channels; the others come when they are there.
        crowd.enter(0, (0..crowd.channels.len()).map(Step::Create).collect());
        crowd
    }

    pub(super) fn people(&self) -> &[Person] {
        &self.people
    }

    /// What to ask now.
    pub(super) fn orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    pub(super) fn is_stopping(&self) -> bool {
        !matches!(self.phase, Phase::Talking)
    }

    /// When [`Crowd::elapsed`] wants to be called.
    pub(super) fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Talking => self.people.iter().filter(|p| p.is_idle()).map(|p| p.next).min(),
            Phase::Settling { until, .. } | Phase::Showing { until } => Some(until),
            Phase::Ended => None,
        }
    }

    /// Does what is due.
    pub(super) fn elapsed(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Talking) {
            for person in 0..self.people.len() {
                if self.people[person].is_idle() && self.people[person].next <= now {
                    self.talk(person, now);
                }
            }
        }
        self.advance(now);
    }

    /// Nobody says anything new any more.
    pub(super) fn stop(&mut self, now: Duration, patience: Duration) {
        if matches!(self.phase, Phase::Talking) {
            self.phase = Phase::Settling { until: now + patience, patience };
        }
    }

    /// Takes what somebody's session told.
    pub(super) fn told(&mut self, person: usize, event: Event, now: Duration) {
        let who = &mut self.people[person];
        match event {
            Event::LoggedIn { user } => {
                who.name = user;
                let topic = Topic::Mailbox(who.name.clone());
                self.shared.recorder.record(&who.name, Note::Follows { topic, after: 0 });
            }
            Event::Following { channel, after } => {
                self.shared
                    .recorder
                    .record(&who.name, Note::Follows { topic: Topic::Channel(channel), after });
            }
            Event::Unfollowed { channel, upto } => {
                self.shared
                    .recorder
                    .record(&who.name, Note::Unfollows { topic: Topic::Channel(channel), upto });
            }
            Event::Message(shown) => {
                let Some(topic) = mailbox_or_channel(&shown.said.to, &who.name) else { return };
                let (index, request_id) = (shown.said.index, shown.said.request_id.clone());
                who.heard = request_id.clone();
                self.shared.recorder.record(&who.name, Note::Shown { topic, index, request_id });
            }
            Event::Progress(saved) => who.complete = saved.complete,
            Event::Connected => who.is_connected = true,
            Event::Lost => who.is_connected = false,
            Event::Estranged(failure) => {
                who.stage = Stage::Gone;
                self.shared.trouble(format!("the session of {} is no longer accepted: {failure}", who.name));
            }
            Event::Answered(answered) => self.answered(person, &answered, now),
            Event::CaughtUp { .. } => {}
        }
        self.advance(now);
    }

    fn talk(&mut self, person: usize, now: Duration) {
        let friend = self.friend(person);
        let who = &mut self.people[person];
        who.next = now + self.settings.period();
        who.said += 1;
        let (number, name) = (who.said, who.name.clone());
        let message = words::message(&name, number, &mut who.dice);
        let request = match friend.filter(|_| number.is_multiple_of(PRIVATE_EVERY)) {
            Some(friend) => Request::Message { src: name, dst: friend, message },
            None => {
                let channel = self.channels[who.dice.usize(..self.channels.len())].clone();
                Request::Publish { user: name, channel, message }
            }
        };
        let replies_to = who.heard.take();
        let open = Open { id: RequestId::random(), request, step: None, failed: false };
        self.write(person, open, replies_to);
        if self.people[person].next_page <= now {
            self.people[person].next_page = now + PAGE_EVERY;
            self.read_page(person);
        }
    }

    /// The next one who talks, if they are there.
    fn friend(&self, person: usize) -> Option<String> {
        let friend = &self.people[(person + 1) % self.settings.clients.max(1)];
        (friend.is_present() && friend.name != self.people[person].name).then(|| friend.name.clone())
    }

    fn write(&mut self, person: usize, open: Open, replies_to: Option<String>) {
        let Open { id, request, .. } = &open;
        let request_id = id.as_str().to_owned();
        let attempted = Note::Attempted { request_id, request: request.clone(), replies_to };
        self.shared.recorder.record(&self.people[person].name, attempted);
        self.orders.push(Order { person, id: id.clone(), ask: notes::ask(request) });
        self.people[person].open = Some(open);
    }

    fn read_page(&mut self, person: usize) {
        let number = self.people[person].dice.usize(..self.channels.len());
        let channel = self.channels[number].clone();
        let id = RequestId::random();
        let of = To::Channel(channel.clone());
        self.reads.insert(id.clone(), Reading { channel, asked: self.shared.recorder.now() });
        self.orders.push(Order { person, id, ask: Ask::History { of, page: Page::Newest, limit: PAGE } });
    }

    fn answered(&mut self, person: usize, answered: &Answered, now: Duration) {
        if let Some(reading) = self.reads.remove(&answered.request) {
            return self.read(person, reading, answered);
        }
        let who = &mut self.people[person];
        let Some(mut open) = who.open.take_if(|open| open.id == answered.request) else { return };
        self.shared.recorder.record(&who.name, notes::end(answered));
        match &answered.outcome {
            Outcome::Stored(_) => {
                self.acknowledged = self.acknowledged.max(answered.index);
                match open.step {
                    Some(_) => self.step_done(person, now),
                    None => drop(self.shared.acknowledged.fetch_add(1, Ordering::Relaxed)),
                }
            }
            Outcome::Refused(_) if notes::is_taken(answered) => self.name_is_taken(person, open.step),
            Outcome::Refused(failure) if open.step.is_some() => {
                who.stage = Stage::Gone;
                self.shared.trouble(format!("{} cannot take part: {failure}", who.name));
            }
            Outcome::Refused(failure) => {
                self.shared.failed(open.id.as_str(), &failure.description);
            }
            Outcome::Unknown(failure) | Outcome::Failed(failure) => {
                if open.step.is_none() && !std::mem::replace(&mut open.failed, true) {
                    self.shared.failed(open.id.as_str(), &failure.description);
                }
                // The same request again, under the same id, until it is settled or nobody waits any more.
                if matches!(self.phase, Phase::Talking | Phase::Settling { .. }) {
                    self.write(person, open, None);
                }
            }
        }
    }

    fn read(&mut self, person: usize, reading: Reading, answered: &Answered) {
        let Outcome::Stored(Answer::History(page)) = &answered.outcome else { return };
        let note = Note::Page {
            topic: Topic::Channel(reading.channel),
            asked: reading.asked,
            seen: answered.seen,
            index: answered.index,
            newest: true,
            messages: page.messages.iter().map(|message| message.said.index).collect(),
        };
        self.shared.recorder.record(&self.people[person].name, note);
    }

    /// Goes on to the next phase as long as there is no reason to stay in this one.
    fn advance(&mut self, now: Duration) {
        if let Phase::Settling { until, patience } = self.phase
            && (now >= until || self.people.iter().all(|person| person.open.is_none()))
        {
            self.phase = Phase::Showing { until: now + patience };
        }
        if let Phase::Showing { until } = self.phase {
            let present = |person: &&Person| person.is_present();
            let all = self.people.iter().filter(present).all(|person| person.complete >= self.acknowledged);
            if all || now >= until {
                self.conclude();
                self.phase = Phase::Ended;
            }
        }
    }

    /// Everybody had all the time they were promised, unless they have no connection.
    fn conclude(&self) {
        for person in &self.people {
            if person.is_present() && (person.is_connected || person.complete >= self.acknowledged) {
                self.shared.recorder.record(&person.name, Note::CaughtUp { index: self.acknowledged });
            } else if person.is_present() {
                self.shared.trouble(format!(
                    "{} had no connection at the end, so nobody knows what it would have been shown",
                    person.name
                ));
            } else if !matches!(person.stage, Stage::Gone) {
                self.shared.trouble(format!("a client ({:?}) never came in", person.part));
            }
        }
    }
}

/// Coming in: a fresh name, the channels, following them.
impl Crowd {
    fn enter(&mut self, person: usize, create: Vec<Step>) {
        let joins = match self.people[person].part {
            Part::Speaks => 0..0,
            Part::Listens => 0..self.channels.len(),
        };
        self.people[person].stage =
            Stage::Entering(create.into_iter().chain(joins.map(Step::Join)).collect());
        self.take_step(person, Step::LogIn);
    }

    fn take_step(&mut self, person: usize, step: Step) {
        let who = &mut self.people[person];
        let request = match step {
            Step::LogIn => {
                let prefix = if who.speaks() { "testemunha" } else { "ouvinte" };
                who.name = words::name(prefix, &mut who.dice);
                Request::Login { user: who.name.clone(), again: false }
            }
            Step::Create(channel) => Request::Channel { channel: self.channels[channel].clone() },
            Step::Join(channel) => {
                Request::Join { user: who.name.clone(), channel: self.channels[channel].clone() }
            }
        };
        self.write(person, Open { id: RequestId::random(), request, step: Some(step), failed: false }, None);
    }

    fn name_is_taken(&mut self, person: usize, step: Option<Step>) {
        let Some(step) = step else { return };
        if let Step::Create(channel) = step {
            self.channels[channel] = words::name("ensaio", &mut self.dice);
        }
        self.take_step(person, step);
    }

    fn step_done(&mut self, person: usize, now: Duration) {
        let Stage::Entering(steps) = &mut self.people[person].stage else { return };
        if let Some(next) = steps.pop_front() {
            return self.take_step(person, next);
        }
        self.people[person].stage = Stage::Present;
        // Not all in the same moment.
        let share = self.people[person].dice.f64();
        self.people[person].next = now + self.settings.period().mul_f64(share);
        if person == 0 && self.shared.channels.set(self.channels.clone()).is_ok() {
            for other in 1..self.people.len() {
                self.enter(other, Vec::new());
            }
        }
    }
}

/// Where a message was shown; `None` for one of their own that was said to somebody else in private.
fn mailbox_or_channel(to: &To, user: &str) -> Option<Topic> {
    match to {
        To::Channel(channel) => Some(Topic::Channel(channel.clone())),
        To::User(to) => (to == user).then(|| Topic::Mailbox(to.clone())),
    }
}

#[cfg(test)]
mod tests;
