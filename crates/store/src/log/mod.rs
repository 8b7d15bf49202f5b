//! `log.db`: the log itself, and what else must survive: the identity of the disk and its promise.

mod open;
mod reader;
mod row;
mod schema;
pub(crate) mod values;

pub(crate) use open::{Opened, open};
pub use reader::LogReader;
pub(crate) use row::{Encoder, Stamp};
