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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::DataDir;
    use crate::log::{self, LogReader};
    use crate::writer::test_support::append;

    /// A database may be told how large it can become: the one way to fill a disk that needs no rights.
    fn limit_pages(connection: &Connection, spare: i64) {
        let pages: i64 =
            connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("it has pages");
        connection
            .pragma_update_and_check(None, "max_page_count", pages + spare, |_| Ok(()))
            .expect("it takes a limit");
    }

    #[test]
    fn a_batch_that_finds_no_room_leaves_nothing_and_can_be_tried_again() {
        let temporary = tempfile::tempdir().expect("there is room");
        let dir = DataDir::claim(temporary.path()).expect("nobody else has it");
        let mut opened = log::open(&dir).expect("it is made");
        let reader = LogReader::open(&dir).expect("it opens");
        let mut encoder = Encoder::default();
        let mut write = |connection: &mut Connection, tail, writes: &[Write]| {
            commit(connection, &mut encoder, tail, writes, None)
        };
        let start = Tail { last: 0, stamp: opened.found.stamp };
        let tail = write(&mut opened.connection, start, &[append(0, 10, 10)]).expect("there is room");

        limit_pages(&opened.connection, 20);
        // The first of them would fit, and replaces entries that must still be there afterwards.
        let writes = [append(5, 10, 100), append(15, 100, 4000)];
        for _ in 0..3 {
            let fault = write(&mut opened.connection, tail, &writes).expect_err("there is no room");
            assert!(fault.is_full(), "{fault}");
            assert_eq!(reader.last().expect("it reads").index, 10);
        }

        limit_pages(&opened.connection, 10_000);
        let tail = write(&mut opened.connection, tail, &writes).expect("there is room again");
        assert_eq!((tail.last, tail.stamp.batch), (115, 2));
        assert_eq!(reader.read(1, 1000, usize::MAX).expect("it reads").len(), 115);
    }

    #[test]
    #[should_panic(expected = "would leave a gap")]
    fn an_append_beyond_the_end_is_a_fault_of_the_caller() {
        let temporary = tempfile::tempdir().expect("there is room");
        let dir = DataDir::claim(temporary.path()).expect("nobody else has it");
        let mut opened = log::open(&dir).expect("it is made");
        let start = Tail { last: 0, stamp: opened.found.stamp };
        let gap = [append(1, 1, 10)];
        drop(commit(&mut opened.connection, &mut Encoder::default(), start, &gap, None));
    }
}
