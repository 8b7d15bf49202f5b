//! The tables of `log.db`, and how each version of them came from the one before.

use papo_core::log::Promise;
use rusqlite::Connection;

use super::row::Stamp;
use super::values;
use crate::fault::Fault;
use crate::meta;

/// What `file` and the like recognise the database by: "Papo".
pub(crate) const APPLICATION: u32 = u32::from_be_bytes(*b"Papo");

/// One step from a version of the tables to the next, within a transaction.
pub(crate) type Migration = fn(&Connection) -> Result<(), Fault>;

/// All steps so far: the one at position `n` leads from version `n` to `n + 1`, and version 0 is an empty file. A step that was
/// released is never changed; what it made is changed by a further step.
pub(crate) const MIGRATIONS: &[Migration] = &[found];

/// The version that `migrations` lead to.
pub(crate) fn latest(migrations: &[Migration]) -> u32 {
    u32::try_from(migrations.len()).expect("there are few migrations")
}

/// Takes the steps from version `from` on, all in one transaction.
pub(crate) fn migrate(connection: &mut Connection, from: u32, migrations: &[Migration]) -> Result<(), Fault> {
    let transaction = connection.transaction()?;
    for step in migrations.iter().skip(from as usize) {
        step(&transaction)?;
    }
    meta::put(&transaction, &values::SCHEMA, &latest(migrations))?;
    transaction.commit()?;
    Ok(())
}

fn found(connection: &Connection) -> Result<(), Fault> {
    connection.execute_batch(meta::TABLE)?;
    connection.execute_batch(
        "CREATE TABLE log (
             idx INTEGER PRIMARY KEY,
             epoch INTEGER NOT NULL,
             lamport INTEGER NOT NULL,
             time INTEGER NOT NULL,
             batch INTEGER NOT NULL,
             committed INTEGER NOT NULL,
             body BLOB NOT NULL,
             crc INTEGER NOT NULL
         ) STRICT;",
    )?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    values::put_promise(connection, &Promise::default())?;
    meta::put(connection, &values::STAMP, &Stamp::default())
}
