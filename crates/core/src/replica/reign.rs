//! What a coordinator knows, for as long as its epoch lasts.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::BuildHasherDefault;

use crate::chat::{Digest, RequestKey};
use crate::clock::{Instant, Now, WallTime};
use crate::log::{Epoch, Index, Position};
use crate::members::MemberId;

/// A write in the log that is not applied yet: who asks again for the same meanwhile needs no second entry.
type InFlight = HashSet<(RequestKey, Digest), BuildHasherDefault<std::hash::DefaultHasher>>;

/// A coordinator's state, for as long as its epoch lasts.
#[derive(Debug)]
pub(super) struct Reign {
    pub(super) epoch: Epoch,
    pub(super) since: Instant,
    pub(super) since_wall: WallTime,
    /// The empty entry that opened the reign.
    pub(super) opening: Index,
    pub(super) progress: BTreeMap<MemberId, Progress>,
    pub(super) in_flight: InFlight,
    /// Up to where entries were broadcast, and the commit index that was told.
    pub(super) sent: Position,
    pub(super) told_commit: Index,
    pub(super) next_beacon: Instant,
    pub(super) next_membership: Instant,
    pub(super) next_tips: Instant,
    /// When all writes without an answer were last given positions, or another chance of it.
    pub(super) handed_at: Option<Instant>,
    pub(super) hand_over: Option<HandOver>,
    /// Who was offered the coordination in this reign.
    pub(super) offered: BTreeSet<MemberId>,
    /// What was committed when the members were reviewed last: who is counted has stored that since.
    pub(super) reviewed: Index,
    /// Where the rules were raised last.
    pub(super) raised: Index,
    /// The members that have to leave, and since when that is known.
    pub(super) leaving: BTreeMap<MemberId, Instant>,
    /// If this servidor is to leave: when to offer the coordination to those that stay.
    pub(super) next_farewell: Instant,
}

/// How far a follower is, as it said itself in this epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Durable and equal to our log up to here.
    pub(super) acked: Index,
    /// When the last beacon that it answered was sent.
    pub(super) confirmed: Instant,
}

/// The coordination on its way to another servidor.
#[derive(Debug)]
pub(super) struct HandOver {
    pub(super) to: MemberId,
    /// If it is still here by then, it stays.
    pub(super) until: Instant,
}

impl Reign {
    pub(super) fn new(now: Now, epoch: Epoch, last: Position, commit: Index) -> Self {
        Self {
            epoch,
            since: now.instant,
            since_wall: now.wall,
            opening: last.index + 1,
            progress: BTreeMap::new(),
            in_flight: InFlight::default(),
            sent: last,
            told_commit: commit,
            next_beacon: now.instant,
            next_membership: now.instant,
            next_tips: now.instant,
            handed_at: None,
            hand_over: None,
            offered: BTreeSet::new(),
            reviewed: last.index + 1,
            raised: 0,
            leaving: BTreeMap::new(),
            next_farewell: now.instant,
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        let hand_over = self.hand_over.as_ref().map_or(self.next_tips, |hand_over| hand_over.until);
        self.next_beacon.min(self.next_membership).min(self.next_tips).min(hand_over)
    }

    /// Whether writes are given positions at the moment.
    pub(super) fn orders(&self) -> bool {
        self.hand_over.is_none()
    }

    pub(super) fn progress(&self, id: &MemberId) -> Option<Progress> {
        self.progress.get(id).copied()
    }

    /// When the last beacon was sent that the servidor of that name answered, on whichever disk; the reign's beginning before that.
    pub(super) fn answered(&self, name: &str) -> Instant {
        let progress = self.progress.iter().filter(|(id, _)| id.name == name);
        progress.map(|(_, progress)| progress.confirmed).max().unwrap_or(self.since)
    }

    pub(super) fn acked(&self, id: &MemberId) -> Index {
        self.progress.get(id).map_or(0, |progress| progress.acked)
    }
}
