//! The disk of a servidor.
//!
//! Two SQLite databases in one directory, with different promises:
//!
//! * `log.db` holds the log, and is the only thing that is ever acknowledged. One thread writes it ([`Writer`]), in batches of
//!   whatever has queued up, each with one fsync. Whoever reads it ([`LogReader`], [`ReaderThread`]) sees only what is durable.
//! * `views.db` holds what is derived from the log so that it can be read in pages ([`Views`]). It may be deleted at any time.
//!
//! They are separate because an acknowledgement must wait for as little as possible: the log grows at its end, so that a batch of
//! messages is a few consecutive pages, while an index of conversations touches pages all over the file. In one
//! transaction with the log it made each message three times as expensive.
//!
//! **Damage is found, and never repaired by guessing.** Every row carries a checksum of its content, its index and its epoch; the log must
//! have no gap; and it must not end before the point that a third, tiny file (`log.mark`) says was durable. What fails any of
//! these is refused with [`OpenError::Corrupt`] or [`ReadError::Corrupt`], and the files stay as they are until somebody says
//! [`set_aside`]. A lock (`lock`) keeps a second process out.
//!
//! A start goes: [`Store::open`], then [`LogReader::scan`] to rebuild what is in memory, then [`Store::start`], then index into the
//! views what [`Store::indexed`] says is missing.
//!
//! How fast it is on some disk, `cargo run --release -p papo-store --example rate -- DIR` tells.
//!
//! Not done: compaction (the log is the history); repair of a damaged log from the others' (a new disk catches up instead); a disk
//! that acknowledges an fsync and loses it is noticed only if `log.mark` survived.

mod checkpoint;
mod directory;
mod error;
mod event;
mod fault;
mod log;
mod mark;
mod meta;
mod reader_thread;
mod sqlite;
mod store;
mod unsaved;
mod views;
mod writer;

pub use directory::{DiskUsage, disk_usage, set_aside};
pub use error::{FaultKind, OpenError, ReadError, SetAsideError};
pub use event::StoreEvent;
pub use log::LogReader;
pub use reader_thread::ReaderThread;
pub use store::{Running, Store};
pub use views::{Page, PageQuery, Records, RecordsQuery, Since, SinceQuery, Views};
pub use writer::Writer;
