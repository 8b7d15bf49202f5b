use serde::{Deserialize, Serialize};

use crate::clock::{Lamport, WallTime};
use crate::members::{DiskId, Member, MemberId, ServerName};

/// What an entry does to the replicated state.
///
/// Operations carry everything that applying them needs, so that applying is a function of the log alone: no tables of a
/// library version, no clock, no configuration of one replica may have a say (P3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Nothing. Opens an epoch, and commits by its own commit what the epoch inherited.
    Empty,
    /// Founds the cluster. Always and only the entry at index 1.
    Genesis(Genesis),
    /// Counts one more member, from when the entry is stored.
    AddMember(Member),
    /// Counts one member less, from when the entry is stored.
    RemoveMember {
        /// Who.
        member: MemberId,
        /// The new disk of the same servidor that is to be counted in its place, once this is committed.
        replaced_by: Option<DiskId>,
    },
    /// Raises the version of the rules by which entries are applied.
    RaiseRules(u32),
    /// Creates an account: the first login under a name.
    Login {
        /// The name to take.
        user: Name,
    },
    /// Creates a channel.
    Channel {
        /// The name to take.
        channel: Name,
    },
    /// Says `message` in `channel`.
    Publish {
        /// Name of the channel, exactly as it was created.
        channel: String,
        /// Who says it.
        user: String,
        /// The text.
        message: String,
    },
    /// Says `message` to one person.
    Message {
        /// Who says it.
        src: String,
        /// To whom, exactly as the account was created.
        dst: String,
        /// The text.
        message: String,
    },
    /// Notes that a user follows a channel, so that `sync` includes it.
    Join {
        /// The user, exactly as the account was created.
        user: String,
        /// The channel, exactly as it was created.
        channel: String,
    },
    /// Undoes [`Operation::Join`].
    Leave {
        /// The user, exactly as the account was created.
        user: String,
        /// The channel, exactly as it was created.
        channel: String,
    },
    /// A record of another system's history, taken over with the time and clock it had there.
    Imported {
        /// What was said or created: one of `Login`, `Channel`, `Publish`, `Message`.
        operation: Box<Self>,
        /// When, by the other system's clock.
        time: WallTime,
        /// Its Lamport clock there.
        clock: Lamport,
    },
    /// Wants a servidor among the members. It is counted once it is there and has the log.
    Admit {
        /// Its name.
        name: ServerName,
    },
    /// Wants a servidor among the members no longer. It is removed once the others can go on without it.
    Dismiss {
        /// Its name.
        name: ServerName,
    },
}

impl Operation {
    /// The version of the rules that it came with. It is not ordered before all members know that one: an older build could not
    /// even read it.
    pub fn needs_rules(&self) -> u32 {
        match self {
            Self::Admit { .. } | Self::Dismiss { .. } => 2,
            Self::Imported { operation, .. } => operation.needs_rules(),
            _ => 0,
        }
    }

    /// Bytes that it occupies in memory and on the wire, about.
    pub(crate) fn weight(&self) -> usize {
        let text = match self {
            Self::Publish { message, .. } | Self::Message { message, .. } => message.len(),
            Self::Imported { operation, .. } => return operation.weight(),
            _ => 0,
        };
        256 + text
    }
}

/// The founding entry: who the first members are, and the secrets that all of them share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// Random; a servidor that holds another one's log is refused.
    pub cluster: ClusterId,
    /// The founding members.
    pub members: Vec<Member>,
    /// Key under which sessions are signed, so that any servidor can check them.
    #[serde(with = "serde_bytes")]
    pub session_key: Vec<u8>,
    /// The version of the rules at the start.
    pub rules: u32,
}

/// The identity of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterId(pub u64);

impl std::fmt::Display for ClusterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A name of a user or channel, with the key under which it is unique.
///
/// The key is computed where the request enters and then carried along: computing it while applying would make the state
/// depend on the Unicode tables a replica was built with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name {
    /// As it was typed (in NFC): what people see, and what later requests must say exactly.
    pub display: String,
    /// Equal for names that look or read alike: NFKC, case folded.
    pub key: String,
}
