//! Everything that the bot decides, without I/O: what sessions tell and the time go in, what to ask comes out.
//!
//! **The rule of use: after every call, carry out [`Crew::orders`]; call [`Crew::elapsed`] at [`Crew::deadline`].** The time
//! is that since the bot began.
//!
//! The bot lives in *rounds*. In a round everybody talks for a while; then all wait until what is open is settled, read
//! the history of the round again, wait until everybody was shown what it holds, and check every promise. The ledger of a
//! round is forgotten when it is checked, so that a bot can run for months.

mod enter;
mod person;
mod round;
mod talk;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use papo_audit::{Event as Note, JournalError, Recorder, Report, Request, Topic};
use papo_client::{Answer, Answered, Ask, Event, Outcome, Page, RequestId, To};
use papo_wire::reply::Reply;

use crate::tally::Tally;
use papo_witness::notes;
use person::{Open, Person, Stage, Step};
use round::{Phase, Round};
use talk::REPEATER;

/// How far behind its schedule a bot may be and still catch up; what is further behind is never said.
const LAG: Duration = Duration::from_secs(1);

/// What the crew is to do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What names begin with.
    pub(crate) prefix: String,
    /// How many users.
    pub(crate) users: usize,
    /// Messages a second, of all together.
    pub(crate) rate: f64,
    /// Where to talk.
    pub(crate) channels: Vec<String>,
    /// Share of private messages.
    pub(crate) private_share: f64,
    /// Share of messages that are sent twice.
    pub(crate) duplicate_share: f64,
    /// How long a round's talking takes.
    pub(crate) round: Duration,
    /// How long all the talking takes.
    pub(crate) duration: Option<Duration>,
}

/// What the crew wants done.
#[derive(Debug)]
pub(crate) enum Order {
    /// Ask in the name of the user of that number.
    Ask {
        /// The number.
        user: usize,
        /// The request's id.
        id: RequestId,
        /// What.
        ask: Ask,
    },
    /// Send the same request once more, through another broker, beside the session.
    Repeat {
        /// The id it has already.
        id: RequestId,
        /// What it asked for.
        request: Request,
    },
}

pub(crate) struct Crew {
    plan: Plan,
    people: Vec<Person>,
    phase: Phase,
    round: Round,
    reads: HashMap<RequestId, Reading>,
    repeating: usize,
    next_talk: Duration,
    stopping: bool,
    /// For how long there was talk, in rounds that ended; between them what was said is checked.
    pub(crate) talked: Duration,
    rng: fastrand::Rng,
    recorder: Recorder,
    orders: VecDeque<Order>,
    /// Numbers for the log line and the summary.
    pub(crate) tally: Tally,
    /// What the rounds that were checked came to.
    checked: VecDeque<Report>,
    journal_failure: Option<JournalError>,
}

/// A read in flight.
enum Reading {
    /// The newest page of a channel, for a user's own eyes; when it was asked for.
    Newest { channel: String, asked: u64 },
    /// The next page of a part of a round's history.
    Part { round: u64, part: usize },
}

impl Crew {
    /// A crew that begins to log in.
    pub(crate) fn new(plan: Plan, rng: fastrand::Rng, recorder: Recorder, tally: Tally) -> Self {
        let end = plan.duration.map_or(plan.round, |duration| duration.min(plan.round));
        let mut crew = Self {
            people: (0..plan.users).map(|_| Person::default()).collect(),
            plan,
            phase: Phase::Talking { since: Duration::ZERO, until: end },
            round: Round::default(),
            reads: HashMap::new(),
            repeating: 0,
            next_talk: Duration::ZERO,
            stopping: false,
            talked: Duration::ZERO,
            rng,
            recorder,
            orders: VecDeque::new(),
            tally,
            checked: VecDeque::new(),
            journal_failure: None,
        };
        // The first one creates the channels; the others come when they are there.
        let create = crew.plan.channels.iter().cloned().map(Step::Create).collect::<Vec<_>>();
        crew.enter(0, create, Duration::ZERO);
        crew
    }

    /// What to do now.
    pub(crate) fn orders(&mut self) -> impl Iterator<Item = Order> {
        std::mem::take(&mut self.orders).into_iter()
    }

    /// What the last round came to, once.
    pub(crate) fn take_report(&mut self) -> Option<Report> {
        self.checked.pop_front()
    }

    /// Why the ledger's file is not complete, once, if it is not.
    pub(crate) fn take_journal_failure(&mut self) -> Option<JournalError> {
        self.journal_failure.take()
    }

    /// Whether there is nothing left to do.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    /// How many users are there and talk.
    pub(crate) fn present(&self) -> usize {
        self.people.iter().filter(|person| person.is_present()).count()
    }

    /// When [`Crew::elapsed`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let talk = self.wants_to_talk().then_some(self.next_talk);
        [talk, self.phase.until()].into_iter().flatten().min()
    }

    /// Does what is due.
    pub(crate) fn elapsed(&mut self, now: Duration) {
        if self.next_talk + LAG < now {
            self.next_talk = now;
        }
        while self.wants_to_talk() && self.next_talk <= now {
            self.next_talk += Duration::from_secs_f64(1.0 / self.plan.rate);
            self.talk(now);
        }
        self.advance(now);
    }

    /// No more talking: check what was said, and end.
    pub(crate) fn stop(&mut self, now: Duration) {
        self.stopping = true;
        if let Phase::Talking { until, .. } = &mut self.phase {
            *until = now;
        }
        self.advance(now);
    }

    /// Takes what a user's session told.
    pub(crate) fn told(&mut self, user: usize, event: Event, now: Duration) {
        match event {
            Event::LoggedIn { user: name } => self.people[user].name = name,
            Event::Message(shown) => {
                self.tally.shown(shown.missed);
                let person = &mut self.people[user];
                let Some(topic) = notes::topic(&shown.said, &person.name) else { return };
                let (index, request_id) = (shown.said.index, shown.said.request_id.clone());
                person.was_shown(&topic, index);
                person.heard = request_id.clone();
                self.recorder.record(&person.name, Note::Shown { topic, index, request_id });
            }
            Event::Following { channel, after } => {
                let person = &mut self.people[user];
                let topic = Topic::Channel(channel);
                person.follows.insert(topic.clone());
                self.recorder.record(&person.name, Note::Follows { topic, after });
            }
            Event::Unfollowed { channel, upto } => {
                let person = &mut self.people[user];
                let topic = Topic::Channel(channel);
                person.follows.remove(&topic);
                self.recorder.record(&person.name, Note::Unfollows { topic, upto });
            }
            Event::Answered(answered) => self.answered(user, &answered, now),
            Event::Lost => {
                self.tally.lost();
                tracing::warn!(user = self.people[user].name, "the chat does not answer");
            }
            Event::Connected => tracing::debug!(user = self.people[user].name, "the chat answers"),
            Event::Estranged(failure) => {
                tracing::error!(user = self.people[user].name, error = %failure, "the chat no longer accepts this user");
                self.people[user].stage = Stage::Gone;
            }
            Event::CaughtUp { .. } | Event::Progress(_) => {}
        }
        self.advance(now);
    }

    /// Takes the answer to an [`Order::Repeat`]; `None` when there was none in time.
    pub(crate) fn repeated(&mut self, id: &RequestId, reply: Option<&Reply>, now: Duration) {
        self.repeating = self.repeating.saturating_sub(1);
        let note = notes::repeated(id.as_str().to_owned(), reply);
        if matches!(note, Note::Acknowledged { .. }) {
            self.tally.repeated();
        }
        self.recorder.record(REPEATER, note);
        self.advance(now);
    }

    fn wants_to_talk(&self) -> bool {
        matches!(self.phase, Phase::Talking { .. }) && self.people.iter().any(Person::is_idle)
    }

    /// Asks for something that is to be written, for the first time or again.
    fn write(&mut self, user: usize, open: Open, replies_to: Option<String>) {
        let person = &mut self.people[user];
        let Open { id, request, .. } = &open;
        let request_id = id.as_str().to_owned();
        self.recorder
            .record(&person.name, Note::Attempted { request_id, request: request.clone(), replies_to });
        self.orders.push_back(Order::Ask { user, id: id.clone(), ask: notes::ask(request) });
        person.open = Some(open);
    }

    fn answered(&mut self, user: usize, answered: &Answered, now: Duration) {
        if let Some(reading) = self.reads.remove(&answered.request) {
            return self.read(user, reading, answered);
        }
        let person = &mut self.people[user];
        let Some(open) = person.open.take_if(|open| open.id == answered.request) else { return };
        self.recorder.record(&person.name, notes::end(answered));
        match &answered.outcome {
            Outcome::Stored(_) => {
                if open.step.is_none() {
                    self.tally.acknowledged(now.saturating_sub(open.began));
                    self.after_talking(user, &open);
                }
                if open.step.is_some() {
                    self.step_done(user, now);
                }
            }
            Outcome::Refused(_) if notes::is_taken(answered) => {
                self.name_is_taken(user, open.step.as_ref(), now);
            }
            Outcome::Refused(failure) => {
                self.tally.refused();
                tracing::warn!(user = person.name, request = ?open.request, error = %failure, "refused");
                if open.step.is_some() {
                    self.people[user].stage = Stage::Gone;
                }
            }
            Outcome::Unknown(failure) | Outcome::Failed(failure) => {
                self.tally.unsettled();
                tracing::debug!(user = person.name, request = %open.id, error = %failure, "no final answer yet");
                // The same request again, under the same id, until it is settled or the round does not wait any more.
                if open.step.is_some() || self.phase.waits_for_answers() {
                    self.write(user, open, None);
                }
            }
        }
    }

    fn ask_page(&mut self, user: usize, reading: Reading, of: To, page: Page, limit: usize) {
        let id = RequestId::random();
        self.reads.insert(id.clone(), reading);
        self.orders.push_back(Order::Ask { user, id, ask: Ask::History { of, page, limit } });
    }

    fn read(&mut self, user: usize, reading: Reading, answered: &Answered) {
        let page = match &answered.outcome {
            Outcome::Stored(Answer::History(page)) => Some(page),
            other => {
                tracing::debug!(user = self.people[user].name, ?other, "a read failed");
                None
            }
        };
        match (reading, page) {
            (Reading::Newest { channel, asked }, Some(page)) => {
                let note = Note::Page {
                    topic: Topic::Channel(channel),
                    asked,
                    seen: answered.seen,
                    index: answered.index,
                    newest: true,
                    messages: page.messages.iter().map(|message| message.said.index).collect(),
                };
                self.recorder.record(&self.people[user].name, note);
            }
            (Reading::Newest { .. }, None) => {}
            // An answer that comes too late for its round; or one that asking again would not change.
            (Reading::Part { round, .. }, _) if round != self.round.number => {}
            (Reading::Part { .. }, None) if matches!(answered.outcome, Outcome::Refused(_)) => {}
            (Reading::Part { part, .. }, page) => self.part_read(part, page, answered.index),
        }
    }
}
