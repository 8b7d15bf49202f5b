//! The network between servidores: every message is delayed, and may be lost, doubled, overtaken, or held back for seconds.

use std::collections::BTreeSet;
use std::ops::Range;

use papo_core::replica::Message;

use super::time::{MS, Time, US};

/// What the network does to messages.
#[derive(Clone, Debug)]
pub struct Network {
    /// How long a message takes.
    pub delay: Range<Time>,
    /// The share that is lost.
    pub loss: f64,
    /// The share of broadcasts that is lost besides: PUB drops what it cannot send.
    pub broadcast_loss: f64,
    /// The share that arrives twice.
    pub duplication: f64,
    /// The share that is held back, and for how long.
    pub straggling: f64,
    /// How long stragglers are held back.
    pub straggle: Range<Time>,
    /// Who cannot send to whom.
    cuts: BTreeSet<(usize, usize)>,
    /// Whom nothing of the log reaches.
    starved: BTreeSet<usize>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            delay: 50 * US..500 * US,
            loss: 0.0,
            broadcast_loss: 0.0,
            duplication: 0.0,
            straggling: 0.0,
            straggle: MS..2 * MS,
            cuts: BTreeSet::new(),
            starved: BTreeSet::new(),
        }
    }
}

impl Network {
    /// When the copies of a message arrive: none, one or two.
    pub fn arrivals(
        &self,
        rng: &mut fastrand::Rng,
        now: Time,
        (from, to): (usize, usize),
        message: &Message,
    ) -> Vec<Time> {
        let broadcast = matches!(message, Message::Batch(_));
        let of_log = broadcast || matches!(message, Message::Fetched { .. });
        let lost = self.cuts.contains(&(from, to))
            || (of_log && self.starved.contains(&to))
            || rng.f64() < self.loss
            || (broadcast && rng.f64() < self.broadcast_loss);
        if lost {
            return Vec::new();
        }
        let copies = if rng.f64() < self.duplication { 2 } else { 1 };
        (0..copies)
            .map(|_| {
                let held = if rng.f64() < self.straggling { rng.u64(self.straggle.clone()) } else { 0 };
                now + rng.u64(self.delay.clone()) + held
            })
            .collect()
    }

    /// Lets nothing through from `from` to `to`; the other direction stays.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to));
    }

    /// Parts the groups from each other; whoever is in none is alone.
    pub fn partition(&mut self, count: usize, groups: &[&[usize]]) {
        let group = |node: usize| groups.iter().position(|group| group.contains(&node));
        for from in 0..count {
            for to in 0..count {
                if from != to && (group(from).is_none() || group(from) != group(to)) {
                    self.cut(from, to);
                }
            }
        }
    }

    /// Keeps the log from a servidor, or not any more; everything else reaches it.
    pub fn starve(&mut self, node: usize, starves: bool) {
        if starves {
            self.starved.insert(node);
        } else {
            self.starved.remove(&node);
        }
    }

    /// Removes all cuts.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }
}
