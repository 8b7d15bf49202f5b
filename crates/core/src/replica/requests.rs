//! The requests of clients that wait here for their answers.
//!
//! A write stays until it is answered from this servidor's own apply, and is handed to every coordinator that comes and goes
//! meanwhile; the log tells copies of it apart by their id, so handing it over once too often is harmless. A read stays until
//! the state has reached what its client has seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use super::output::Answer;
use super::{Proposal, Ticket, WriteRequest};
use crate::chat::{Digest, Outcome, RequestKey};
use crate::clock::Instant;
use crate::log::{Epoch, Index};

/// How many requests may wait at one servidor; beyond that clients are told so at once. Every ticket counts, also one that repeats
/// what another one waits for already.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// Writes.
    pub writes: usize,
    /// Reads, for the state to catch up with what their clients have seen.
    pub reads: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self { writes: 8192, reads: 8192 }
    }
}

/// A request and what it asks for.
type Identity = (RequestKey, Digest);

#[derive(Debug)]
struct Write {
    proposal: Proposal,
    /// In the order in which requests came in, so that they are handed over in that order too.
    arrival: u64,
    waiting: Vec<Ticket>,
    handed: Option<(Epoch, Instant)>,
}

#[derive(Debug)]
enum Place {
    Write(Identity),
    Read(Index),
}

#[derive(Debug)]
struct Waiting {
    place: Place,
    deadline: Instant,
    arrived: Instant,
}

/// All requests that wait.
#[derive(Debug, Default)]
pub(super) struct Requests {
    // Looked up, never iterated over: its order cannot show.
    writes: HashMap<Identity, Write, BuildHasherDefault<std::hash::DefaultHasher>>,
    by_arrival: BTreeMap<u64, Identity>,
    unhanded: BTreeSet<u64>,
    reads: BTreeMap<Index, BTreeSet<Ticket>>,
    waiting: BTreeMap<Ticket, Waiting>,
    deadlines: BTreeSet<(Instant, Ticket)>,
    arrivals: u64,
    /// How many of those that wait are reads.
    reading: usize,
    limits: RequestLimits,
}

impl Requests {
    /// None yet, and never more than that.
    pub(super) fn limited(limits: RequestLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Keeps a write until it is answered.
    pub(super) fn add_write(
        &mut self,
        now: Instant,
        ticket: Ticket,
        deadline: Instant,
        identity: Identity,
        request: WriteRequest,
    ) -> Result<(), Answer> {
        if self.waiting.len() - self.reading >= self.limits.writes {
            return Err(Answer::Overloaded);
        }
        let arrival = self.arrivals;
        let write = self.writes.entry(identity).or_insert_with(|| {
            let WriteRequest { author, request_id, operation, clock } = request;
            let proposal = Proposal { author, request_id, operation, clock };
            Write { proposal, arrival, waiting: Vec::new(), handed: None }
        });
        if write.waiting.is_empty() {
            self.arrivals += 1;
            self.by_arrival.insert(arrival, identity);
            self.unhanded.insert(arrival);
        }
        write.waiting.push(ticket);
        self.wait(now, ticket, deadline, Place::Write(identity));
        Ok(())
    }

    /// Keeps a read until `seen` is applied.
    pub(super) fn add_read(
        &mut self,
        now: Instant,
        ticket: Ticket,
        deadline: Instant,
        seen: Index,
    ) -> Result<(), Answer> {
        if self.reading >= self.limits.reads {
            return Err(Answer::Overloaded);
        }
        self.reads.entry(seen).or_default().insert(ticket);
        self.reading += 1;
        self.wait(now, ticket, deadline, Place::Read(seen));
        Ok(())
    }

    fn wait(&mut self, now: Instant, ticket: Ticket, deadline: Instant, place: Place) {
        self.deadlines.insert((deadline, ticket));
        self.waiting.insert(ticket, Waiting { place, deadline, arrived: now });
    }

    /// Nobody waits for `ticket` any more; a write that was handed over is left to its fate.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        self.remove(ticket);
    }

    fn remove(&mut self, ticket: Ticket) -> Option<bool> {
        let waiting = self.waiting.remove(&ticket)?;
        self.deadlines.remove(&(waiting.deadline, ticket));
        match waiting.place {
            Place::Read(seen) => {
                self.reading -= 1;
                if let Some(tickets) = self.reads.get_mut(&seen) {
                    tickets.remove(&ticket);
                    if tickets.is_empty() {
                        self.reads.remove(&seen);
                    }
                }
                Some(false)
            }
            Place::Write(identity) => {
                let write = self.writes.get_mut(&identity).expect("a waiting write is kept");
                write.waiting.retain(|other| *other != ticket);
                let handed = write.handed.is_some();
                if write.waiting.is_empty() {
                    self.drop_write(&identity);
                }
                Some(handed)
            }
        }
    }

    fn drop_write(&mut self, identity: &Identity) -> Option<Write> {
        let write = self.writes.remove(identity)?;
        self.by_arrival.remove(&write.arrival);
        self.unhanded.remove(&write.arrival);
        Some(write)
    }

    /// Answers everybody who waits for this write.
    pub(super) fn settle(
        &mut self,
        identity: Identity,
        outcome: Outcome,
        index: Index,
    ) -> impl Iterator<Item = (Ticket, Answer)> {
        let waiting = self.drop_write(&identity).map(|write| write.waiting).unwrap_or_default();
        for ticket in &waiting {
            if let Some(waited) = self.waiting.remove(ticket) {
                self.deadlines.remove(&(waited.deadline, *ticket));
            }
        }
        waiting.into_iter().map(move |ticket| (ticket, Answer::Written { outcome, index }))
    }

    /// Answers the reads that the state has caught up with.
    pub(super) fn readable(&mut self, applied: Index) -> Vec<(Ticket, Answer)> {
        if self.reads.first_key_value().is_none_or(|(seen, _)| *seen > applied) {
            return Vec::new();
        }
        let later = self.reads.split_off(&(applied + 1));
        let ready = std::mem::replace(&mut self.reads, later);
        let tickets: Vec<Ticket> = ready.into_values().flatten().collect();
        self.reading -= tickets.len();
        for ticket in &tickets {
            if let Some(waited) = self.waiting.remove(ticket) {
                self.deadlines.remove(&(waited.deadline, *ticket));
            }
        }
        tickets.into_iter().map(|ticket| (ticket, Answer::Readable)).collect()
    }

    /// Reads that came in before `before` and claim to have seen more than there is.
    pub(super) fn beyond(&mut self, last: Index, before: Instant) -> Vec<(Ticket, Answer)> {
        let mut tickets = Vec::new();
        for ticket in self.reads.range(last + 1..).flat_map(|(_, tickets)| tickets) {
            if self.waiting.get(ticket).is_some_and(|waiting| waiting.arrived <= before) {
                tickets.push(*ticket);
            }
        }
        for ticket in &tickets {
            self.remove(*ticket);
        }
        tickets.into_iter().map(|ticket| (ticket, Answer::BeyondLog { last })).collect()
    }

    /// The first seen index that is waited for, beyond `last`.
    pub(super) fn waits_beyond(&self, last: Index) -> bool {
        self.reads.last_key_value().is_some_and(|(seen, _)| *seen > last)
    }

    /// What is to be handed to the coordinator of `epoch`: in order of arrival, what it was never handed, and what it was
    /// handed before `again` without being heard of since.
    pub(super) fn hand_over(&mut self, epoch: Epoch, now: Instant, again: Option<Instant>) -> Vec<Proposal> {
        let due: Vec<u64> = match again {
            None => std::mem::take(&mut self.unhanded).into_iter().collect(),
            Some(again) => {
                self.unhanded.clear();
                let is_due = |identity: &Identity| match self.writes[identity].handed {
                    Some((handed_in, at)) => handed_in != epoch || at <= again,
                    None => true,
                };
                self.by_arrival.iter().filter(|(_, identity)| is_due(identity)).map(|(at, _)| *at).collect()
            }
        };
        let mut proposals = Vec::with_capacity(due.len());
        for arrival in due {
            let write = self.writes.get_mut(&self.by_arrival[&arrival]).expect("a known arrival is kept");
            write.handed = Some((epoch, now));
            proposals.push(write.proposal.clone());
        }
        proposals
    }

    /// Whether some write waits.
    pub(super) fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Gives up, because no coordinator is heard, on what another servidor may still be able to do: reads, and writes that
    /// were never handed to a coordinator. The others are answered by their apply or at their deadline.
    pub(super) fn give_back(&mut self) -> Vec<(Ticket, Answer)> {
        let unhanded = |write: &Write| write.handed.is_none();
        let tickets: Vec<Ticket> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| match &waiting.place {
                Place::Read(_) => true,
                Place::Write(identity) => unhanded(&self.writes[identity]),
            })
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in &tickets {
            self.remove(*ticket);
        }
        tickets.into_iter().map(|ticket| (ticket, Answer::Elsewhere { ordered: false })).collect()
    }

    /// Answers what has waited up to its deadline.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<(Ticket, Answer)> {
        let mut expired = Vec::new();
        while let Some((deadline, ticket)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            let handed = self.remove(ticket).expect("a deadline belongs to a waiting request");
            expired.push((ticket, if handed { Answer::Unknown } else { Answer::TimedOut }));
        }
        expired
    }

    /// When the next deadline is.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// How many requests wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Lamport;
    use crate::log::{Name, Operation, RequestId};

    const LATER: Instant = Instant::from_nanos(1_000);

    fn limited(writes: usize, reads: usize) -> Requests {
        Requests::limited(RequestLimits { writes, reads })
    }

    fn identity(id: &str) -> (Identity, WriteRequest) {
        let user = Name { display: "ana".to_owned(), key: "ana".to_owned() };
        let request_id = RequestId::Client(id.to_owned());
        let write = WriteRequest {
            author: "ana".to_owned(),
            request_id,
            operation: Operation::Login { user },
            clock: Lamport::default(),
        };
        ((RequestKey::of(&write.author, &write.request_id), Digest::of(&write.operation)), write)
    }

    fn write(requests: &mut Requests, ticket: Ticket, id: &str) -> Result<(), Answer> {
        let (identity, write) = identity(id);
        requests.add_write(Instant::ZERO, ticket, LATER, identity, write)
    }

    fn read(requests: &mut Requests, ticket: Ticket, seen: Index) -> Result<(), Answer> {
        requests.add_read(Instant::ZERO, ticket, LATER, seen)
    }

    #[test]
    fn writes_beyond_the_limit_are_turned_away_until_others_are_answered() {
        let mut requests = limited(2, 9);
        assert_eq!(write(&mut requests, 1, "a"), Ok(()));
        assert_eq!(write(&mut requests, 2, "b"), Ok(()));
        assert_eq!(write(&mut requests, 3, "c"), Err(Answer::Overloaded));
        assert_eq!(requests.settle(identity("a").0, Outcome::Done, 1).count(), 1);
        assert_eq!(write(&mut requests, 4, "c"), Ok(()));
    }

    #[test]
    fn repeats_of_one_write_do_not_pile_up() {
        let mut requests = limited(3, 9);
        let kept = (0..100).filter(|ticket| write(&mut requests, *ticket, "same").is_ok()).count();
        assert_eq!((kept, requests.len()), (3, 3));
        assert_eq!(requests.settle(identity("same").0, Outcome::Done, 1).count(), 3, "all that were kept");
        assert_eq!((requests.len(), write(&mut requests, 100, "same")), (0, Ok(())));
    }

    #[test]
    fn reads_beyond_the_limit_are_turned_away_and_take_no_room_from_writes() {
        let mut requests = limited(1, 2);
        assert_eq!(read(&mut requests, 1, 5), Ok(()));
        assert_eq!(read(&mut requests, 2, 6), Ok(()));
        assert_eq!(read(&mut requests, 3, 5), Err(Answer::Overloaded));
        assert_eq!(write(&mut requests, 4, "a"), Ok(()));
        assert_eq!(requests.readable(5), [(1, Answer::Readable)]);
        assert_eq!(read(&mut requests, 5, 7), Ok(()));
        assert_eq!(read(&mut requests, 6, 7), Err(Answer::Overloaded));
    }

    #[test]
    fn whatever_ends_a_wait_makes_room() {
        let mut requests = limited(1, 1);
        let fill = |requests: &mut Requests, ticket| {
            assert_eq!(write(requests, ticket, "a"), Ok(()));
            assert_eq!(read(requests, ticket + 1, 9), Ok(()));
        };
        fill(&mut requests, 1);
        requests.forget(1);
        requests.forget(2);
        fill(&mut requests, 3);
        assert_eq!(requests.expire(LATER).len(), 2);
        fill(&mut requests, 5);
        assert_eq!(requests.give_back().len(), 2);
        fill(&mut requests, 7);
        assert_eq!(requests.beyond(3, Instant::ZERO), [(8, Answer::BeyondLog { last: 3 })]);
        assert_eq!(read(&mut requests, 9, 9), Ok(()));
    }
}
