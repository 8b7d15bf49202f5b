//! Whether clients are to be sent here.
//!
//! A servidor serves while it is in touch with the coordination, its own or another's, and for as long after that as a
//! coordinator may be silent: a hand-over from one coordinator to the next is no reason to turn clients away.

use super::{Availability, Output, Replica, Role};
use crate::clock::{Instant, Now};
use crate::log::Index;

/// How far behind the coordinator a servidor may be and still serve clients.
const SERVING_LAG: Index = 10_000;

impl Replica {
    /// Tells the brokers, if it changed, and gives back what another servidor may still be able to do.
    pub(super) fn update_availability(&mut self, now: Now) {
        if matches!(self.role, Role::Coordinator(_)) {
            self.in_touch = Some(now.instant);
        }
        let availability = match (self.stopping, self.serves(now.instant)) {
            (true, _) => Availability::Draining,
            (false, true) => Availability::Serving,
            (false, false) => Availability::Withdrawn,
        };
        if availability == self.availability {
            return;
        }
        self.availability = availability;
        self.outputs.push_back(Output::Availability(availability));
        if availability == Availability::Withdrawn {
            let answers = self.requests.give_back();
            self.answer_all(answers);
        }
    }

    fn serves(&self, now: Instant) -> bool {
        let goal = match &self.role {
            Role::Follower(following) => following.coordinator_last.max(self.commit),
            Role::Candidate(_) | Role::Coordinator(_) => self.commit,
        };
        let lag = goal - self.chat.applied();
        let in_touch = self.in_touch.is_some_and(|at| now.since(at) < self.settings.timing.suspicion);
        in_touch && self.is_member() && lag < SERVING_LAG && !self.disk_stuck(now)
    }

    /// When clients have to be turned away, if nothing is heard until then.
    pub(super) fn withdraws_at(&self) -> Option<Instant> {
        let serving = self.availability == Availability::Serving;
        self.in_touch.filter(|_| serving).map(|at| at + self.settings.timing.suspicion)
    }
}
