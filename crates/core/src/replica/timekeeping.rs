//! Asking the coordinator what time it is (Cristian 1989), and, on the same occasion, whether a client can have seen what it claims.

use super::{Message, Replica, Role};
use crate::clock::{Instant, Now, WallTime};
use crate::members::MemberId;

/// How many samples are taken in quick succession, so that the filter has something to choose from.
const FIRST_SAMPLES: u32 = 5;

impl Replica {
    pub(super) fn ask_clock(&mut self, now: Now) {
        self.next_clock = now.instant + self.settings.timing.clock;
        let Role::Follower(following) = &self.role else { return };
        let Some((coordinator, _)) = &following.obeyed else { return };
        if self.clock_samples < FIRST_SAMPLES {
            self.next_clock = now.instant + self.settings.timing.clock / 10;
        }
        let to = coordinator.name.clone();
        self.send(&to, Message::AskClock { sent: now.instant.as_nanos() });
    }

    pub(super) fn asked_clock(&mut self, now: Now, from: &MemberId, sent: u64) {
        if matches!(self.role, Role::Coordinator(_)) {
            let (time, at) = (self.clock.now(now), now.instant.as_nanos());
            self.send(&from.name, Message::Clock { sent, time, at });
        }
    }

    pub(super) fn told_clock(&mut self, now: Now, from: &MemberId, sent: u64, time: WallTime, at: u64) {
        let last = self.log.last().index;
        let Role::Follower(following) = &mut self.role else { return };
        let sent = Instant::from_nanos(sent);
        if !following.obeys(from) || sent > now.instant {
            return;
        }
        self.clock.observe(sent, now.instant, time);
        self.clock_samples = self.clock_samples.saturating_add(1);
        if following.doubt.is_none() && self.requests.waits_beyond(last) {
            following.doubt = Some((sent, at));
        }
    }

    /// Whoever claimed to have seen more than there is, before the coordinator looked at its clock and a majority confirmed that it
    /// still was the coordinator then, cannot have.
    pub(super) fn end_doubt(&mut self, now: Now, confirmed: u64) {
        let Role::Follower(following) = &mut self.role else { return };
        let Some((before, _)) = following.doubt.filter(|(_, at)| *at <= confirmed) else { return };
        following.doubt = None;
        let last = self.log.last().index.max(following.coordinator_last);
        let beyond = self.requests.beyond(last, before);
        self.answer_all(beyond);
        if self.requests.waits_beyond(last) {
            self.ask_clock(now);
        }
    }
}
