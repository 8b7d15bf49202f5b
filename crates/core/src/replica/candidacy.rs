//! A candidate: collects promises of a new epoch, takes over the longest log among them, and coordinates.
//!
//! What is committed is on a majority, a majority promises, and the two have a member in common: so the longest log (by the epoch of
//! its end, then by its index) has all that is committed. It may name other members than ours did; then those have to promise. The
//! reign begins once that log is on the candidate's own disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::coordinating::MAX_UNCOMMITTED;
use super::reign::Reign;
use super::{Message, Notice, Promised, Replica, Resigned, Role};
use crate::clock::{Instant, Now};
use crate::log::{Entry, Epoch, Index, Position, Promise, Write};
use crate::members::MemberId;

/// A servidor that collects promises.
#[derive(Debug)]
pub(super) struct Candidacy {
    epoch: Epoch,
    promises: BTreeMap<MemberId, Promised>,
    /// Who has promised this epoch to somebody else, or a later one.
    refusals: BTreeSet<MemberId>,
    /// Our own promise is durable.
    promised: bool,
    /// The longest log, while it is on its way to us.
    longest: Option<Source>,
    /// Others had their turn before: a log is taken over however long it is.
    disappointed: bool,
    until: Instant,
    ask_again: Instant,
}

/// A log that is being taken over.
#[derive(Debug)]
struct Source {
    from: MemberId,
    /// Up to where our log is known to be that one.
    taken: Index,
    asked: Option<Instant>,
}

impl Candidacy {
    pub(super) fn deadline(&self) -> Instant {
        self.until.min(self.ask_again)
    }
}

impl Replica {
    /// Becomes a candidate for an epoch beyond all that were heard of.
    pub(super) fn stand(&mut self, now: Now) {
        let epoch = self.highest.max(self.promise.epoch).max(self.log.last().epoch) + 1;
        self.highest = epoch;
        self.promise = Promise { epoch, candidate: self.me.name.clone() };
        self.notice(Notice::Standing(epoch));
        let disappointed = self.is_disappointed();
        self.role = Role::Candidate(Candidacy {
            epoch,
            promises: BTreeMap::new(),
            refusals: BTreeSet::new(),
            promised: false,
            longest: None,
            disappointed,
            until: now.instant + self.settings.timing.candidacy,
            ask_again: now.instant + self.settings.timing.retry,
        });
        self.reads.clear();
        self.persist_behind_log(now.instant, Write::Promise(self.promise.clone()));
        self.ask_promises();
    }

    fn ask_promises(&mut self) {
        let question = Message::AskPromise { epoch: self.promise.epoch, last: self.log.last() };
        self.send_members(&question);
    }

    pub(super) fn own_promise_durable(&mut self) {
        if let Role::Candidate(candidacy) = &mut self.role {
            candidacy.promised = true;
        }
    }

    pub(super) fn promised(&mut self, now: Now, from: &MemberId, promised: Promised) {
        self.publishing.published_elsewhere(promised.published);
        if !matches!(&self.role, Role::Candidate(candidacy) if candidacy.epoch == promised.epoch)
            || self.held_more(from, promised.last.index)
        {
            return;
        }
        if let Some(peer) = self.peers.get_mut(from) {
            peer.wall = Some((promised.wall, now.instant));
        }
        let had_majority = self.has_majority();
        let Role::Candidate(candidacy) = &mut self.role else { return };
        if promised.last.epoch >= candidacy.epoch {
            // Somebody else has won this epoch, and orders in it.
            return self.give_up(now);
        }
        candidacy.promises.insert(from.clone(), promised);
        self.take_time(now, had_majority);
        self.advance_candidacy(now);
    }

    pub(super) fn refused(&mut self, now: Now, from: &MemberId, promised: Epoch) {
        self.highest = self.highest.max(promised);
        match &mut self.role {
            Role::Candidate(candidacy) if promised >= candidacy.epoch => {
                candidacy.refusals.insert(from.clone());
                self.hurry(now);
                self.count_refusals(now);
            }
            Role::Coordinator(_) if promised > self.promise.epoch => self.resign(now, Resigned::Overruled),
            Role::Candidate(_) | Role::Coordinator(_) | Role::Follower(_) => {}
        }
    }

    /// Somebody competes. Where some do not answer at all, neither of the two may get a majority, and the sooner that ends the
    /// better: after different times, so that one of them has the next epoch to itself. Whoever has its majority goes on.
    fn hurry(&mut self, now: Now) {
        if self.has_majority() {
            return;
        }
        let soon = now.instant + self.settings.timing.suspicion + self.random_backoff();
        if let Role::Candidate(candidacy) = &mut self.role {
            candidacy.until = candidacy.until.min(soon);
        }
    }

    /// Whoever has got its majority just now has the time that its disk may need for its own promise, and the longest log to arrive,
    /// whatever it was told by others before.
    fn take_time(&mut self, now: Now, had_majority: bool) {
        if had_majority || !self.has_majority() {
            return;
        }
        let until = now.instant + self.settings.timing.candidacy;
        if let Role::Candidate(candidacy) = &mut self.role {
            candidacy.until = until;
        }
    }

    /// Whether a majority promises this candidate its epoch, ourselves among them as soon as our disk says so.
    fn has_majority(&self) -> bool {
        let Role::Candidate(candidacy) = &self.role else { return false };
        self.voters().majority(|id| *id == self.me || candidacy.promises.contains_key(id))
    }

    /// Gives up when a majority cannot be had any more: whoever competes may have it.
    fn count_refusals(&mut self, now: Now) {
        let Role::Candidate(candidacy) = &self.role else { return };
        if !self.voters().majority(|id| !candidacy.refusals.contains(id)) {
            self.give_up(now);
        }
    }

    fn give_up(&mut self, now: Now) {
        let disappointed = matches!(&self.role, Role::Candidate(candidacy) if candidacy.disappointed);
        let patience = now.instant + self.random_backoff();
        self.step_back(now, patience, disappointed);
    }

    fn step_back(&mut self, now: Now, patience: Instant, disappointed: bool) {
        self.offer_later(now);
        self.follow(now, patience);
        if let Role::Follower(following) = &mut self.role {
            following.disappointed = disappointed;
        }
    }

    /// Leaves the coordination to one whose log is much longer: it can begin at once, while taking that log over may last, and would
    /// hold all of it in memory until it is committed. Once only: nobody else may be able to.
    fn give_way(&mut self, now: Now) {
        let patience = now.instant + self.settings.timing.suspicion * 2 + self.random_backoff();
        self.step_back(now, patience, true);
    }

    pub(super) fn tick_candidate(&mut self, now: Now) {
        let Role::Candidate(candidacy) = &mut self.role else { return };
        if now.instant >= candidacy.until {
            return self.give_up(now);
        }
        if now.instant >= candidacy.ask_again {
            candidacy.ask_again = now.instant + self.settings.timing.retry;
            self.ask_promises();
            self.advance_candidacy(now);
        }
    }

    /// Checks what is still missing: promises, the longest log, or our own disk.
    pub(super) fn advance_candidacy(&mut self, now: Now) {
        let Role::Candidate(candidacy) = &self.role else { return };
        let have =
            |id: &MemberId| (*id == self.me && candidacy.promised) || candidacy.promises.contains_key(id);
        if !candidacy.promised || !self.voters().majority(have) {
            return;
        }
        // A majority of the members that *this* log names has promised. If another's log is longer, it may name others.
        // Those it names are asked too once it is here, since members are those of the log in memory.
        let longest = candidacy.promises.iter().max_by_key(|(_, promised)| promised.last);
        if let Some((id, promised)) = longest
            && promised.last > self.log.last()
        {
            if promised.last.index > self.log.last().index + MAX_UNCOMMITTED && !candidacy.disappointed {
                return self.give_way(now);
            }
            let id = id.clone();
            return self.fetch_longest(now, &id);
        }
        if self.durable_index() < self.log.last().index {
            return;
        }
        if !self.is_member() {
            return self.give_up(now);
        }
        let epoch = candidacy.epoch;
        self.coordinate(now, epoch);
    }

    /// Asks for what we lack of the longest log, unless that was done just now.
    fn fetch_longest(&mut self, now: Now, id: &MemberId) {
        let retry = self.settings.timing.retry;
        let commit = self.commit;
        let Role::Candidate(candidacy) = &mut self.role else { return };
        if candidacy.longest.as_ref().is_none_or(|source| source.from != *id) {
            candidacy.longest = Some(Source { from: id.clone(), taken: commit, asked: None });
        }
        let source = candidacy.longest.as_mut().expect("it was just set");
        if source.asked.is_some_and(|asked| now.instant.since(asked) < retry) {
            return;
        }
        source.asked = Some(now.instant);
        let fetch = Message::Fetch { epoch: candidacy.epoch, after: source.taken };
        self.send(&id.name, fetch);
    }

    /// Takes entries over from the one whose log is the longest.
    pub(super) fn take_over_log(
        &mut self,
        now: Now,
        from: &MemberId,
        previous: Position,
        entries: &[Arc<Entry>],
    ) {
        let until = now.instant + self.settings.timing.candidacy;
        let end = previous.index + entries.len() as Index;
        let Role::Candidate(candidacy) = &mut self.role else { return };
        if entries.iter().any(|entry| entry.epoch >= candidacy.epoch) {
            return self.give_up(now);
        }
        let Some(source) = candidacy.longest.as_mut().filter(|source| source.from == *from) else { return };
        if end <= source.taken {
            return;
        }
        source.taken = end;
        source.asked = None;
        candidacy.until = until;
        let members = self.voters().clone();
        let merged = self.log.merge(previous, entries, self.commit);
        self.log_changed(now.instant, merged);
        if *self.voters() != members {
            self.ask_promises();
        }
        self.advance_candidacy(now);
    }

    fn coordinate(&mut self, now: Now, epoch: Epoch) {
        let others = self.voters().voters().iter().filter(|member| member.id != self.me);
        let walls = others.filter_map(|member| self.wall_of(&member.id, now)).collect();
        self.clock.take_over(now, walls, self.log.last_stamps().1);
        self.role = Role::Coordinator(Reign::new(now, epoch, self.log.last(), self.commit));
        self.publishing.forget_marks();
        self.notice(Notice::Coordinates(epoch));
        self.open_reign(now);
    }
}
