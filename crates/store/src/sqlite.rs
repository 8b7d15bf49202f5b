//! How every connection is opened.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::directory::beside;
use crate::fault::Fault;

/// How long a statement waits for another connection. Only opening and recovering ever hold each other up: each file has one
/// writer, and in WAL mode readers and writers do not meet.
const BUSY: Duration = Duration::from_secs(5);

/// Statements kept prepared on each connection: more than there are.
const STATEMENTS: usize = 32;

/// What a commit waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Durability {
    /// The disk.
    Synced,
    /// Nothing: a power cut may take the last commits, but not tear them. A killed process loses nothing.
    Ordered,
}

/// Opens an existing database for writing. Checkpoints are left to [`crate::checkpoint`]; closing the connection makes none either, unless
/// [`checkpoint_on_close`] was called, so that what is found damaged, or fails, stays as it is.
pub(crate) fn open_writable(path: &Path, durability: Durability) -> Result<Connection, Fault> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let synchronous = match durability {
        Durability::Synced => "FULL",
        Durability::Ordered => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// Moves all of the WAL into the database, and syncs both: what is read from then on is on the disk.
///
/// A process that was killed during a sync, or was told that one failed, leaves what it wrote in the memory of the system, where its
/// successor reads it as if it were stored. After a failed sync not even a later one would write it again (Rebello et al. 2020,
/// "Can Applications Recover from fsync Failures?", §4): only writing it anew does, and that is what a checkpoint is.
///
/// Without room for that, only the WAL is synced. What was lost to a failed sync *and* a full disk is then found missing by the mark at
/// the next start.
pub(crate) fn secure(connection: &Connection, path: &Path) -> Result<(), Fault> {
    let blocked = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0));
    match blocked.map_err(Fault::Sqlite) {
        Ok(false) => Ok(()),
        Ok(true) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "another program reads it: end that first")
                .into())
        }
        Err(fault) if fault.is_full() => {
            tracing::warn!(error = %fault, "checkpoint failed: the disk is full");
            // Only the database itself and its index have locks that closing a descriptor would give up.
            Ok(File::open(beside(path, "-wal"))?.sync_all()?)
        }
        Err(fault) => Err(fault),
    }
}

/// Has the connection, if it is the last one, move the WAL into the database as it is closed.
pub(crate) fn checkpoint_on_close(connection: &Connection) -> Result<(), Fault> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Opens an existing database for reading. Nothing is written to it or its WAL, whatever is found there.
pub(crate) fn open_read_only(path: &Path) -> Result<Connection, Fault> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Makes a new database.
pub(crate) fn create(path: &Path) -> Result<Connection, Fault> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, Fault> {
    // Each connection stays on one thread at a time, which Rust's borrows see to: SQLite's own mutexes would be work for nothing.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Whatever the file holds, it is data: nothing in it is run, and oversized cells are noticed when a page is read.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// A number that SQLite stores, which is signed. Indices, epochs and clocks stay far below the limit.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
