use serde::{Deserialize, Serialize};

/// How a servidor and its cluster are, as it sees them.
///
/// A named map on the wire: keys that one side does not know are ignored, and ones that are missing read as zero or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Name of the servidor.
    pub name: String,
    /// Bully's rank.
    pub rank: u64,
    /// Identity of its disk, in hexadecimal.
    pub disk: String,
    /// Identity of the cluster, in hexadecimal; empty before its founding.
    pub cluster: String,
    /// What it is in the cluster.
    pub role: Role,
    /// The current epoch.
    pub epoch: u64,
    /// Name of the coordinator; empty where it knows none.
    pub coordinator: String,
    /// Since when, as ISO 8601; empty where it knows none.
    pub coordinator_since: String,
    /// The members that its log names.
    pub members: Vec<MemberStatus>,
    /// Names of those that are wanted among the members.
    pub wanted: Vec<String>,
    /// The other servidores that it talks to.
    pub peers: Vec<PeerStatus>,
    /// Index of the last entry of its log.
    pub last: u64,
    /// Index up to which it knows the log to be committed.
    pub commit: u64,
    /// Index up to which it has applied the log.
    pub applied: u64,
    /// Digest of the state at `applied`, in hexadecimal: equal on all servidores at the same index.
    pub digest: String,
    /// What it adds to its host's clock, in nanoseconds.
    pub clock_offset_ns: i64,
    /// How wrong that may be, in nanoseconds.
    pub clock_bound_ns: u64,
    /// Bytes of its database.
    pub disk_bytes: u64,
    /// Bytes that are free on its disk.
    pub disk_free_bytes: u64,
    /// Milliseconds since its process started.
    pub uptime_ms: u64,
    /// Its release.
    pub version: String,
}

/// What a servidor is in its cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It orders the log.
    Coordinator,
    /// It follows a coordinator.
    Follower,
    /// It is no member: it catches up.
    Learner,
    /// It asks for promises.
    Candidate,
    /// It is not that far yet, or something that this release does not know.
    #[default]
    #[serde(other)]
    Starting,
}

impl Role {
    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Follower => "follower",
            Self::Learner => "learner",
            Self::Candidate => "candidate",
            Self::Starting => "starting",
        }
    }
}

/// A member of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemberStatus {
    /// Name of the servidor.
    pub name: String,
    /// Bully's rank.
    pub rank: u64,
    /// Identity of its disk, in hexadecimal.
    pub disk: String,
}

/// Another servidor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerStatus {
    /// Its name.
    pub name: String,
    /// Whether it was heard of lately.
    pub alive: bool,
    /// The last index of its log, as far as is known.
    pub index: u64,
    /// Where it is reached, as `host:port`.
    pub address: String,
}
