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
    let (author, request_id, operation): Body = rmp_serde::from_slice(body)
        .map_err(|error| Fault::damaged(format!("entry {index} cannot be decoded: {error}")))?;
    let time = WallTime::from_nanos(time);
    let entry = Entry { index, epoch, lamport: Lamport::new(lamport), time, author, request_id, operation };
    Ok(Decoded { entry, stamp, size: body.len() })
}

fn checksum(numbers: [u64; 4], stamp: Stamp, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for number in numbers.into_iter().chain([stamp.batch, stamp.committed]) {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(body);
    hasher.finalize()
}
