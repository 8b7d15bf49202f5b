//! Who counts changes only by entries of the log, one at a time, and never before the reign's first entry is committed
//! (Ongaro 2014, §4.1, and his correction of 2015).
//!
//! There are two layers. Who is *wanted* is ordinary state ([`crate::chat::Places`]): people admit and dismiss servidores by name. Who
//! *counts* is what entries of the coordinator say, valid from when they are stored. The coordinator works towards what is wanted:
//!
//! * A place without a member is filled as soon as a servidor of that name is there and has the log. Until then it costs nothing: nobody
//!   who is not there is ever waited for.
//! * A servidor that comes back under its name with a new disk learns the log; once it has it, and the old disk has been silent for a
//!   while, the old one is removed, and when that is committed the new one is added.
//! * A member that is not wanted is removed, if those that remain have a majority that is there and nearly caught up. A
//!   coordinator that is not wanted first hands over to one that stays.
//!
//! Between two changes each majority of one set of members meets every majority of the next: at no time can two of them decide without
//! each other. That is why there is never more than one change on its way.
//!
//! A removed servidor goes on learning for as long as it runs, so that it can be admitted again.

use super::reign::Reign;
use super::{Notice, Replica, Role};
use crate::clock::{Instant, Now};
use crate::log::{Index, Operation};
use crate::members::{MAX_MEMBERS, Member, MemberId};

/// How many committed entries a learner may lack when it is counted: what one or two batches bring.
const CAUGHT_UP: Index = 256;

impl Replica {
    /// Proposes the next change of the members, if one is due and none is on its way.
    pub(super) fn review_members(&mut self, now: Now) {
        let orders = matches!(&self.role, Role::Coordinator(reign) if reign.orders());
        let settled = self.reign_is_settled() && self.members.since() <= self.commit;
        if !orders || !settled || self.wishes_are_pending() {
            return;
        }
        self.note_leaving(now.instant);
        if let Some(operation) = self.due_change(now.instant) {
            let entry = self.order_own(now, operation);
            self.notice(Notice::MembersChange(entry));
        } else if let Some(rules) = self.rules_to_raise(now.instant) {
            let entry = self.order_own(now, Operation::RaiseRules(rules));
            if let Role::Coordinator(reign) = &mut self.role {
                reign.raised = entry.index;
            }
            self.notice(Notice::MembersChange(entry));
        } else {
            self.leave_if_dismissed(now);
        }
        let commit = self.commit;
        if let Role::Coordinator(reign) = &mut self.role {
            reign.reviewed = commit;
        }
    }

    /// Whether somebody is admitted or dismissed, or the rules are raised, by an entry that this servidor has not applied: what it
    /// knows of who is wanted, and of who could apply the log, is old. That lasts while its disk takes no writes and others commit.
    fn wishes_are_pending(&self) -> bool {
        let mut pending = (self.chat.applied() + 1..=self.log.last().index).filter_map(|at| self.log.get(at));
        pending.any(|entry| {
            matches!(
                entry.operation,
                Operation::Admit { .. } | Operation::Dismiss { .. } | Operation::RaiseRules(_)
            )
        })
    }

    /// Whoever is to go on without one that leaves has to answer after that was known: one that died just before is not counted on.
    fn note_leaving(&mut self, now: Instant) {
        let unwanted = self.voters().voters().iter().filter(|member| !self.is_wanted(&member.id.name));
        let leave: Vec<MemberId> = unwanted.map(|member| member.id.clone()).collect();
        let Role::Coordinator(reign) = &mut self.role else { return };
        reign.leaving.retain(|id, _| leave.contains(id));
        for id in leave {
            reign.leaving.entry(id).or_insert(now);
        }
    }

    fn due_change(&self, now: Instant) -> Option<Operation> {
        self.place_to_fill(now).or_else(|| self.disk_to_replace(now)).or_else(|| self.member_to_remove(now))
    }

    fn place_to_fill(&self, now: Instant) -> Option<Operation> {
        if self.voters().voters().len() >= MAX_MEMBERS {
            return None;
        }
        let mut vacant = self.chat.places().names().filter(|name| self.voters().named(name).is_none());
        vacant.find_map(|name| {
            let id = self.learner(now, name)?;
            let rank = self.rank_for(&id);
            Some(Operation::AddMember(Member { id, rank }))
        })
    }

    /// The rank of a new member: the one kept for it, or the one it was given, unless somebody has that already.
    fn rank_for(&self, id: &MemberId) -> u64 {
        let kept = self.voters().vacancies().iter().filter(|vacancy| self.is_wanted(&vacancy.name));
        let kept = kept.filter(|vacancy| vacancy.name != id.name).map(|vacancy| vacancy.rank);
        let taken: Vec<u64> = self.voters().voters().iter().map(|member| member.rank).chain(kept).collect();
        let given = self.peers.get(id).and_then(|peer| peer.hello.as_ref()).map(|hello| hello.rank);
        let own = self.voters().rank_of(&id.name).or(given);
        let free = own.filter(|rank| *rank > 0 && !taken.contains(rank));
        free.unwrap_or_else(|| taken.iter().max().map_or(1, |greatest| greatest + 1))
    }

    fn disk_to_replace(&self, now: Instant) -> Option<Operation> {
        let members = self.voters().voters().iter().filter(|member| self.is_wanted(&member.id.name));
        members.filter(|member| member.id != self.me && self.silent(now, &member.id)).find_map(|member| {
            let learner = self.learner(now, &member.id.name)?;
            self.others_can_decide(now, &member.id).then(|| Operation::RemoveMember {
                member: member.id.clone(),
                replaced_by: Some(learner.disk),
            })
        })
    }

    /// A member that is not wanted; first of all one that is not there.
    fn member_to_remove(&self, now: Instant) -> Option<Operation> {
        let unwanted = self.voters().voters().iter().filter(|member| !self.is_wanted(&member.id.name));
        let removable = unwanted
            .filter(|member| member.id != self.me && self.others_can_decide(now, &member.id))
            .max_by_key(|member| (self.silent(now, &member.id), member.rank))?;
        Some(Operation::RemoveMember { member: removable.id.clone(), replaced_by: None })
    }

    /// Hands over to one that stays, if this servidor is to leave and is the last that could be removed from here.
    fn leave_if_dismissed(&mut self, now: Now) {
        if self.is_wanted(&self.me.name) || !self.others_can_decide(now.instant, &self.me) {
            return;
        }
        let next = now.instant + self.settings.timing.stability;
        let Role::Coordinator(reign) = &mut self.role else { return };
        if now.instant >= reign.next_farewell {
            reign.next_farewell = next;
            self.hand_over_to_stay(now);
        }
    }

    /// Whether the members without this one have a majority that is there and nearly caught up. Otherwise nothing could be decided
    /// any more, not even to take the change back.
    fn others_can_decide(&self, now: Instant, removed: &MemberId) -> bool {
        let Role::Coordinator(reign) = &self.role else { return false };
        let known = reign.leaving.get(removed).copied().unwrap_or(reign.since);
        let rest = self.voters().voters().iter().filter(|member| member.id != *removed);
        let able = rest.clone().filter(|member| self.keeps_up(reign, now, &member.id, known)).count();
        able > rest.count() / 2
    }

    /// Whether that servidor answers, has answered since `known`, and stores what is committed. So must this one: its disk may be the
    /// one that is stuck.
    fn keeps_up(&self, reign: &Reign, now: Instant, id: &MemberId, known: Instant) -> bool {
        if *id == self.me {
            return self.has_the_log(reign, self.durable_index());
        }
        let limit = self.settings.timing.suspicion;
        reign.progress(id).is_some_and(|progress| {
            let answers = progress.confirmed >= known && now.since(progress.confirmed) < limit;
            answers && self.has_the_log(reign, progress.acked)
        })
    }

    /// Whether a disk that has stored this much has about all that is committed, and takes writes. What was committed half a second
    /// ago must be on it: a disk that takes no writes is behind by little in a quiet chat, and for ever.
    fn has_the_log(&self, reign: &Reign, stored: Index) -> bool {
        stored + CAUGHT_UP >= self.commit && stored >= reign.reviewed
    }

    /// The disk of that name which does not count, is alive, has the log, and belongs to a process that can apply it.
    fn learner(&self, now: Instant, name: &str) -> Option<MemberId> {
        let Role::Coordinator(reign) = &self.role else { return None };
        let rules = if self.commit < reign.raised { crate::chat::RULES } else { self.chat.rules() };
        let alive = self.settings.timing.suspicion * 2;
        let knows = |peer: &super::Peer| peer.hello.as_ref().is_some_and(|hello| hello.rules >= rules);
        self.peers
            .iter()
            .filter(|(id, _)| id.name == name && !self.voters().counts(id))
            .filter(|(_, peer)| peer.heard_within(now, alive) && knows(peer))
            .find(|(id, _)| self.has_the_log(reign, reign.acked(id)))
            .map(|(id, _)| id.clone())
    }

    fn silent(&self, now: Instant, id: &MemberId) -> bool {
        let Role::Coordinator(reign) = &self.role else { return false };
        let heard = self.peers.get(id).map_or(reign.since, |peer| peer.heard.max(reign.since));
        now.since(heard) >= self.settings.timing.disk_silence
    }

    /// A new version of the rules is used once everybody who counts can apply it, and everybody else who is there.
    fn rules_to_raise(&self, now: Instant) -> Option<u32> {
        let Role::Coordinator(reign) = &self.role else { return None };
        let limit = self.settings.timing.hello * 3;
        let supported = |id: &MemberId| {
            let peer = self.peers.get(id).filter(|peer| peer.heard_within(now, limit))?;
            peer.hello.as_ref().map(|hello| hello.rules)
        };
        let others = self.voters().voters().iter().filter(|member| member.id != self.me);
        let members: Option<Vec<u32>> = others.map(|member| supported(&member.id)).collect();
        let learners = self.peers.keys().filter_map(supported);
        let common = members?.into_iter().chain(learners).fold(crate::chat::RULES, u32::min);
        (common > self.chat.rules() && self.commit >= reign.raised).then_some(common)
    }
}
