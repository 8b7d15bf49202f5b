//! How a coordinator is found.
//!
//! 1. *Suspicion*: no beacon for a while.
//! 2. *Pre-vote* ([`Message::Canvass`]): only when a majority hears none either does anything go on, so that one isolated
//!    servidor disturbs nobody.
//! 3. *Bully* ([`Message::Election`]): of those that could coordinate the highest rank is to. Who is answered `OK` steps back
//!    for a while.
//! 4. *Promises* ([`Message::AskPromise`]): a majority promises the new epoch, each on its disk before it says so. Bully alone has
//!    no quorum, and under a partition would give two coordinators; it is the promises that make that harmless.
//! 5. The candidate takes over the longest log among the promises, and coordinates.
//!
//! Here are the first three steps; `promising` and `candidacy` have the others.

use std::collections::BTreeSet;

use super::{Message, Notice, Replica, Role};
use crate::clock::{Instant, Now};
use crate::log::{Epoch, Index, Position};
use crate::members::{Member, MemberId};

/// How many entries a servidor may lack and still answer Bully's `election`, stand before others had their turn, or be handed the
/// coordination.
pub(super) const NEARLY_CAUGHT_UP: Index = 1_000;

/// The steps before a candidacy.
#[derive(Debug)]
pub(super) enum Standing {
    /// Asking who else hears no coordinator.
    Canvassing { round: u64, free: BTreeSet<MemberId>, until: Instant },
    /// Waiting for the `OK` of a higher rank.
    Challenging { round: u64, until: Instant },
    /// A higher rank said `OK`, or others have a much longer log: waiting for one of them to announce itself.
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

impl Replica {
    /// Whether somebody was waited for who could coordinate sooner, and has not until now: if nobody does, that is not repeated.
    pub(super) fn is_disappointed(&self) -> bool {
        let Role::Follower(following) = &self.role else { return false };
        following.disappointed || matches!(following.standing, Some(Standing::Deferring { .. }))
    }

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
                Standing::Challenging { .. } if able => return self.stand_or_defer(now),
                // A majority did not answer in time, or whoever was waited for did not do it.
                Standing::Canvassing { .. } | Standing::Challenging { .. } | Standing::Deferring { .. } => {
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

    pub(super) fn random_backoff(&mut self) -> std::time::Duration {
        let backoff = self.settings.timing.backoff;
        backoff.mul_f64(self.rng.f64())
    }

    /// Whether this servidor could coordinate, as far as it can tell by itself.
    pub(super) fn can_stand(&self, now: Instant) -> bool {
        self.is_member() && !self.stopping && !self.disk_stuck(now)
    }

    /// The rank with which this servidor stands: none if it is to leave, so that it coordinates only where nobody else can.
    pub(super) fn standing_rank(&self) -> u64 {
        if self.is_wanted(&self.me.name) { self.rank } else { 0 }
    }

    fn standing_rank_of(&self, member: &Member) -> u64 {
        if self.is_wanted(&member.id.name) { member.rank } else { 0 }
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
        let timing = &self.settings.timing;
        let free = match &self.role {
            Role::Follower(following) => {
                !following.expects(now.instant, timing.suspicion)
                    || following.is_stalled(now.instant, timing.stall)
            }
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
            .filter(|member| self.standing_rank_of(member) > self.standing_rank() && member.id != self.me)
            .map(|member| member.id.name.clone())
            .collect();
        if higher.is_empty() || disappointed {
            return self.stand_or_defer(now);
        }
        let until = now.instant + self.settings.timing.round;
        let Role::Follower(following) = &mut self.role else { return };
        following.standing = Some(Standing::Challenging { round, until });
        let question = Message::Election { round, rank: self.standing_rank(), last: self.log.last() };
        for name in higher {
            self.send(&name, question.clone());
        }
    }

    /// Stands, unless others have a much longer log: one of them can coordinate at once, while this servidor would first have to
    /// take all of that over, with nobody served meanwhile. They are given their turn once.
    fn stand_or_defer(&mut self, now: Now) {
        let until = now.instant + self.settings.timing.announcement;
        let defers = !self.is_disappointed() && self.lacks_much(now.instant);
        match &mut self.role {
            Role::Follower(following) if defers => following.standing = Some(Standing::Deferring { until }),
            Role::Follower(_) | Role::Candidate(_) | Role::Coordinator(_) => self.stand(now),
        }
    }

    /// Whether the log of a member that is there goes on far beyond ours. That of the last coordinator says nothing: it may have
    /// ordered what nobody else has.
    fn lacks_much(&self, now: Instant) -> bool {
        let limit = self.settings.timing.hello + self.settings.timing.suspicion;
        let others = self.peers.iter().filter(|(id, peer)| {
            self.voters().counts(id) && id.name != self.promise.candidate && peer.heard_within(now, limit)
        });
        let mut lasts = others.filter_map(|(_, peer)| peer.hello.as_ref()).map(|hello| hello.last.index);
        lasts.any(|last| self.log.last().index + NEARLY_CAUGHT_UP < last)
    }

    pub(super) fn election(&mut self, now: Now, from: &MemberId, round: u64, rank: u64, last: Position) {
        if rank >= self.standing_rank() || !self.can_stand(now.instant) || !self.reaches_majority(now.instant)
        {
            return;
        }
        if self.log.last().index + NEARLY_CAUGHT_UP < last.index {
            return;
        }
        self.send(&from.name, Message::ElectionOk { round });
        let Role::Follower(following) = &mut self.role else { return };
        // The one who asks has a majority behind it that hears no coordinator: we need not wait to suspect it ourselves.
        let timing = &self.settings.timing;
        let follows = following.expects(now.instant, timing.suspicion)
            && !following.is_stalled(now.instant, timing.stall);
        if following.standing.is_none() && !follows {
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
}
