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
use super::{Message, Notice, Promised, Replica, Resigned, Role};
use crate::clock::{Instant, Now};
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
            Self::Canvassing { until, .. } | Self::Challenging { until, .. } | Self::Deferring { until } => {
                *until
            }
        }
    }
}

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
                    following.disappointed |= matches!(standing, Standing::Deferring { .. });
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
    pub(super) fn can_stand(&self, now: Instant) -> bool {
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
            Role::Follower(following) => !following.expects(now.instant, self.settings.timing.suspicion),
            Role::Candidate(_) => true,
            Role::Coordinator(_) => false,
        };
        let promised = self.highest.max(self.promise.epoch);
        self.send(&from.name, Message::CanvassReply { round, free, promised });
    }

    pub(super) fn canvass_reply(
        &mut self,
        now: Now,
        from: &MemberId,
        round: u64,
        free: bool,
        promised: Epoch,
    ) {
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

    /// Asks the higher ranks whether one of them can; stands at once where there is none, or where one said so and did not.
    fn challenge(&mut self, now: Now, round: u64) {
        let disappointed = matches!(&self.role, Role::Follower(following) if following.disappointed);
        let higher: Vec<String> = self
            .voters()
            .voters()
            .iter()
            .filter(|member| member.rank > self.rank && member.id != self.me)
            .map(|member| member.id.name.clone())
            .collect();
        if higher.is_empty() || disappointed {
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
        if following.standing.is_none() && !following.expects(now.instant, self.settings.timing.suspicion) {
            following.patience = now.instant;
            self.look_for_coordinator(now);
        }
    }

    pub(super) fn reaches_majority(&self, now: Instant) -> bool {
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
            refusals: BTreeSet::new(),
            promised: false,
            longest: None,
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
        let Role::Candidate(candidacy) = &mut self.role else { return };
        candidacy.promises.insert(from.clone(), promised);
        self.advance_candidacy(now);
    }

    pub(super) fn refused(&mut self, now: Now, from: &MemberId, promised: Epoch) {
        self.highest = self.highest.max(promised);
        match &mut self.role {
            Role::Candidate(candidacy) if promised >= candidacy.epoch => {
                candidacy.refusals.insert(from.clone());
                self.count_refusals(now);
            }
            Role::Coordinator(_) if promised > self.promise.epoch => self.resign(now, Resigned::Overruled),
            Role::Candidate(_) | Role::Coordinator(_) | Role::Follower(_) => {}
        }
    }

    /// Gives up when a majority cannot be had any more: whoever competes may have it.
    fn count_refusals(&mut self, now: Now) {
        let Role::Candidate(candidacy) = &self.role else { return };
        if !self.voters().majority(|id| !candidacy.refusals.contains(id)) {
            self.give_up(now);
        }
    }

    fn give_up(&mut self, now: Now) {
        let patience = now.instant + self.random_backoff();
        // Whoever could not do it is not to take the coordination from somebody who can, for a while.
        self.offers_after = now.instant + self.settings.timing.stability * 10;
        self.follow(now, patience);
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
