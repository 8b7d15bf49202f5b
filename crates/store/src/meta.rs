//! Single values in a table `meta`, each with a checksum of its own.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::Fault;

/// The table.
pub(crate) const TABLE: &str = "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL, crc INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

/// The name of a value of type `T`.
pub(crate) struct Key<T> {
    name: &'static str,
    holds: std::marker::PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, holds: std::marker::PhantomData }
    }
}

/// Stores a value.
pub(crate) fn put<T: Serialize>(connection: &Connection, key: &Key<T>, value: &T) -> Result<(), Fault> {
    let value = rmp_serde::to_vec(value).expect("the values of meta are plain data");
    let crc = checksum(key.name, &value);
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta (key, value, crc) VALUES (?1, ?2, ?3)")?
        .execute(params![key.name, value, crc])?;
    Ok(())
}

/// The value, if one was ever stored.
pub(crate) fn get<T: DeserializeOwned>(connection: &Connection, key: &Key<T>) -> Result<Option<T>, Fault> {
    let row: Option<(Vec<u8>, u32)> = connection
        .prepare_cached("SELECT value, crc FROM meta WHERE key = ?1")?
        .query_row([key.name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((value, crc)) = row else { return Ok(None) };
    let name = key.name;
    if checksum(name, &value) != crc {
        return Err(Fault::damaged(format!(
            "the value of {name} is not what was written: its checksum differs"
        )));
    }
    let value = rmp_serde::from_slice(&value)
        .map_err(|error| Fault::damaged(format!("the value of {name} cannot be decoded: {error}")))?;
    Ok(Some(value))
}

/// The value, which is there in every database that was created in full.
pub(crate) fn require<T: DeserializeOwned>(connection: &Connection, key: &Key<T>) -> Result<T, Fault> {
    get(connection, key)?.ok_or_else(|| Fault::damaged(format!("the value of {} is missing", key.name)))
}

fn checksum(key: &str, value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key.as_bytes());
    hasher.update(value);
    hasher.finalize()
}
