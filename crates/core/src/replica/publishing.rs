//! Which committed messages still have to be published through the proxies.
//!
//! The coordinator publishes in log order and tells in its beacons how far it got; a successor goes on from there. What both
//! publish, because the beacon came too late, the proxies recognise by its index.

use std::collections::VecDeque;
use std::time::Duration;

use crate::chat::Delivery;
use crate::clock::Instant;
use crate::log::Index;

/// How many messages a follower keeps, in case it has to publish them. Beacons come every 100 ms.
const MAX_KEPT: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Publishing {
    pending: VecDeque<Box<Delivery>>,
    published: Index,
    /// How much was applied when the tips of topics were told, for as long as a topic counts as recently active.
    marks: VecDeque<(Instant, Index)>,
}

impl Publishing {
    /// Takes note of an applied message.
    pub(super) fn applied(&mut self, delivery: Delivery) {
        if delivery.said.index > self.published {
            if self.pending.len() == MAX_KEPT {
                self.pending.pop_front();
            }
            self.pending.push_back(Box::new(delivery));
        }
    }

    /// Another servidor has published up to `index`.
    pub(super) fn published_elsewhere(&mut self, index: Index) {
        self.published = self.published.max(index);
        while self.pending.front().is_some_and(|delivery| delivery.said.index <= self.published) {
            self.pending.pop_front();
        }
    }

    /// The next message to publish, if we are the one who does; counts as published from now on.
    pub(super) fn publish(&mut self) -> Option<Box<Delivery>> {
        let delivery = self.pending.pop_front()?;
        self.published = delivery.said.index;
        Some(delivery)
    }

    /// Up to where messages were published.
    pub(super) fn published(&self) -> Index {
        self.published
    }

    /// Notes that `applied` entries are applied now, and tells which were about `memory` ago: topics that moved since then are
    /// recently active. 0, for all of them, before that is known.
    pub(super) fn mark(&mut self, now: Instant, applied: Index, memory: Duration) -> Index {
        self.marks.push_back((now, applied));
        let is_past = |mark: Option<&(Instant, Index)>| mark.is_some_and(|(at, _)| now.since(*at) >= memory);
        while is_past(self.marks.get(1)) {
            self.marks.pop_front();
        }
        self.marks.front().filter(|mark| is_past(Some(mark))).map_or(0, |(_, applied)| *applied)
    }

    /// Forgets when tips were told: somebody else does that.
    pub(super) fn forget_marks(&mut self) {
        self.marks.clear();
    }
}
