//! Promises: a servidor that promised an epoch obeys nothing older from then on.
//!
//! A promise is on the disk before it is told, behind everything that was taken under older epochs: so what it says of
//! the log is all durable, and nothing of an older epoch is acknowledged after it.

use super::disk::MadePromise;
use super::{Message, Notice, Promised, Replica, Resigned, Role};
use crate::clock::Now;
use crate::log::{Epoch, Index, Position, Promise, Write};
use crate::members::MemberId;

impl Replica {
    pub(super) fn asked_promise(&mut self, now: Now, from: &MemberId, epoch: Epoch, last: Position) {
        self.highest = self.highest.max(epoch);
        if epoch < self.promise.epoch || self.is_given_away(epoch, from) {
            let refused = Message::Refused { promised: self.promise.epoch };
            return self.send(&from.name, refused);
        }
        if self.held_more(from, last.index) {
            return;
        }
        if epoch == self.promise.epoch {
            return self.asked_promise_again(now, from);
        }
        if matches!(self.role, Role::Coordinator(_)) {
            self.notice(Notice::Resigned(Resigned::Overruled));
        }
        self.promise = Promise { epoch, candidate: from.name.clone() };
        let disappointed = self.is_disappointed();
        // From this moment on nothing of an older epoch is acknowledged or taken: the role that did so is gone.
        self.follow(now, now.instant);
        self.expect(now);
        if let Role::Follower(following) = &mut self.role {
            following.disappointed = disappointed;
        }
        self.persist_behind_log(now.instant, Write::Promise(self.promise.clone()));
    }

    /// Whether `epoch` was promised to another candidate, or its winner was obeyed here already: an entry of that epoch means that
    /// somebody has won it, who may have changed who counts.
    fn is_given_away(&self, epoch: Epoch, candidate: &MemberId) -> bool {
        epoch == self.promise.epoch
            && (self.promise.candidate != candidate.name || self.log.last().epoch >= epoch)
    }

    /// A repeated question. If the promise is still on its way to the disk, it will be told from there.
    fn asked_promise_again(&mut self, now: Now, from: &MemberId) {
        let waits = matches!(&self.role, Role::Follower(following) if following.obeyed.is_none());
        if waits {
            self.expect(now);
        }
        if waits && self.disk.idle() {
            self.tell_promise(now, &from.name, self.promise.epoch);
        }
    }

    /// Gives a candidate the time to coordinate.
    pub(super) fn expect(&mut self, now: Now) {
        if let Role::Follower(following) = &mut self.role {
            following.hear(now.instant, self.settings.timing.suspicion);
        }
    }

    pub(super) fn promise_durable(&mut self, now: Now, promise: &MadePromise) {
        if promise.epoch != self.promise.epoch {
            return;
        }
        if promise.to == self.me.name {
            self.own_promise_durable();
        } else if matches!(&self.role, Role::Follower(following) if following.obeyed.is_none()) {
            self.tell_promise(now, &promise.to, promise.epoch);
        }
    }

    fn tell_promise(&mut self, now: Now, to: &str, epoch: Epoch) {
        // The founding entry may have come after the promise, and not be stored yet.
        let last = self.log.position_at(self.durable_index());
        let published = self.publishing.published();
        self.send(to, Message::Promised(Promised { epoch, last, wall: now.wall, published }));
    }

    /// Notes that a disk holds the committed log up to `held`.
    pub(super) fn remember_held(&mut self, id: &MemberId, held: Index) {
        let known = self.held.entry(id.clone()).or_default();
        *known = held.max(*known);
    }

    /// Whether this disk is known to have held more of the committed log than `last`; if so, it is told.
    pub(super) fn held_more(&mut self, id: &MemberId, last: Index) -> bool {
        let held = self.held.get(id).copied().unwrap_or(0);
        if last < held {
            self.send(&id.name, Message::Outdated { held });
        }
        last < held
    }
}
