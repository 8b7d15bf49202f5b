//! Opening `views.db`, or starting it anew.

use std::io;
use std::path::Path;

use papo_core::log::Index;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::directory::{DataDir, with_companions};
use crate::error::OpenError;
use crate::fault::Fault;
use crate::log::LogReader;
use crate::meta::{self, Key};
use crate::sqlite::{self, Durability};

/// The version of the tables. There are no migrations: tables of another version are thrown away.
const SCHEMA: u32 = 1;

const STATE: Key<State> = Key::new("state");

const TABLES: &str = "
    CREATE TABLE conversations (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, crc INTEGER NOT NULL) STRICT;
    CREATE TABLE timeline (
        conversation INTEGER NOT NULL,
        idx INTEGER NOT NULL,
        crc INTEGER NOT NULL,
        PRIMARY KEY (conversation, idx)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE records (idx INTEGER PRIMARY KEY, crc INTEGER NOT NULL) STRICT;";

/// How far the views go, and of which log they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    schema: u32,
    pub(super) applied: Index,
    /// The checksum of the log's first entry.
    first: u32,
    /// The checksum of the entry at `applied`.
    last: u32,
}

/// `views.db`, open for writing.
#[derive(Debug)]
pub(crate) struct OpenedViews {
    pub(crate) connection: Connection,
    pub(crate) applied: Index,
}

/// Opens the views of the log that `log` reads, and makes empty ones where there are none that fit.
pub(crate) fn open(dir: &DataDir, log: &LogReader) -> Result<OpenedViews, OpenError> {
    let path = dir.views();
    let explain = |fault: Fault| OpenError::new(&path, &fault);
    if path.try_exists().map_err(|error| OpenError::io(&path, error))? {
        let reason = match open_existing(&path, log) {
            Ok(Some(opened)) => return Ok(opened),
            Ok(None) => "they are of another log, or of another version".to_owned(),
            Err(fault) if fault.is_corrupt() => fault.to_string(),
            Err(fault) => return Err(explain(fault)),
        };
        tracing::warn!(path = %path.display(), reason, "the views are made anew");
    }
    discard(&path).map_err(|error| OpenError::io(&path, error))?;
    create(&path).map_err(explain)
}

/// Deletes the views.
pub(super) fn discard(path: &Path) -> io::Result<()> {
    for file in with_companions(path) {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Notes that the views hold everything up to `applied`.
pub(super) fn note_applied(connection: &Connection, log: &LogReader, applied: Index) -> Result<(), Fault> {
    let first = log.checksum(1)?;
    let last = log.checksum(applied)?;
    let (Some(first), Some(last)) = (first, last) else {
        return Err(Fault::damaged(format!("entry {applied} was applied and is not in the log")));
    };
    meta::put(connection, &STATE, &State { schema: SCHEMA, applied, first, last })
}

fn open_existing(path: &Path, log: &LogReader) -> Result<Option<OpenedViews>, Fault> {
    let connection = sqlite::open_writable(path, Durability::Ordered)?;
    let state = meta::require(&connection, &STATE)?;
    let fits = state.schema == SCHEMA
        && (state.applied == 0
            || log.checksum(1)? == Some(state.first) && log.checksum(state.applied)? == Some(state.last));
    Ok(fits.then_some(OpenedViews { connection, applied: state.applied }))
}

fn create(path: &Path) -> Result<OpenedViews, Fault> {
    let mut connection = sqlite::create(path)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(meta::TABLE)?;
    transaction.execute_batch(TABLES)?;
    meta::put(&transaction, &STATE, &State { schema: SCHEMA, ..State::default() })?;
    transaction.commit()?;
    drop(connection);
    Ok(OpenedViews { connection: sqlite::open_writable(path, Durability::Ordered)?, applied: 0 })
}
