//! An entry as a row.
//!
//! Index, epoch, clock and time are columns, because they are asked for and because a person who looks at the file should see them.
//! The rest is one MessagePack body. Each row carries a CRC-32 over all of it: SQLite checks the structure of its pages and not
//! their content, so that without it a bit that flipped on the disk would be served as what somebody said.

use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{Entry, Index, Operation, RequestId};
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// The columns that [`decode`] reads, in order.
pub(crate) const COLUMNS: &str = "idx, epoch, lamport, time, batch, committed, body, crc";

/// How deep a body may be nested. The members of a founding entry need seven.
const DEPTH: usize = 24;

type Body = (String, Option<RequestId>, Operation);

/// Encodes bodies into one buffer, again and again.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    body: Vec<u8>,
}

impl Encoder {
    /// The body and the checksum of the row of `entry`.
    pub(crate) fn encode(&mut self, entry: &Entry, stamp: Stamp) -> (&[u8], u32) {
        self.body.clear();
        rmp_serde::encode::write(&mut self.body, &(&entry.author, &entry.request_id, &entry.operation))
            .expect("an entry is plain data, and memory takes any number of bytes");
        let time = entry.time.as_nanos().cast_unsigned();
        let crc = checksum([entry.index, entry.epoch, entry.lamport.get(), time], stamp, &self.body);
        (&self.body, crc)
    }
}

/// What is known with each row besides the entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// The number of the transaction that wrote it.
    pub(crate) batch: u64,
    /// What was known to be committed then, at least.
    pub(crate) committed: Index,
}

impl Stamp {
    /// The later of two, each number for itself.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { batch: self.batch.max(other.batch), committed: self.committed.max(other.committed) }
    }
}

/// A row of [`COLUMNS`], decoded and checked.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) entry: Entry,
    pub(crate) stamp: Stamp,
    /// The size of its body in bytes.
    pub(crate) size: usize,
}

/// Decodes a row of [`COLUMNS`].
pub(crate) fn decode(row: &Row<'_>) -> Result<Decoded, Fault> {
    let (index, epoch, lamport, time): (u64, u64, u64, i64) =
        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let stamp = Stamp { batch: row.get(4)?, committed: row.get(5)? };
    let body =
        row.get_ref(6)?.as_blob().map_err(|error| Fault::damaged(format!("entry {index}: {error}")))?;
    let crc: u32 = row.get(7)?;
    if checksum([index, epoch, lamport, time.cast_unsigned()], stamp, body) != crc {
        return Err(Fault::damaged(format!("entry {index} is not what was written: its checksum differs")));
    }
    let undecodable =
        |why: &dyn std::fmt::Display| Fault::damaged(format!("entry {index} cannot be decoded: {why}"));
    let (author, request_id, operation) = decode_body(body).map_err(|error| undecodable(&error))?;
    let lamport = Lamport::try_from(lamport).map_err(|error| undecodable(&error))?;
    let time = WallTime::from_nanos(time);
    let entry = Entry { index, epoch, lamport, time, author, request_id, operation };
    Ok(Decoded { entry, stamp, size: body.len() })
}

/// The type of an operation can hold another one: the bytes must not say how deep the stack gets.
fn decode_body(body: &[u8]) -> Result<Body, rmp_serde::decode::Error> {
    let mut reader = rmp_serde::Deserializer::from_read_ref(body);
    reader.set_max_depth(DEPTH);
    Body::deserialize(&mut reader)
}

fn checksum(numbers: [u64; 4], stamp: Stamp, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for number in numbers.into_iter().chain([stamp.batch, stamp.committed]) {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use papo_fuzz::{spoils, spoilt};
    use proptest::prelude::*;

    use super::*;

    fn body(entry: &Entry) -> Vec<u8> {
        Encoder::default().encode(entry, Stamp::default()).0.to_vec()
    }

    /// A row whose checksum is right cannot have been spoilt by a disk. A later release may have written it.
    #[test]
    fn an_operation_nested_without_end_does_not_exhaust_the_stack() {
        let nested = [&b"\x93\xa0\xc0"[..], &b"\x81\xa8Imported\x93".repeat(80_000)].concat();
        assert!(decode_body(&nested).is_err());
        for bomb in papo_fuzz::bombs("Imported") {
            assert!(decode_body(&bomb).is_err());
            assert!(decode_body(&[&b"\x93\xa0\xc0"[..], &bomb].concat()).is_err());
        }
    }

    proptest! {
        #![proptest_config(papo_fuzz::cases(256))]

        #[test]
        fn a_body_is_read_as_it_was_written((_, entries) in papo_fuzz::values::run()) {
            for entry in entries {
                let (author, request_id, operation) = decode_body(&body(&entry)).unwrap();
                prop_assert_eq!((&author, &request_id, &operation), (&entry.author, &entry.request_id, &entry.operation));
            }
        }

        #[test]
        fn a_spoilt_body_never_panics(
            (_, entries) in papo_fuzz::values::run(),
            (_, others) in papo_fuzz::values::run(),
            spoils in spoils(),
        ) {
            for (entry, other) in entries.iter().zip(&others) {
                let _ = decode_body(&spoilt(&body(entry), &body(other), &spoils));
            }
        }

        /// A bit, a byte, an end, an insertion: the checksum notices.
        #[test]
        fn a_spoilt_row_is_never_another_entry(
            (_, entries) in papo_fuzz::values::run(),
            (_, others) in papo_fuzz::values::run(),
            spoils in spoils(),
        ) {
            for (entry, other) in entries.iter().zip(&others) {
                let numbers = [entry.index, entry.epoch, entry.lamport.get(), entry.time.as_nanos().cast_unsigned()];
                let written = body(entry);
                let read = spoilt(&written, &body(other), &spoils);
                let (sum, found) = (checksum(numbers, Stamp::default(), &written), checksum(numbers, Stamp::default(), &read));
                prop_assert!(sum != found || read == written);
            }
        }
    }
}
