//! Who counts. Members are data: they are named by entries of the log, valid from when those are stored.
//!
//! A member is a servidor *on a disk*: what it promised and acknowledged is on that disk, and the same name with another disk has
//! promised nothing. [`MemberHistory`] knows who counted at each position of the log, so that a list is gone again when the entry
//! that named it is dropped. Changes come one at a time (Ongaro 2014, section 4.1, with his correction of 2015): the replica's
//! `membership` sees to that.
//!
//! # What is not done
//!
//! Nothing here decides who is to be a member: people do, and that is state of the chat (`chat::places`).

mod history;

pub use history::{MemberHistory, Members, Vacancy};
use serde::{Deserialize, Serialize};

/// Name of a servidor, as configured, like `servidor-1`.
pub type ServerName = String;

/// How many members a cluster can have.
pub const MAX_MEMBERS: usize = 7;

/// Whose requests admit and dismiss servidores: the author of those entries. No user can have that name.
pub const ADMIN: &str = "members:";

/// Whether a servidor can have this name: 1 to 63 letters, digits, `-`, `_` or `.`.
pub fn is_server_name(name: &str) -> bool {
    (1..=63).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Identity of a disk: random, drawn when an empty database is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiskId(pub u64);

impl std::fmt::Display for DiskId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A servidor together with the disk that its promises are on. The same name with another disk has promised nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MemberId {
    /// The servidor.
    pub name: ServerName,
    /// Its disk.
    pub disk: DiskId,
}

/// One voting member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// Who, on which disk.
    pub id: MemberId,
    /// Bully's rank: of those that could coordinate, the highest does.
    pub rank: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servidor_is_named_like_a_host_and_not_like_a_sentence() {
        let longest = "x".repeat(63);
        for good in ["a", "servidor-1", "papo-servidor-0", "S_3.local", &longest] {
            assert!(is_server_name(good), "{good:?}");
        }
        let longer = "x".repeat(64);
        for bad in ["", " ", "two words", "a,b", "a:1", "members:", "servidor-\u{e7}", "a\n", &longer] {
            assert!(!is_server_name(bad), "{bad:?}");
        }
    }
}
