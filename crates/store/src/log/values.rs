//! The few values beside the log.

use papo_core::log::{Epoch, Promise};
use papo_core::members::{DiskId, ServerName};
use rusqlite::Connection;

use super::row::Stamp;
use crate::fault::Fault;
use crate::meta::{self, Key};

/// The version of the tables. Where it stands must never change: older programs look there to see that they are too old.
pub(crate) const SCHEMA: Key<u32> = Key::new("schema");
/// The identity of the disk.
pub(crate) const DISK: Key<DiskId> = Key::new("disk");
/// The highest epoch promised, and to whom.
pub(crate) const PROMISE: Key<(Epoch, ServerName)> = Key::new("promise");
/// The stamp of the last batch that ended without an entry of its own.
pub(crate) const STAMP: Key<Stamp> = Key::new("stamp");
/// Where the other servidores were last seen: name and address.
pub(crate) const PEERS: Key<Vec<(String, String)>> = Key::new("peers");

/// The promise that is stored.
pub(crate) fn promise(connection: &Connection) -> Result<Promise, Fault> {
    let (epoch, candidate) = meta::require(connection, &PROMISE)?;
    Ok(Promise { epoch, candidate })
}

/// Stores a promise.
pub(crate) fn put_promise(connection: &Connection, promise: &Promise) -> Result<(), Fault> {
    meta::put(connection, &PROMISE, &(promise.epoch, promise.candidate.clone()))
}
