//! Clients' requests, from their arrival to their answer; and applying, which is where answers come from.

use super::{Answer, Ask, Availability, Replica, Request, Role, Ticket, WriteRequest};
use crate::chat::Applied;
use crate::clock::{Instant, Now};
use crate::log::Index;

impl Replica {
    pub(super) fn request(&mut self, now: Now, request: Request) {
        let Request { ticket, deadline, ask } = request;
        if self.availability == Availability::Withdrawn
            || (self.stopping && !matches!(self.role, Role::Coordinator(_)))
        {
            return self.answer_all([(ticket, Answer::Elsewhere { ordered: false })]);
        }
        let answer = match ask {
            Ask::Read { seen } => self.read(now, ticket, deadline, seen),
            Ask::Write(write) => self.write(now, ticket, deadline, *write),
        };
        if let Err(answer) = answer {
            self.answer_all([(ticket, answer)]);
        }
    }

    fn read(&mut self, now: Now, ticket: Ticket, deadline: Instant, seen: Index) -> Result<(), Answer> {
        if seen <= self.chat.applied() {
            return Err(Answer::Readable);
        }
        self.requests.add_read(now.instant, ticket, deadline, seen)?;
        if seen > self.log.last().index {
            self.doubt(now);
        }
        Ok(())
    }

    /// Finds out whether there is as much as a client claims to have seen. We may be behind; and so may be a coordinator, if there
    /// is another one that it has not heard of yet.
    fn doubt(&mut self, now: Now) {
        match &self.role {
            Role::Coordinator(_) => self.refuse_beyond(now.instant),
            Role::Follower(following) if following.doubt.is_none() => self.ask_clock(now),
            Role::Follower(_) | Role::Candidate(_) => {}
        }
    }

    fn write(
        &mut self,
        now: Now,
        ticket: Ticket,
        deadline: Instant,
        write: WriteRequest,
    ) -> Result<(), Answer> {
        use crate::chat::{Digest, RequestKey};
        if write.operation.needs_rules() > self.chat.rules() {
            return Err(Answer::NotYet);
        }
        let key = RequestKey::of(&write.author, &write.request_id);
        let digest = Digest::of(&write.operation);
        if let Some(recalled) = self.chat.recall(&key)
            && recalled.digest == digest
        {
            return Err(Answer::Written { outcome: recalled.outcome, index: recalled.index });
        }
        self.requests.add_write(now.instant, ticket, deadline, (key, digest), write)
    }

    /// Applies what is committed and on our own disk: what was applied is never missing after a crash.
    pub(super) fn apply_committed(&mut self) {
        let goal = self.commit.min(self.durable_index());
        if self.chat.applied() >= goal {
            return;
        }
        while self.chat.applied() < goal {
            let next = self.chat.applied() + 1;
            let entry = std::sync::Arc::clone(self.log.get(next).expect("what is not applied is in memory"));
            let applied = self.chat.apply(&entry);
            self.applied(applied);
        }
        self.log.trim(goal);
        // Before the answers to waiting reads, and to those that this drain still brings: a page read from views that lack
        // what was applied would reflect less than its reader has seen.
        self.index_applied();
        let readable = self.requests.readable(goal);
        self.answer_all(readable);
        self.update_published();
    }

    fn applied(&mut self, applied: Applied) {
        if let Some(key) = applied.key {
            let identity = (key, applied.digest);
            let index = applied.repeats.unwrap_or(applied.index);
            let answers: Vec<_> = self.requests.settle(identity, applied.outcome, index).collect();
            self.answer_all(answers);
            self.landed(identity);
        }
        if let Some(delivery) = applied.delivery {
            self.publishing.applied(delivery);
        }
        self.records.extend(applied.record);
    }

    pub(super) fn stop(&mut self, now: Now) {
        self.stopping = true;
        self.hand_over_to_best(now);
    }

    pub(super) fn take_rank(&mut self, rank: u64) {
        // Once the log names a rank, that one is for good.
        if self.voters().rank_of(&self.me.name).is_none() {
            self.rank = rank;
        }
    }

    /// Answers Bully's question from outside of the cluster's own protocol: whether this servidor would stand against `rank`.
    #[must_use]
    pub fn would_stand_against(&self, rank: u64) -> bool {
        rank < self.standing_rank() && self.is_member() && !self.stopping
    }
}
