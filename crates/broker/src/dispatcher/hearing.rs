//! What servidores say, and what it means for the requests they have.

use papo_core::clock::{Instant, Now};
use papo_wire::envelope::{Beacon, Ordered, Ticket, ToServidor};

use super::counters::{Dropped, Retry};
use super::links::LinkId;
use super::refusal;
use super::requests::{Key, TryState};
use super::{Action, Dispatcher};

impl Dispatcher {
    pub(super) fn beacon(&mut self, now: Now, identity: Vec<u8>, beacon: Beacon) {
        let incarnation = beacon.incarnation;
        let Some(heard) = self.links.hear(now.instant, &identity, beacon) else {
            return self.counters.drop(Dropped::Crowd);
        };
        let mut frames = vec![identity];
        ToServidor::Welcome { incarnation }.append_to(&mut frames);
        self.actions.push_back(Action::Send { frames, ticket: None });
        self.expire(now);
        if heard.lost_work {
            self.move_away(now.instant, heard.link, Retry::Withdrawn);
        }
        self.serve_waiting(now.instant);
    }

    pub(super) fn answer(&mut self, now: Now, identity: &[u8], ticket: Ticket, index: u64, payload: Vec<u8>) {
        let Some(key) = self.tried_at(identity, ticket) else { return self.counters.drop(Dropped::Late) };
        let request = self.requests.get(key).expect("it was found by its ticket");
        // Who turns it away knows of itself only.
        if request.may_be_ordered_elsewhere(ticket) && refusal::turns_away(&payload) {
            return self.elsewhere(now, identity, ticket, Ordered::No);
        }
        let request = self.close(key).expect("it was found by its ticket");
        self.connections.answered(now.instant, request.path.connection(), index);
        self.counters.answered += 1;
        let waited = Some(now.instant.since(request.arrived));
        self.actions.push_back(Action::Answer { frames: request.path.answer(payload), waited });
        self.expire(now);
        self.serve_waiting(now.instant);
    }

    pub(super) fn elsewhere(&mut self, now: Now, identity: &[u8], ticket: Ticket, ordered: Ordered) {
        let Some(key) = self.tried_at(identity, ticket) else { return self.counters.drop(Dropped::Late) };
        let request = self.requests.get_mut(key).expect("it was found by its ticket");
        let Some(before) = request.refuse(ticket, ordered == Ordered::Unknown) else { return };
        if before.state == TryState::Open {
            self.links.unload(before.link);
            self.counters.retry(Retry::Elsewhere);
            self.expire(now);
            self.place_unless_out(now.instant, key);
            self.serve_waiting(now.instant);
        }
    }

    /// The open request that was sent with this ticket to this servidor.
    fn tried_at(&self, identity: &[u8], ticket: Ticket) -> Option<Key> {
        let (key, one) = self.requests.by_ticket(ticket)?;
        (self.links.by_identity(identity) == Some(one.link)).then_some(key)
    }

    /// What that servidor has is not expected from it any more.
    pub(super) fn move_away(&mut self, now: Instant, from: LinkId, why: Retry) {
        for key in self.requests.keys() {
            let request = self.requests.get_mut(key).expect("it is open");
            if request.lose(from) {
                self.links.unload(from);
                self.counters.retry(why);
                self.place_unless_out(now, key);
            }
        }
    }
}
