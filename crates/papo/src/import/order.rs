//! Which record may be on its way while which others are.
//!
//! What goes out together may arrive in any order. So of one author, and in one conversation, only one record is on
//! its way at a time, and records that wait for it let others pass. The order of all that one person said, and of
//! each conversation, is then that of the file. Records of different people in different conversations may change
//! places, by as many as are looked ahead.

use std::collections::{HashSet, VecDeque};
use std::fmt;

use papo_wire::names;
use papo_wire::reply::{Answer, Reason, Reply};
use papo_wire::request::{Body, Import, Imported, Request};

use super::Problem;
use super::files::{Item, Place};
use super::id::Ids;
use crate::ask::{Questions, Unanswered};

/// How far ahead of the first waiting record it is looked for one that may go, for each that may be on its way.
const LOOK_AHEAD: usize = 4;

/// What became of the records.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Tally {
    /// In the cluster now.
    pub(super) taken: u64,
    /// In the cluster before.
    pub(super) present: u64,
    /// Not in the cluster.
    pub(super) failed: u64,
}

/// The records of one file on their way.
pub(super) struct Order<'a, I, P> {
    items: I,
    known: &'a HashSet<String>,
    ids: &'a mut Ids,
    waiting: VecDeque<Waiting>,
    look_ahead: usize,
    /// Keys of what is on its way.
    busy: HashSet<Key>,
    tally: Tally,
    problems: Vec<Problem>,
    /// Nobody answers: it makes no sense to go on.
    given_up: bool,
    progress: P,
}

struct Waiting {
    ticket: Ticket,
    id: String,
    import: Import,
}

/// A record on its way.
pub(super) struct Ticket {
    place: Place,
    keys: Vec<Key>,
}

/// What two records must not have in common to be on their way together.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Key {
    User(String),
    Channel(String),
    Private(String, String),
}

impl<'a, I: Iterator<Item = Item>, P: FnMut(&Tally)> Order<'a, I, P> {
    /// `known` are the ids of what the cluster has; `in_flight` is how many may be on their way.
    pub(super) fn new(
        items: I,
        known: &'a HashSet<String>,
        ids: &'a mut Ids,
        in_flight: usize,
        progress: P,
    ) -> Self {
        Self {
            items,
            known,
            ids,
            waiting: VecDeque::new(),
            // One at a time means in order.
            look_ahead: if in_flight == 1 { 1 } else { in_flight * LOOK_AHEAD },
            busy: HashSet::new(),
            tally: Tally::default(),
            problems: Vec::new(),
            given_up: false,
            progress,
        }
    }

    /// What came of it all.
    pub(super) fn finish(mut self) -> (Tally, Vec<Problem>) {
        self.problems.sort_by_key(|problem| problem.place.number);
        (self.tally, self.problems)
    }

    fn fill(&mut self) {
        while self.waiting.len() < self.look_ahead {
            let Some(Item { place, record }) = self.items.next() else { return };
            match record {
                Err(why) => self.fail(place, why),
                Ok(import) => {
                    let id = self.ids.next(&import);
                    if self.known.contains(&id) {
                        self.tally.present += 1;
                        (self.progress)(&self.tally);
                    } else {
                        let ticket = Ticket { place, keys: keys(&import.what) };
                        self.waiting.push_back(Waiting { ticket, id, import });
                    }
                }
            }
        }
    }

    /// The first that shares nothing with what is on its way, nor with what waits before it.
    fn first_free(&self) -> Option<usize> {
        let mut passed: HashSet<&Key> = HashSet::new();
        self.waiting.iter().position(|waiting| {
            let keys = &waiting.ticket.keys;
            let free = keys.iter().all(|key| !self.busy.contains(key) && !passed.contains(key));
            passed.extend(keys);
            free
        })
    }

    fn fail(&mut self, place: Place, why: String) {
        self.tally.failed += 1;
        self.problems.push(Problem { place, why });
        (self.progress)(&self.tally);
    }
}

impl<I: Iterator<Item = Item>, P: FnMut(&Tally)> Questions for Order<'_, I, P> {
    type Ticket = Ticket;

    fn next(&mut self) -> Option<(Ticket, Request)> {
        if self.given_up {
            return None;
        }
        self.fill();
        let Waiting { ticket, id, import } = self.waiting.remove(self.first_free()?)?;
        self.busy.extend(ticket.keys.iter().cloned());
        let mut request = Request::new(Body::Import(import));
        request.request_id = Some(id);
        Some((ticket, request))
    }

    fn answered(&mut self, ticket: Ticket, reply: Result<Reply, Unanswered>) {
        for key in &ticket.keys {
            self.busy.remove(key);
        }
        match reply {
            Ok(Reply { answer: Ok(Answer::Import), .. }) => self.tally.taken += 1,
            Ok(Reply { answer: Ok(other), .. }) => {
                self.fail(ticket.place, format!("the answer was to `{}`", other.service()));
            }
            Ok(Reply { answer: Err(failure), .. }) => match failure.reason {
                Reason::UserExists | Reason::ChannelExists => self.tally.present += 1,
                _ => self.fail(ticket.place, failure.to_string()),
            },
            Err(error) => {
                self.given_up = true;
                self.fail(
                    ticket.place,
                    format!("{error}; nothing after this was tried: run it again to go on"),
                );
            }
        }
        (self.progress)(&self.tally);
    }
}

fn keys(what: &Imported) -> Vec<Key> {
    let user = |name: &str| Key::User(names::key(name));
    match what {
        Imported::User { user: name } => vec![user(&name.display)],
        Imported::Channel { channel } => vec![Key::Channel(channel.key.clone())],
        Imported::Publish { user: author, channel, .. } => {
            vec![user(author), Key::Channel(names::key(channel))]
        }
        Imported::Message { src, dst, .. } => {
            let (a, b) = (names::key(src), names::key(dst));
            let pair = if a <= b { Key::Private(a, b) } else { Key::Private(b, a) };
            vec![user(src), pair]
        }
    }
}

impl Tally {
    pub(super) fn total(&self) -> u64 {
        self.taken + self.present + self.failed
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { taken, present, failed } = self;
        write!(f, "{taken} taken, {present} there already, {failed} not taken")
    }
}
