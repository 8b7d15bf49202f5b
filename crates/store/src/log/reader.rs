use std::path::PathBuf;
use std::sync::Arc;

use papo_core::log::{Entry, Epoch, Index, Position};
use rusqlite::{Connection, OptionalExtension};

use super::row::{self, COLUMNS, Decoded};
use crate::directory::DataDir;
use crate::error::ReadError;
use crate::fault::Fault;
use crate::sqlite::{open_read_only, signed};
use crate::unsaved::Unsaved;

/// Reads the log on a connection of its own: never held up by the writer, and sees only what is durable.
///
/// Every row is checked, and so is that the log has no gap: what is returned is what was written.
#[derive(Debug)]
pub struct LogReader {
    connection: Connection,
    path: PathBuf,
    unsaved: Unsaved,
    /// While somebody reads, the directory is ours.
    _dir: Arc<DataDir>,
}

impl LogReader {
    pub(crate) fn open(dir: &Arc<DataDir>) -> Result<Self, Fault> {
        let path = dir.log();
        let connection = open_read_only(&path)?;
        Ok(Self { connection, path, unsaved: Unsaved::default(), _dir: Arc::clone(dir) })
    }

    /// Beyond the end of the file, goes on with these: what a writer that was broken on purpose has acknowledged already.
    pub(crate) fn with_unsaved(self, unsaved: Unsaved) -> Self {
        Self { unsaved, ..self }
    }

    /// The last position: the default for an empty log.
    ///
    /// # Errors
    /// When the file is damaged or cannot be read.
    pub fn last(&self) -> Result<Position, ReadError> {
        self.explain(
            last(&self.connection).map(|last| last.map(|last| last.entry.position()).unwrap_or_default()),
        )
    }

    /// The epoch of the entry at `index`: 0 for index 0, `None` beyond the end.
    ///
    /// # Errors
    /// When the file is damaged or cannot be read.
    pub fn entry_epoch(&self, index: Index) -> Result<Option<Epoch>, ReadError> {
        if index == 0 {
            return Ok(Some(0));
        }
        self.explain(self.entry(index).map(|entry| entry.map(|entry| entry.epoch)))
    }

    /// Consecutive entries from `from` on: at most `max_entries`, and no more than fit in `max_bytes`, but at least one if there is one.
    ///
    /// # Errors
    /// When the file is damaged or cannot be read.
    pub fn read(&self, from: Index, max_entries: usize, max_bytes: usize) -> Result<Vec<Entry>, ReadError> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        let walked = self.walk(from.max(1), |entry, size| {
            bytes += size;
            let fits = entries.len() < max_entries && (bytes <= max_bytes || entries.is_empty());
            if fits {
                entries.push(entry);
            }
            fits
        });
        self.explain(walked)?;
        Ok(entries)
    }

    /// Hands every entry from `from` on to `each`, in order, and returns the position of the last: the default if there is none. From 1
    /// it is the whole check of the log.
    ///
    /// # Errors
    /// When the file is damaged or cannot be read; what was handed out until then is sound.
    pub fn scan(&self, from: Index, mut each: impl FnMut(Entry)) -> Result<Position, ReadError> {
        let mut last = Position::default();
        let walked = self.walk(from.max(1), |entry, _| {
            last = entry.position();
            each(entry);
            true
        });
        self.explain(walked)?;
        Ok(last)
    }

    /// The entry at `index`, if there is one.
    pub(crate) fn entry(&self, index: Index) -> Result<Option<Entry>, Fault> {
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT {COLUMNS} FROM log WHERE idx = ?1"))?;
        let mut rows = statement.query([signed(index)])?;
        match rows.next()? {
            Some(row) => Ok(Some(row::decode(row)?.entry)),
            None => Ok(self.unsaved.get(index)),
        }
    }

    /// The checksum of the entry at `index`, if there is one: what tells this log from another one.
    pub(crate) fn checksum(&self, index: Index) -> Result<Option<u32>, Fault> {
        let mut statement = self.connection.prepare_cached("SELECT crc FROM log WHERE idx = ?1")?;
        let stored = statement.query_row([signed(index)], |row| row.get(0)).optional()?;
        Ok(stored.or_else(|| self.unsaved.get(index).map(|_| Unsaved::CHECKSUM)))
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Hands out entries from `from` on until `each` has enough.
    fn walk(&self, from: Index, mut each: impl FnMut(Entry, usize) -> bool) -> Result<(), Fault> {
        // One snapshot for the rows and for the question where they end.
        let snapshot = self.connection.unchecked_transaction()?;
        let mut statement =
            snapshot.prepare_cached(&format!("SELECT {COLUMNS} FROM log WHERE idx >= ?1 ORDER BY idx"))?;
        let mut rows = statement.query([signed(from)])?;
        let mut next = from;
        while let Some(row) = rows.next()? {
            let Decoded { entry, size, .. } = row::decode(row)?;
            if entry.index != next {
                return Err(Fault::damaged(format!("entry {next} is missing")));
            }
            next += 1;
            if !each(entry, size) {
                return Ok(());
            }
        }
        match last(&snapshot)? {
            Some(last) if last.entry.index >= next => {
                return Err(Fault::damaged(format!("entry {next} is missing")));
            }
            _ => {}
        }
        while let Some(entry) = self.unsaved.get(next) {
            next += 1;
            if !each(entry, Unsaved::SIZE) {
                break;
            }
        }
        Ok(())
    }

    fn explain<T>(&self, result: Result<T, Fault>) -> Result<T, ReadError> {
        result.map_err(|fault| ReadError::new(&self.path, &fault))
    }
}

/// The last row.
pub(super) fn last(connection: &Connection) -> Result<Option<Decoded>, Fault> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM log ORDER BY idx DESC LIMIT 1"))?;
    let mut rows = statement.query([])?;
    rows.next()?.map(row::decode).transpose()
}
