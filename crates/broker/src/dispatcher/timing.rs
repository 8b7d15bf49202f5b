//! What time brings: deadlines, the end of pauses and of patience.

use papo_core::clock::{Instant, Now};

use super::counters::Retry;
use super::links::Room;
use super::requests::TryState;
use super::{Dispatcher, PAUSE};

impl Dispatcher {
    /// While this process itself stood still it could hear nobody.
    pub(super) fn notice_own_pause(&mut self, now: Instant) {
        let still = now.since(self.last_tick);
        if still > PAUSE && self.links.next_silence().is_some() {
            self.links.forgive(now, still);
        }
        self.last_tick = now;
    }

    /// Comes before anything is sent: what is over must not become doubtful by one more try.
    pub(super) fn expire(&mut self, now: Now) {
        while let Some(key) = self.deadlines.pop_due(now.instant) {
            self.give_up_on(now, key);
        }
    }

    pub(super) fn end_pauses(&mut self, now: Instant) {
        while let Some((end, key)) = self.pausing.first().copied() {
            if end > now {
                return;
            }
            self.pausing.pop_first();
            if let Some(request) = self.requests.get_mut(key) {
                request.start_round();
                self.place(now, key);
            }
        }
    }

    pub(super) fn lose_patience(&mut self, now: Instant) {
        while let Some(ticket) = self.patience.pop_due(now) {
            let Some((key, one)) = self.requests.by_ticket(ticket) else { continue };
            if one.state != TryState::Open {
                continue;
            }
            let request = self.requests.get(key).expect("it was found by its ticket");
            match self.links.choose(now, Room::Plenty, |link| request.excludes(link)) {
                Some(link) => {
                    self.counters.retry(Retry::Slow);
                    self.send(now, key, link);
                }
                None => {
                    self.patience.set(now, ticket);
                }
            }
        }
    }

    pub(super) fn trim_timers(&mut self) {
        let requests = &self.requests;
        self.deadlines.trim(|key| requests.get(key).is_some());
        let open = |ticket| requests.by_ticket(ticket).is_some_and(|(_, one)| one.state == TryState::Open);
        self.patience.trim(open);
        while self.pausing.first().is_some_and(|(_, key)| requests.get(*key).is_none()) {
            self.pausing.pop_first();
        }
    }
}
