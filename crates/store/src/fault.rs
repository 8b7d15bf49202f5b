//! Every error of SQLite and of the operating system, sorted by what can be done about it.

use std::fmt;
use std::io;

use rusqlite::{ErrorCode, ffi};

use crate::error::FaultKind;

/// An error from below.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite reported it.
    Sqlite(rusqlite::Error),
    /// The operating system reported it.
    Io(io::Error),
    /// A check of ours found it.
    Damaged(String),
}

/// What can be done about a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Wait for room.
    Full,
    /// Nothing by this process.
    Fatal(FaultKind),
}

impl Fault {
    pub(crate) fn damaged(detail: impl Into<String>) -> Self {
        Self::Damaged(detail.into())
    }

    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            Self::Sqlite(error) => sqlite_trouble(error),
            Self::Io(error) => io_trouble(error),
            Self::Damaged(_) => Trouble::Fatal(FaultKind::Corrupt),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.trouble() == Trouble::Full
    }

    pub(crate) fn is_corrupt(&self) -> bool {
        self.trouble() == Trouble::Fatal(FaultKind::Corrupt)
    }
}

fn sqlite_trouble(error: &rusqlite::Error) -> Trouble {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        // A missing row, a column of another type, a number out of range: the file does not hold what was written.
        return Trouble::Fatal(FaultKind::Corrupt);
    };
    match (failure.code, failure.extended_code) {
        // Growing the index of the WAL (`-shm`) on a full disk says this rather than "full".
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Trouble::Full,
        (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => Trouble::Fatal(FaultKind::ReadOnly),
        // A page that should be there is beyond the end of the file.
        (_, ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS) => Trouble::Fatal(FaultKind::Corrupt),
        // "Unknown" is SQLITE_ERROR: "no such table" and the like. All of our SQL is fixed, so it is the file that differs.
        (
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::Unknown
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::TooBig,
            _,
        ) => Trouble::Fatal(FaultKind::Corrupt),
        _ => Trouble::Fatal(FaultKind::Io),
    }
}

fn io_trouble(error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Trouble::Full,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Trouble::Fatal(FaultKind::ReadOnly)
        }
        _ => Trouble::Fatal(FaultKind::Io),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Damaged(detail) => f.write_str(detail),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
