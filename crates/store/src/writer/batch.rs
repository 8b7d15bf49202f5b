//! What was queued, as one transaction.

use papo_core::log::{Entry, Index, Write};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::fault::Fault;
use crate::log::{Encoder, Stamp, values};
use crate::meta;
use crate::sqlite::signed;

/// Where the log ends, as the last durable transaction left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) last: Index,
    /// Each row carries the stamp of its transaction; for a transaction that leaves none, `meta` does. Together they always tell the latest,
    /// and no transaction has one more page to write for it.
    pub(super) stamp: Stamp,
}

/// Writes `writes`, and `peers` with them, in one durable transaction. Nothing of it remains if it fails.
pub(super) fn commit(
    connection: &mut Connection,
    encoder: &mut Encoder,
    tail: Tail,
    writes: &[Write],
    peers: Option<&[(String, String)]>,
) -> Result<Tail, Fault> {
    // Immediate: it has the write lock from the start, so that nothing but the disk can fail it later.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let stamp = Stamp { batch: tail.stamp.batch + 1, ..tail.stamp };
    let mut batch = Batch { transaction, encoder, last: tail.last, stamp, ends_with_own_entry: false };
    for write in writes {
        batch.write(write)?;
    }
    if let Some(peers) = peers {
        meta::put(&batch.transaction, &values::PEERS, &peers.to_vec())?;
    }
    batch.commit()
}

struct Batch<'a> {
    transaction: Transaction<'a>,
    encoder: &'a mut Encoder,
    last: Index,
    stamp: Stamp,
    ends_with_own_entry: bool,
}

impl Batch<'_> {
    fn write(&mut self, write: &Write) -> Result<(), Fault> {
        match write {
            Write::Append { after, entries, committed } => {
                self.stamp.committed = self.stamp.committed.max(*committed);
                self.truncate(*after)?;
                entries.iter().try_for_each(|entry| self.append(entry))
            }
            Write::Promise(promise) => values::put_promise(&self.transaction, promise),
            Write::RenewDisk(disk) => meta::put(&self.transaction, &values::DISK, disk),
        }
    }

    fn truncate(&mut self, after: Index) -> Result<(), Fault> {
        assert!(
            after <= self.last,
            "an append after {after} would leave a gap: the log ends at {}",
            self.last
        );
        if after < self.last {
            self.transaction.prepare_cached("DELETE FROM log WHERE idx > ?1")?.execute([signed(after)])?;
            self.last = after;
            self.ends_with_own_entry = false;
        }
        Ok(())
    }

    fn append(&mut self, entry: &Entry) -> Result<(), Fault> {
        assert_eq!(entry.index, self.last + 1, "the entries of an append follow one another");
        let (body, crc) = self.encoder.encode(entry, self.stamp);
        self.transaction
            .prepare_cached(
                "INSERT INTO log (idx, epoch, lamport, time, batch, committed, body, crc)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                entry.index,
                entry.epoch,
                entry.lamport.get(),
                entry.time.as_nanos(),
                self.stamp.batch,
                self.stamp.committed,
                body,
                crc
            ])?;
        self.last = entry.index;
        self.ends_with_own_entry = true;
        Ok(())
    }

    fn commit(self) -> Result<Tail, Fault> {
        if !self.ends_with_own_entry {
            meta::put(&self.transaction, &values::STAMP, &self.stamp)?;
        }
        self.transaction.commit()?;
        Ok(Tail { last: self.last, stamp: self.stamp })
    }
}
