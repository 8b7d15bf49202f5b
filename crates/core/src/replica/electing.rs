//! How a coordinator is found.
//!
//! 1. *Suspicion*: no beacon for a while.
//! 2. *Pre-vote* ([`Message::Canvass`]): only when a majority hears none either does anything go on, so that one isolated
//!    servidor disturbs nobody.
//! 3. *Bully* ([`Message::Election`]): of those that could coordinate the highest rank is to. Who is answered `OK` steps back
//!    for a while.
//! 4. *Promises* ([`Message::AskPromise`]): a majority promises the new epoch, each on its disk before it says so. Bully alone has
//!    no quorum, and under a partition would give two coordinators; it is the promises that make that harmless.
//! 5. The candidate takes over the longest log among the promises, counts again by the members named *there*, and coordinates
//!    once that log is on its own disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::coordinating::Reign;
use super::{Message, Notice, Promised, Replica, Role};
use crate::clock::{Instant, Now, WallTime};
use crate::log::{Entry, Epoch, Index, Position, Promise, Write};
use crate::members::MemberId;

/// How many entries a servidor may lack and still answer Bully's `election`.
const NEARLY_CAUGHT_UP: Index = 1_000;

/// The steps before a candidacy.
#[derive(Debug)]
pub(super) enum Standing {
    /// Asking who else hears no coordinator.
    Canvassing { round: u64, free: BTreeSet<MemberId>, until: Instant },
    /// Waiting for the `OK` of a higher rank.
    Challenging { round: u64, until: Instant },
    /// A higher rank said `OK`: waiting for it to announce itself.
    Deferring { until: Instant },
}

impl Standing {
    pub(super) fn until(&self) -> Instant {
        match self {
            Self::Canvassing { until, .. } | Self::Challenging { until, .. } | Self::Deferring { until } => *until,
        }
    }
}

/// A servidor that collects promises.
#[derive(Debug)]
pub(super) struct Candidacy {
    epoch: Epoch,
    promises: BTreeMap<MemberId, Promised>,
    /// Our own promise is durable.
    promised: bool,
    /// The longest log is on its way to us.
    fetching: bool,
    until: Instant,
    ask_again: Instant,
}

impl Candidacy {
    pub(super) fn deadline(&self) -> Instant {
        self.until.min(self.ask_again)
    }
}

impl Replica {
    /// Goes one step further towards a coordinator: called whenever a step's time is up.
    pub(super) fn look_for_coordinator(&mut self, now: Now) {
        let able = self.can_stand(now.instant);
        let backoff = self.random_backoff();
        let Role::Follower(following) = &mut self.role else { return };
        if let Some(standing) = &following.standing {
            if now.instant < standing.until() {
                return;
            }
            match standing {
                // Nobody higher answered.
                Standing::Challenging { .. } => return self.stand(now),
                // A majority did not answer in time, or the one who said `OK` did not do it.
                Standing::Canvassing { .. } | Standing::Deferring { .. } => {
                    following.standing = None;
                    following.patience = now.instant + backoff;
                    return;
                }
            }
        }
        if now.instant < following.patience {
            return;
        }
        if following.obeyed.take().is_some() {
            self.notice(Notice::Suspected);
        }
        if able {
            self.canvass(now);
        } else if let Role::Follower(following) = &mut self.role {
            following.patience = now.instant + self.settings.timing.suspicion;
        }
    }

    fn random_backoff(&mut self) -> std::time::Duration {
        let backoff = self.settings.timing.backoff;
        backoff.mul_f64(self.rng.f64())
    }

    /// Whether this servidor could coordinate, as far as it can tell by itself.
    fn can_stand(&self, now: Instant) -> bool {
        self.is_member() && !self.stopping && !self.disk_stuck(now)
    }

    fn canvass(&mut self, now: Now) {
        let round = self.rng.u64(..);
        let until = now.instant + self.settings.timing.round;
        let free = BTreeSet::from([self.me.clone()]);
        let Role::Follower(following) = &mut self.role else { return };
        following.standing = Some(Standing::Canvassing { round, free, until });
        self.send_members(&Message::Canvass { round });
        self.count_canvass(now);
    }

    pub(super) fn canvassed(&mut self, now: Now, from: &MemberId, round: u64) {
        let free = match &self.role {
            Role::Follower(following) => !following.hears(now.instant, self.settings.timing.suspicion),
            Role::Candidate(_) => true,
            Role::Coordinator(_) => false,
        };
        let promised = self.highest.max(self.promise.epoch);
        self.send(&from.name, Message::CanvassReply { round, free, promised });
    }

    pub(super) fn canvass_reply(&mut self, now: Now, from: &MemberId, round: u64, free: bool, promised: Epoch) {
        self.highest = self.highest.max(promised);
        let Role::Follower(following) = &mut self.role else { return };
        let Some(Standing::Canvassing { round: asked, free: hear_none, .. }) = &mut following.standing else {
            return;
        };
        if *asked != round || !free {
            return;
        }
        hear_none.insert(from.clone());
        self.count_canvass(now);
    }

    fn count_canvass(&mut self, now: Now) {
        let Role::Follower(following) = &self.role else { return };
        let Some(Standing::Canvassing { free, round, .. }) = &following.standing else { return };
        if !self.voters().majority(|id| free.contains(id)) {
            return;
        }
        let round = *round;
        self.challenge(now, round);
    }

    /// Asks the higher ranks whether one of them can; stands at once where there is none.
    fn challenge(&mut self, now: Now, round: u64) {
        let higher: Vec<String> = self
            .voters()
            .voters()
            .iter()
            .filter(|member| member.rank > self.rank && member.id != self.me)
            .map(|member| member.id.name.clone())
            .collect();
        if higher.is_empty() {
            return self.stand(now);
        }
        let until = now.instant + self.settings.timing.round;
        let Role::Follower(following) = &mut self.role else { return };
        following.standing = Some(Standing::Challenging { round, until });
        let question = Message::Election { round, rank: self.rank, last: self.log.last() };
        for name in higher {
            self.send(&name, question.clone());
        }
    }

    pub(super) fn election(&mut self, now: Now, from: &MemberId, round: u64, rank: u64, last: Position) {
        if rank >= self.rank || !self.can_stand(now.instant) || !self.reaches_majority(now.instant) {
            return;
        }
        if self.log.last().index + NEARLY_CAUGHT_UP < last.index {
            return;
        }
        self.send(&from.name, Message::ElectionOk { round });
        let Role::Follower(following) = &mut self.role else { return };
        // The one who asks has a majority behind it that hears no coordinator: we need not wait to suspect it ourselves.
        if following.standing.is_none() && !following.hears(now.instant, self.settings.timing.suspicion) {
            following.patience = now.instant;
            self.look_for_coordinator(now);
        }
    }

    fn reaches_majority(&self, now: Instant) -> bool {
        let limit = self.settings.timing.hello + self.settings.timing.suspicion;
        let heard = |id: &MemberId| self.peers.get(id).is_some_and(|peer| now.since(peer.heard) < limit);
        self.voters().majority(|id| *id == self.me || heard(id))
    }

    pub(super) fn election_ok(&mut self, now: Now, round: u64) {
        let until = now.instant + self.settings.timing.announcement;
        let Role::Follower(following) = &mut self.role else { return };
        if let Some(Standing::Challenging { round: asked, .. }) = &following.standing
            && *asked == round
        {
            following.standing = Some(Standing::Deferring { until });
        }
    }

    /// Becomes a candidate for an epoch beyond all that were heard of.
    pub(super) fn stand(&mut self, now: Now) {
        let epoch = self.highest.max(self.promise.epoch).max(self.log.last().epoch) + 1;
        self.highest = epoch;
        self.promise = Promise { epoch, candidate: self.me.name.clone() };
        self.notice(Notice::Standing(epoch));
        self.role = Role::Candidate(Candidacy {
            epoch,
            promises: BTreeMap::new(),
            promised: false,
            fetching: false,
            until: now.instant + self.settings.timing.candidacy,
            ask_again: now.instant + self.settings.timing.retry,
        });
        self.reads.clear();
        self.persist_behind_log(now.instant, Write::Promise(self.promise.clone()));
        self.send_members(&Message::AskPromise { epoch });
    }

    pub(super) fn own_promise_durable(&mut self) {
        if let Role::Candidate(candidacy) = &mut self.role {
            candidacy.promised = true;
        }
    }

    pub(super) fn promised(&mut self, now: Now, from: &MemberId, promised: Promised) {
        if self.peers.get(from).is_some_and(|peer| promised.last.index < peer.held) {
            self.send(&from.name, Message::Outdated);
            return;
        }
        self.publishing.published_elsewhere(promised.published);
        let Role::Candidate(candidacy) = &mut self.role else { return };
        if promised.epoch == candidacy.epoch {
            candidacy.promises.insert(from.clone(), promised);
            self.advance_candidacy(now);
        }
    }

    pub(super) fn refused(&mut self, now: Now, promised: Epoch) {
        self.highest = self.highest.max(promised);
        if promised <= self.promise.epoch {
            return;
        }
        match &self.role {
            Role::Candidate(_) => self.give_up(now),
            Role::Coordinator(_) => self.resign(now, super::Resigned::Overruled),
            Role::Follower(_) => {}
        }
    }

    fn give_up(&mut self, now: Now) {
        self.follow(now);
        let backoff = self.random_backoff();
        if let Role::Follower(following) = &mut self.role {
            following.patience = now.instant + backoff;
        }
    }

    pub(super) fn tick_candidate(&mut self, now: Now) {
        let Role::Candidate(candidacy) = &mut self.role else { return };
        if now.instant >= candidacy.until {
            return self.give_up(now);
        }
        if now.instant >= candidacy.ask_again {
            candidacy.ask_again = now.instant + self.settings.timing.retry;
            candidacy.fetching = false;
            let epoch = candidacy.epoch;
            self.send_members(&Message::AskPromise { epoch });
            self.advance_candidacy(now);
        }
    }

    /// Checks what is still missing: promises, the longest log, or our own disk.
    pub(super) fn advance_candidacy(&mut self, now: Now) {
        let Role::Candidate(candidacy) = &self.role else { return };
        let have = |id: &MemberId| (*id == self.me && candidacy.promised) || candidacy.promises.contains_key(id);
        if !candidacy.promised || !self.voters().majority(have) {
            return;
        }
        // A majority of the members that *this* log names has promised. If another's log is longer, it may name others.
        // Those it names are asked too once it is here, since members are those of the log in memory.
        let longest = candidacy.promises.iter().max_by_key(|(_, promised)| promised.last);
        if let Some((id, promised)) = longest
            && promised.last > self.log.last()
        {
            let (to, epoch, after) = (id.name.clone(), candidacy.epoch, self.commit);
            return self.fetch_longest(to, epoch, after);
        }
        if self.durable_index() < self.log.last().index {
            return;
        }
        if !self.is_member() {
            return self.give_up(now);
        }
        let walls: Vec<WallTime> = candidacy.promises.values().map(|promised| promised.wall).collect();
        let epoch = candidacy.epoch;
        self.coordinate(now, epoch, walls);
    }

    /// Asks for the longest log, unless that was done just now.
    fn fetch_longest(&mut self, to: String, epoch: Epoch, after: Index) {
        let Role::Candidate(candidacy) = &mut self.role else { return };
        if !candidacy.fetching {
            candidacy.fetching = true;
            self.send(&to, Message::Fetch { epoch, after });
        }
    }

    /// Takes entries over from the one whose log is the longest.
    pub(super) fn take_over_log(&mut self, now: Now, from: &MemberId, previous: Position, entries: &[Arc<Entry>]) {
        let Role::Candidate(candidacy) = &mut self.role else { return };
        let Some(promised) = candidacy.promises.get(from) else { return };
        if promised.last <= self.log.last() {
            return;
        }
        candidacy.until = now.instant + self.settings.timing.candidacy;
        candidacy.fetching = false;
        let (epoch, goal) = (candidacy.epoch, promised.last);
        let since = self.members.since();
        let merged = self.log.merge(previous, entries, self.commit);
        self.log_changed(now.instant, merged);
        if self.members.since() != since {
            self.send_members(&Message::AskPromise { epoch });
        }
        let end = previous.index + entries.len() as Index;
        if end < goal.index && !entries.is_empty() {
            return self.fetch_longest(from.name.clone(), epoch, end);
        }
        self.advance_candidacy(now);
    }

    /// The coordinator offers us its place: everything it ordered is here.
    pub(super) fn handed_over(&mut self, now: Now, from: &MemberId, epoch: Epoch) {
        let able = self.can_stand(now.instant);
        let Role::Follower(following) = &self.role else { return };
        let offered_by_ours = following.obeyed.as_ref().is_some_and(|(id, _)| id == from);
        if able && offered_by_ours && epoch == self.promise.epoch {
            self.stand(now);
        }
    }

    fn coordinate(&mut self, now: Now, epoch: Epoch, walls: Vec<WallTime>) {
        self.clock.take_over(now, walls);
        self.role = Role::Coordinator(Reign::new(now, epoch, self.log.last(), self.commit));
        self.notice(Notice::Coordinates(epoch));
        self.open_reign(now);
    }
}
