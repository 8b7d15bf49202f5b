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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::log::LogReader;
    use crate::writer::test_support::store;

    /// What a later version might add.
    fn add_a_table(connection: &Connection) -> Result<(), Fault> {
        Ok(connection.execute_batch("CREATE TABLE later (idx INTEGER PRIMARY KEY) STRICT")?)
    }

    fn fail(connection: &Connection) -> Result<(), Fault> {
        connection.execute_batch("DROP TABLE log")?;
        Err(Fault::damaged("this migration fails"))
    }

    fn later() -> Vec<Migration> {
        MIGRATIONS.iter().copied().chain([add_a_table as Migration]).collect()
    }

    fn claim(path: &Path) -> Arc<DataDir> {
        DataDir::claim(path).expect("nobody else has it")
    }

    /// A log of the first version, with ten entries.
    fn first_version(dir: &DataDir) -> DiskId {
        let mut opened = open_with(dir, &MIGRATIONS[..1]).expect("it is made");
        store(&mut opened, 10);
        opened.found.disk
    }

    #[test]
    fn a_log_of_the_first_version_is_brought_to_the_latest_and_keeps_everything() {
        let temporary = tempfile::tempdir().expect("there is room");
        let dir = claim(temporary.path());
        let disk = first_version(&dir);
        for _ in 0..2 {
            let opened = open_with(&dir, &later()).expect("it is migrated");
            assert!(!opened.is_new);
            assert_eq!((opened.found.disk, opened.found.last.index), (disk, 10));
            opened.connection.execute_batch("SELECT idx FROM later").expect("the migration was made");
        }
        assert_eq!(
            LogReader::open(&dir).expect("it opens").read(1, 100, usize::MAX).expect("it reads").len(),
            10
        );
    }

    #[test]
    fn a_log_of_a_later_version_is_refused_and_left_alone() {
        let temporary = tempfile::tempdir().expect("there is room");
        let dir = claim(temporary.path());
        drop(open_with(&dir, &later()).expect("it is made"));
        let before = fs::read(dir.log()).expect("it is there");
        let error = open(&dir).expect_err("it is from the future");
        let known = schema::latest(MIGRATIONS);
        assert!(
            matches!(error, OpenError::NewerSchema { found, known: knows, .. } if found == known + 1 && knows == known),
            "{error}"
        );
        assert_eq!(fs::read(dir.log()).expect("it is there"), before);
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let temporary = tempfile::tempdir().expect("there is room");
        let dir = claim(temporary.path());
        first_version(&dir);
        let failing: Vec<_> = later().into_iter().chain([fail as Migration]).collect();
        open_with(&dir, &failing).expect_err("the last migration fails");
        let opened = open_with(&dir, &MIGRATIONS[..1]).expect("it is what it was");
        assert_eq!(opened.found.last.index, 10);
    }

    #[test]
    fn every_commit_of_the_log_waits_for_the_disk() {
        let temporary = tempfile::tempdir().expect("there is room");
        let opened = open(&claim(temporary.path())).expect("it is made");
        let setting = |name| -> i64 {
            opened.connection.pragma_query_value(None, name, |row| row.get(0)).expect("it is a setting")
        };
        const FULL: i64 = 2;
        assert_eq!(setting("synchronous"), FULL);
        assert_eq!(setting("wal_autocheckpoint"), 0);
    }
}
