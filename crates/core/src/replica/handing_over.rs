//! Handing the coordination over, such that no request fails: to a higher rank that asks for it, before a stop, and where the
//! coordinator itself is to leave.
//!
//! The coordinator stops ordering and waits until its successor has all of its log; then it tells it to stand. What
//! clients ask for meanwhile stays where it came in, and is handed to the successor.

use super::electing::NEARLY_CAUGHT_UP;
use super::reign::HandOver;
use super::{Message, Notice, Replica, Role};
use crate::clock::Now;
use crate::log::Epoch;
use crate::members::MemberId;

impl Replica {
    /// Asks for the coordination, if our rank is higher, we have all, and have had for a while.
    pub(super) fn offer_to_coordinate(&mut self, now: Now) {
        let stability = self.settings.timing.stability;
        let pause = self.settings.timing.retry * 4;
        if !self.can_stand(now.instant)
            || !self.reaches_majority(now.instant)
            || now.instant < self.offers_after
        {
            return;
        }
        let caught_up =
            self.chat.applied() == self.commit && self.log.last().index - self.commit < NEARLY_CAUGHT_UP;
        let Role::Follower(following) = &mut self.role else { return };
        // What is committed here is bounded by what was compared with the coordinator's log: that alone would always look complete.
        let caught_up = caught_up && following.verified + NEARLY_CAUGHT_UP >= following.coordinator_last;
        let Some((coordinator, since)) = &following.obeyed else { return };
        let standing = if self.chat.places().wants(&self.me.name) { self.rank } else { 0 };
        let lower = self.members.current().rank_of(&coordinator.name).is_none_or(|rank| rank < standing);
        let stable = now.instant.since(*since) >= stability;
        let asked = following.asked_hand_over.is_some_and(|asked| now.instant.since(asked) < pause);
        if caught_up && lower && stable && !asked {
            following.asked_hand_over = Some(now.instant);
            let to = coordinator.name.clone();
            self.send(&to, Message::AskHandOver);
        }
    }

    /// Whoever could not coordinate is not to take the coordination from somebody who can, for a while.
    pub(super) fn offer_later(&mut self, now: Now) {
        self.offers_after = now.instant + self.settings.timing.stability * 10;
    }

    /// A higher rank asks for the coordination. Nothing is ordered while it is handed over, so it has to have nearly everything.
    pub(super) fn asked_hand_over(&mut self, now: Now, from: &MemberId) {
        let Role::Coordinator(reign) = &self.role else { return };
        if reign.acked(from) + NEARLY_CAUGHT_UP < self.log.last().index {
            return;
        }
        let named = self.voters().named(&from.name);
        if named.is_some_and(|member| member.id == *from && member.rank > self.rank)
            && self.is_wanted(&from.name)
        {
            self.hand_over_to(now, from.clone());
        }
    }

    /// Before a stop: to each in turn, for some may be about to stop themselves.
    pub(super) fn hand_over_to_best(&mut self, now: Now) {
        let best = self.best_successor(now);
        self.offer_to(now, best);
    }

    /// Before this servidor leaves: to each in turn of those that stay.
    pub(super) fn hand_over_to_stay(&mut self, now: Now) {
        let best = self.best_of(now, |id| self.is_wanted(&id.name));
        self.offer_to(now, best);
    }

    fn offer_to(&mut self, now: Now, best: Option<MemberId>) {
        let Some(best) = best else { return };
        let Role::Coordinator(reign) = &mut self.role else { return };
        if reign.offered.contains(&best) && reign.hand_over.is_none() {
            reign.offered.clear();
        }
        self.hand_over_to(now, best);
    }

    /// Of those that obey us: who was not offered the coordination yet, is to stay, is nearly caught up, and has the highest rank.
    pub(super) fn best_successor(&self, now: Now) -> Option<MemberId> {
        self.best_of(now, |_| true)
    }

    fn best_of(&self, now: Now, among: impl Fn(&MemberId) -> bool) -> Option<MemberId> {
        let suspicion = self.settings.timing.suspicion;
        let Role::Coordinator(reign) = &self.role else { return None };
        let obeys = |id: &MemberId| {
            reign.progress(id).is_some_and(|progress| now.instant.since(progress.confirmed) < suspicion)
        };
        let fit = |id: &MemberId| reign.acked(id) + NEARLY_CAUGHT_UP >= self.commit;
        let others = self.voters().voters().iter().filter(|member| member.id != self.me && obeys(&member.id));
        let best = others.filter(|member| among(&member.id)).max_by_key(|member| {
            let fresh = !reign.offered.contains(&member.id);
            (fresh, self.is_wanted(&member.id.name), fit(&member.id), member.rank)
        })?;
        Some(best.id.clone())
    }

    /// Stops ordering until `to` has everything, and then lets it stand.
    fn hand_over_to(&mut self, now: Now, to: MemberId) {
        let until = now.instant + self.settings.timing.hand_over;
        let settled = self.reign_is_settled();
        let Role::Coordinator(reign) = &mut self.role else { return };
        if !settled || reign.hand_over.is_some() {
            return;
        }
        reign.offered.insert(to.clone());
        reign.hand_over = Some(HandOver { to: to.clone(), until });
        self.notice(Notice::HandingOver(to.name));
        self.advance_hand_over(now);
    }

    /// Lets the successor stand, once it has everything; again with every acknowledgement, for it may not have heard it.
    pub(super) fn advance_hand_over(&mut self, now: Now) {
        let last = self.log.last().index;
        let Role::Coordinator(reign) = &self.role else { return };
        let epoch = reign.epoch;
        let Some(HandOver { to, until }) = &reign.hand_over else { return };
        if now.instant < *until && reign.acked(to) >= last {
            let to = to.name.clone();
            self.send(&to, Message::HandOver { epoch });
        }
    }

    /// The coordinator offers us its place: everything it ordered is here.
    pub(super) fn handed_over(&mut self, now: Now, from: &MemberId, epoch: Epoch) {
        let able = self.can_stand(now.instant);
        let Role::Follower(following) = &self.role else { return };
        if able && following.obeys(from) && epoch == self.promise.epoch {
            self.stand(now);
        }
    }
}
