//! Request ids made of what a record says, so that the same record always has the same one.

use std::collections::HashMap;

use papo_wire::request::{Import, Imported};
use sha2::{Digest, Sha256};

const PREFIX: &str = "import-";

/// Makes ids. Records that are equal in everything are told apart by how many came before.
#[derive(Debug, Default)]
pub(super) struct Ids {
    seen: HashMap<[u8; 16], u32>,
}

impl Ids {
    pub(super) fn next(&mut self, import: &Import) -> String {
        let content = digest(import, 0);
        let seen = self.seen.entry(content).or_insert(0);
        let id = if *seen == 0 { content } else { digest(import, *seen) };
        *seen += 1;
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{PREFIX}{hex}")
    }
}

/// Whether an import gave that id.
pub(super) fn is_ours(id: &str) -> bool {
    id.starts_with(PREFIX)
}

fn digest(import: &Import, occurrence: u32) -> [u8; 16] {
    let parts: [&str; 4] = match &import.what {
        Imported::User { user } => ["user", &user.display, "", ""],
        Imported::Channel { channel } => ["channel", &channel.display, "", ""],
        Imported::Publish { user, channel, message } => ["publish", user, channel, message],
        Imported::Message { src, dst, message } => ["message", src, dst, message],
    };
    let mut hash = Sha256::new();
    for part in parts {
        // With its length, so that no two records have the same bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(import.time.as_nanos().to_le_bytes());
    hash.update(import.clock.get().to_le_bytes());
    hash.update(occurrence.to_le_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    digest[..16].try_into().expect("half of 32 bytes")
}

#[cfg(test)]
mod tests {
    use papo_core::clock::{Lamport, WallTime};

    use super::*;

    fn said(user: &str, channel: &str, clock: u64) -> Import {
        let what = Imported::Publish { user: user.into(), channel: channel.into(), message: "oi".into() };
        Import { time: WallTime::EPOCH, clock: Lamport::new(clock), what }
    }

    #[test]
    fn the_same_records_get_the_same_ids_each_time() {
        let records = [said("ana", "geral", 1), said("ana", "geral", 1), said("ana", "geral", 2)];
        let give = || {
            let mut ids = Ids::default();
            records.iter().map(|record| ids.next(record)).collect::<Vec<_>>()
        };
        let given = give();
        assert_eq!(given, give());
        assert_eq!(given.iter().collect::<std::collections::HashSet<_>>().len(), 3, "{given:?}");
        assert!(given.iter().all(|id| is_ours(id) && id.len() <= papo_wire::limits::REQUEST_ID_BYTES));
    }

    #[test]
    fn moving_a_letter_from_one_field_to_the_next_changes_the_id() {
        assert_ne!(digest(&said("ab", "c", 1), 0), digest(&said("a", "bc", 1), 0));
    }
}
