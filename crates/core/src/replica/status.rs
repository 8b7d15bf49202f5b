use std::time::Duration;

use super::{Replica, Role as State};
use crate::chat::StateDigest;
use crate::clock::{Now, WallTime};
use crate::log::{ClusterId, Epoch, Index};
use crate::members::{Member, MemberId, ServerName};

/// What a servidor is doing, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The disk is empty and the cluster not founded, or no coordinator is known yet.
    Starting,
    /// It catches up and does not count.
    Learner,
    /// It obeys a coordinator.
    Follower,
    /// It asks for promises.
    Candidate,
    /// It orders.
    Coordinator,
}

impl Role {
    /// As it is told in `status` and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Learner => "learner",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Coordinator => "coordinator",
        }
    }
}

/// What a servidor knows of itself and of the others.
#[derive(Clone, Debug)]
pub struct Status {
    /// Name and disk.
    pub me: MemberId,
    /// Rank; 0 while unknown.
    pub rank: u64,
    /// The cluster, once there is one.
    pub cluster: Option<ClusterId>,
    /// What it does.
    pub role: Role,
    /// The highest epoch promised.
    pub epoch: Epoch,
    /// Who coordinates, as far as known.
    pub coordinator: Option<ServerName>,
    /// Since when, by this servidor's wall clock.
    pub coordinator_since: Option<WallTime>,
    /// The voting members.
    pub members: Vec<Member>,
    /// The voting members as of the commit index: where a change is on its way, those before it. Who is not among them any more
    /// is never waited for again, whatever fails.
    pub members_committed: Vec<Member>,
    /// Who is wanted among the members, by name; differs from them while a change is under way.
    pub wanted: Vec<ServerName>,
    /// The version of the rules in force.
    pub rules: u32,
    /// The others that were heard of.
    pub peers: Vec<PeerStatus>,
    /// The last index of the log.
    pub last: Index,
    /// The commit index.
    pub commit: Index,
    /// The last applied index.
    pub applied: Index,
    /// The state at `applied`.
    pub digest: StateDigest,
    /// Offset of the agreed time from the wall clock in nanoseconds, and its bound.
    pub clock: Option<(i64, Duration)>,
    /// How many client requests wait for an answer.
    pub waiting: usize,
}

/// Another servidor, as seen from here.
#[derive(Clone, Debug)]
pub struct PeerStatus {
    /// Who, on which disk.
    pub id: MemberId,
    /// Whether it was heard lately.
    pub alive: bool,
    /// How much of the log it is known to have.
    pub index: Index,
}

impl Replica {
    /// This servidor's rank; 0 while unknown.
    #[must_use]
    pub fn rank(&self) -> u64 {
        self.rank
    }

    /// How many requests wait for an answer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.requests.len()
    }

    /// A snapshot for `status` and for metrics.
    #[must_use]
    pub fn status(&self, now: Now) -> Status {
        let (role, coordinator, since) = match &self.role {
            State::Coordinator(reign) => {
                (Role::Coordinator, Some(self.me.name.clone()), Some(reign.since_wall))
            }
            State::Candidate(_) => (Role::Candidate, None, None),
            State::Follower(following) => {
                let obeyed = following.obeyed.as_ref();
                let since = obeyed.map(|(_, since)| {
                    now.wall.shifted(-i64::try_from(now.instant.since(*since).as_nanos()).unwrap_or(i64::MAX))
                });
                let role = match (self.is_member(), obeyed) {
                    (false, Some(_)) => Role::Learner,
                    (_, None) => Role::Starting,
                    (true, Some(_)) => Role::Follower,
                };
                (role, obeyed.map(|(id, _)| id.name.clone()), since)
            }
        };
        let alive_within = self.settings.timing.hello + self.settings.timing.suspicion;
        let peer = |(id, peer): (&MemberId, &super::Peer)| PeerStatus {
            id: id.clone(),
            alive: peer.heard_within(now.instant, alive_within),
            index: match &self.role {
                State::Coordinator(reign) => reign.progress(id).map_or(0, |progress| progress.acked),
                _ => {
                    let told = peer.hello.as_ref().map_or(0, |hello| hello.last.index);
                    self.held.get(id).map_or(told, |held| told.max(*held))
                }
            },
        };
        Status {
            me: self.me.clone(),
            rank: self.rank,
            cluster: self.cluster(),
            role,
            epoch: self.promise.epoch,
            coordinator,
            coordinator_since: since,
            members: self.voters().voters().to_vec(),
            members_committed: self.members.at(self.commit).voters().to_vec(),
            wanted: self.chat.places().names().map(str::to_owned).collect(),
            rules: self.chat.rules(),
            peers: self.peers.iter().map(peer).collect(),
            last: self.log.last().index,
            commit: self.commit,
            applied: self.chat.applied(),
            digest: self.chat.digest(),
            clock: self.clock.offset(now),
            waiting: self.requests.len(),
        }
    }
}
