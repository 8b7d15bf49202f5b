//! Opening `log.db`: look before touching.
//!
//! Everything is first checked on a read-only connection, which leaves the file and its WAL as they are, so that a damaged
//! database stays what it was. A new one is made under another name and renamed when it is complete: so a `log.db` that exists is
//! one, and an empty file in its place is damage rather than a new disk.

use std::fs;
use std::path::Path;

use papo_core::log::{Position, Promise};
use papo_core::members::DiskId;
use rusqlite::Connection;

use super::reader::last;
use super::row::Stamp;
use super::schema::{self, MIGRATIONS, Migration};
use super::values;
use crate::directory::{DataDir, beside, with_companions};
use crate::error::OpenError;
use crate::fault::Fault;
use crate::mark::Mark;
use crate::meta;
use crate::sqlite::{self, Durability};

/// `log.db`, open for writing, and what was found in it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    pub(crate) mark: Mark,
    pub(crate) is_new: bool,
    pub(crate) found: Found,
}

/// What the database says.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) disk: DiskId,
    pub(crate) promise: Promise,
    pub(crate) last: Position,
    pub(crate) stamp: Stamp,
    pub(crate) peers: Vec<(String, String)>,
}

/// Opens the log of a data directory, and makes one where there is none.
pub(crate) fn open(dir: &DataDir) -> Result<Opened, OpenError> {
    open_with(dir, MIGRATIONS)
}

fn open_with(dir: &DataDir, migrations: &[Migration]) -> Result<Opened, OpenError> {
    let path = dir.log();
    let explain = |fault| OpenError::new(&path, &fault);
    let is_new = !path.try_exists().map_err(|error| OpenError::io(&path, error))?;
    if is_new {
        create(dir, migrations).map_err(explain)?;
    }
    let version = inspect(dir, migrations)?;
    let mut connection = sqlite::open_writable(&path, Durability::Synced).map_err(explain)?;
    if connection.is_readonly("main").map_err(|error| explain(error.into()))? {
        return Err(OpenError::NotWritable { path, detail: "it can only be read".to_owned() });
    }
    if version < schema::latest(migrations) {
        schema::migrate(&mut connection, version, migrations).map_err(explain)?;
    }
    let found = look(&connection).map_err(explain)?;
    let mark =
        Mark::open(&dir.mark(), found.stamp.batch).map_err(|error| OpenError::io(&dir.mark(), error))?;
    Ok(Opened { connection, mark, is_new, found })
}

fn create(dir: &DataDir, migrations: &[Migration]) -> Result<(), Fault> {
    let path = dir.log();
    let wal = beside(&path, "-wal");
    if fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0) {
        return Err(Fault::damaged(format!("it is gone, but {} is still there", wal.display())));
    }
    let unfinished = beside(&path, ".new");
    for leftover in with_companions(&unfinished).iter().chain(&with_companions(&path)) {
        remove(leftover)?;
    }
    remove(&dir.mark())?;
    let mut connection = sqlite::create(&unfinished)?;
    schema::migrate(&mut connection, 0, migrations)?;
    meta::put(&connection, &values::DISK, &draw_disk_id())?;
    // Closing the last connection moves everything from the WAL into the file, and syncs it.
    connection.close().map_err(|(_, error)| error)?;
    fs::rename(&unfinished, &path)?;
    dir.sync()?;
    Ok(())
}

fn remove(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn draw_disk_id() -> DiskId {
    // 0 is left out: it reads like "none".
    DiskId(getrandom::u64().expect("the system has random numbers").max(1))
}

/// Checks the database without changing anything, and returns the version of its tables.
fn inspect(dir: &DataDir, migrations: &[Migration]) -> Result<u32, OpenError> {
    let path = dir.log();
    let explain = |fault| OpenError::new(&path, &fault);
    let connection = sqlite::open_read_only(&path).map_err(explain)?;
    let version = version(&connection).map_err(explain)?;
    let known = schema::latest(migrations);
    if version > known {
        return Err(OpenError::NewerSchema { path, found: version, known });
    }
    check_structure(&connection).map_err(explain)?;
    let found = look(&connection).map_err(explain)?;
    match Mark::read(&dir.mark()).map_err(|fault| OpenError::new(&dir.mark(), &fault))? {
        Some(durable) if durable > found.stamp.batch => Err(explain(Fault::damaged(format!(
            "it ends with batch {}, but batch {durable} was stored: its end, or its WAL, was lost",
            found.stamp.batch
        )))),
        Some(_) => Ok(version),
        None => {
            if found.stamp.batch > 0 {
                tracing::warn!(path = %dir.mark().display(), "missing: a lost end of the log would go unnoticed this once");
            }
            Ok(version)
        }
    }
}

fn version(connection: &Connection) -> Result<u32, Fault> {
    let application: u32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != schema::APPLICATION {
        return Err(Fault::damaged("it is not a database of Papo"));
    }
    let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if journal != "wal" {
        return Err(Fault::damaged(format!("its journal mode is {journal}")));
    }
    meta::require(connection, &values::SCHEMA)
}

/// Has SQLite check how its pages hang together: what writing to them relies on, and reading them does not show. A third of a second for a
/// million messages.
fn check_structure(connection: &Connection) -> Result<(), Fault> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(Fault::damaged(verdict)) }
}

fn look(connection: &Connection) -> Result<Found, Fault> {
    let last = last(connection)?;
    let by_entry = last.as_ref().map(|last| last.stamp).unwrap_or_default();
    Ok(Found {
        disk: meta::require(connection, &values::DISK)?,
        promise: values::promise(connection)?,
        last: last.map(|last| last.entry.position()).unwrap_or_default(),
        stamp: by_entry.max(meta::require(connection, &values::STAMP)?),
        peers: meta::get(connection, &values::PEERS)?.unwrap_or_default(),
    })
}
