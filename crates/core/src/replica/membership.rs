//! Who counts changes only by entries of the log, one at a time, and never before the reign's first entry is committed
//! (Ongaro 2014, §4.1, and his correction of 2015).
//!
//! The one change that happens by itself is the replacement of a disk: a servidor that comes back under its name with a new disk learns
//! the log; once it has it, and the old disk has been silent for a while, the old one is removed, and when that is
//! committed the new one is added. In between there is one member less, so that at no time two sets of members can decide
//! without each other.
//!
//! Not done here: growing and shrinking, which somebody has to ask for.

use super::{Notice, Replica, Role};
use crate::clock::{Instant, Now};
use crate::log::{Index, Operation};
use crate::members::{Member, MemberId};

/// How many entries a learner may lack when it is counted: what one or two batches bring.
const CAUGHT_UP: Index = 256;

impl Replica {
    /// Proposes the next change of the members, if one is due and none is on its way.
    pub(super) fn review_members(&mut self, now: Now) {
        let orders = matches!(&self.role, Role::Coordinator(reign) if reign.orders());
        if !orders || !self.reign_is_settled() || self.members.since() > self.commit {
            return;
        }
        let Some(operation) = self.due_change(now.instant) else { return };
        let entry = self.order_own(now, operation);
        self.notice(Notice::MembersChange(entry));
    }

    fn due_change(&self, now: Instant) -> Option<Operation> {
        self.vacancy_to_fill(now).or_else(|| self.disk_to_replace(now)).or_else(|| self.rules_to_raise(now))
    }

    fn vacancy_to_fill(&self, now: Instant) -> Option<Operation> {
        self.voters().vacancies().iter().find_map(|vacancy| {
            let id = self.learner(now, &vacancy.name)?;
            Some(Operation::AddMember(Member { id, rank: vacancy.rank }))
        })
    }

    fn disk_to_replace(&self, now: Instant) -> Option<Operation> {
        let voters = self.voters().voters();
        voters.iter().filter(|member| member.id != self.me && self.silent(now, &member.id)).find_map(
            |member| {
                let learner = self.learner(now, &member.id.name)?;
                // Removing one must leave a majority that is there, or nothing could be decided any more.
                let rest = voters.iter().filter(|other| other.id != member.id);
                let alive =
                    rest.clone().filter(|other| other.id == self.me || !self.silent(now, &other.id)).count();
                let enough = alive > rest.count() / 2;
                enough.then(|| Operation::RemoveMember {
                    member: member.id.clone(),
                    replaced_by: Some(learner.disk),
                })
            },
        )
    }

    /// The disk of that name which does not count, is alive, and has the log.
    fn learner(&self, now: Instant, name: &str) -> Option<MemberId> {
        let Role::Coordinator(reign) = &self.role else { return None };
        let alive = self.settings.timing.suspicion * 2;
        let last = self.log.last().index;
        self.peers
            .iter()
            .filter(|(id, peer)| {
                id.name == name && peer.heard_within(now, alive) && !self.voters().counts(id)
            })
            .find(|(id, _)| reign.progress(id).is_some_and(|progress| progress.acked + CAUGHT_UP >= last))
            .map(|(id, _)| id.clone())
    }

    fn silent(&self, now: Instant, id: &MemberId) -> bool {
        let Role::Coordinator(reign) = &self.role else { return false };
        let heard = self.peers.get(id).map_or(reign.since, |peer| peer.heard.max(reign.since));
        now.since(heard) >= self.settings.timing.disk_silence
    }

    /// A new version of the rules is used once everybody who counts can apply it.
    fn rules_to_raise(&self, now: Instant) -> Option<Operation> {
        let limit = self.settings.timing.hello * 3;
        let supported = |id: &MemberId| {
            let peer = self.peers.get(id).filter(|peer| peer.heard_within(now, limit))?;
            peer.hello.as_ref().map(|hello| hello.rules)
        };
        let others = self.voters().voters().iter().filter(|member| member.id != self.me);
        let all: Option<Vec<u32>> = others.map(|member| supported(&member.id)).collect();
        let common = all?.into_iter().fold(crate::chat::RULES, u32::min);
        (common > self.chat.rules()).then_some(Operation::RaiseRules(common))
    }
}
