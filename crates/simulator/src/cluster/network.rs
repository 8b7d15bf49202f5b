//! The network between servidores: every message is delayed, and may be lost, doubled, overtaken, or held back for seconds. A
//! link may be cut in one direction, be jammed until what has queued up arrives all at once, or lead to an address that
//! nobody has any more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use papo_core::replica::Message;

use super::time::{MS, Time, US};
use crate::coverage::{Coverage, Happening};

/// One direction between two servidores, by their numbers.
pub type Link = (usize, usize);

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
    /// Who cannot send to whom, and what that is part of.
    cuts: BTreeMap<Link, Cut>,
    /// Whom nothing of the log reaches.
    starved: BTreeSet<usize>,
    /// On which links messages wait.
    jams: BTreeSet<Link>,
    /// Who looks for whom at an address of the past.
    stale: BTreeSet<Link>,
    /// The latest arrival on each link.
    latest: BTreeMap<Link, Time>,
}

/// What a cut link is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// This direction was cut by itself.
    OneWay,
    /// One is cut off from all others.
    Isolation,
    /// Some are cut off from some.
    Partition,
}

/// What becomes of a message.
pub(super) enum Fate {
    /// It never arrives.
    Lost,
    /// It arrives at this time, and perhaps once more.
    Arrives { at: Time, again: Option<Time> },
    /// It waits until the link is free again.
    Waits,
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
            cuts: BTreeMap::new(),
            starved: BTreeSet::new(),
            jams: BTreeSet::new(),
            stale: BTreeSet::new(),
            latest: BTreeMap::new(),
        }
    }
}

impl Network {
    /// What becomes of a message that is sent now.
    pub(super) fn fate(
        &mut self,
        rng: &mut fastrand::Rng,
        coverage: &mut Coverage,
        now: Time,
        link: Link,
        message: &Message,
    ) -> Fate {
        let broadcast = matches!(message, Message::Batch(_));
        let of_log = broadcast || matches!(message, Message::Fetched { .. });
        if let Some(cut) = self.cuts.get(&link) {
            match cut {
                Cut::Isolation => coverage.count(Happening::Isolated),
                Cut::Partition => coverage.count(Happening::Partition),
                Cut::OneWay if !self.cuts.contains_key(&(link.1, link.0)) => {
                    coverage.count(Happening::OneWayCut);
                }
                Cut::OneWay => {}
            }
            return Fate::Lost;
        }
        if of_log && self.starved.contains(&link.1) {
            return Fate::Lost;
        }
        if self.stale.contains(&link) {
            coverage.count(Happening::StaleAddress);
            return Fate::Lost;
        }
        if self.loss > 0.0 && rng.f64() < self.loss {
            coverage.count(Happening::Lost);
            return Fate::Lost;
        }
        if broadcast && self.broadcast_loss > 0.0 && rng.f64() < self.broadcast_loss {
            coverage.count(Happening::BroadcastLost);
            return Fate::Lost;
        }
        if self.jams.contains(&link) {
            return Fate::Waits;
        }
        let doubled = self.duplication > 0.0 && rng.f64() < self.duplication;
        if doubled {
            coverage.count(Happening::Duplicated);
        }
        let at = self.arrival(rng, coverage, now, link);
        Fate::Arrives { at, again: doubled.then(|| self.arrival(rng, coverage, now, link)) }
    }

    fn arrival(&mut self, rng: &mut fastrand::Rng, coverage: &mut Coverage, now: Time, link: Link) -> Time {
        let mut at = now + rng.u64(self.delay.clone());
        if self.straggling > 0.0 && rng.f64() < self.straggling {
            coverage.count(Happening::Straggled);
            at += rng.u64(self.straggle.clone());
        }
        let latest = self.latest.entry(link).or_insert(at);
        if at < *latest {
            coverage.count(Happening::Reordered);
        }
        *latest = at.max(*latest);
        at
    }

    /// Lets nothing through from `from` to `to`; the other direction stays.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to), Cut::OneWay);
    }

    /// Parts the groups from each other; whoever is in none is alone.
    pub fn partition(&mut self, count: usize, groups: &[&[usize]]) {
        let group = |node: usize| groups.iter().position(|group| group.contains(&node));
        let alone = |node: usize| group(node).is_none_or(|number| groups[number].len() == 1);
        for from in 0..count {
            for to in 0..count {
                if from != to && (group(from).is_none() || group(from) != group(to)) {
                    let cut = if alone(from) || alone(to) { Cut::Isolation } else { Cut::Partition };
                    self.cuts.insert((from, to), cut);
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

    /// Lets what is sent on a link wait.
    pub(super) fn jam(&mut self, link: Link) {
        self.jams.insert(link);
    }

    /// Ends a jam.
    pub(super) fn free(&mut self, link: Link) {
        self.jams.remove(&link);
    }

    /// Whether something that goes to or from a servidor is cut, or waits.
    pub(super) fn hinders(&self, node: usize) -> bool {
        let concerns = |(from, to): &Link| *from == node || *to == node;
        self.cuts.keys().chain(&self.jams).chain(&self.stale).any(concerns)
    }

    /// Ends a cut.
    pub(super) fn mend(&mut self, link: Link) {
        self.cuts.remove(&link);
    }

    /// The sender of a link does not know the receiver's address any more, or knows it again.
    pub(super) fn misleads(&mut self, link: Link, misleads: bool) {
        if misleads {
            self.stale.insert(link);
        } else {
            self.stale.remove(&link);
        }
    }
}
