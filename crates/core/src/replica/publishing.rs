//! Which committed messages still have to be published through the proxies.
//!
//! The coordinator publishes in log order and tells in its beacons how far it got; a successor goes on from there. What both
//! publish, because the beacon came too late, the proxies recognise by its index.

use std::collections::{BTreeMap, VecDeque};

use crate::chat::Delivery;
use crate::clock::Instant;
use crate::log::Index;

/// How many messages a follower keeps, in case it has to publish them. Beacons come every 100 ms.
const MAX_KEPT: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Publishing {
    pending: VecDeque<Box<Delivery>>,
    published: Index,
    /// Last index of each recently active topic, and when it became that.
    active: BTreeMap<String, (Index, Instant)>,
}

impl Publishing {
    /// Nothing to publish up to `index`.
    pub(super) fn starting_at(index: Index) -> Self {
        Self { published: index, ..Self::default() }
    }

    /// Takes note of an applied message.
    pub(super) fn applied(&mut self, now: Instant, delivery: Delivery) {
        self.active.insert(delivery.said.to.topic(), (delivery.said.index, now));
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

    /// The last index of each topic that was active after `since`; forgets the others.
    pub(super) fn tips(&mut self, since: Instant) -> Vec<(String, Index)> {
        self.active.retain(|_, (_, at)| *at > since);
        self.active.iter().map(|(topic, (index, _))| (topic.clone(), *index)).collect()
    }
}
