//! What can go wrong, named by what whoever reads it does next.

use std::io;
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Trouble};

/// Why a data directory could not be opened. In every case its files are as they were.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it. Stop that one, or use another directory.
    #[error("{} is in use by another servidor: stop that one, or give this one a directory of its own", dir.display())]
    AlreadyInUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// A later version wrote it. Run that version.
    #[error(
        "{} has schema version {found}, and this program knows versions up to {known}: run the version that wrote it, \
         or a later one; nothing was changed",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The version that the file says it has.
        found: u32,
        /// The latest version that this program knows.
        known: u32,
    },
    /// It is damaged. Move it aside, and let this servidor copy the log from the others.
    #[error(
        "{} is damaged: {detail}; nothing was changed. If the other servidores are well, move it aside with \
         `papo disk set-aside --data {}` and start again: this servidor then joins with a new disk and copies the log \
         from the others",
        path.display(), dir_of(path).display()
    )]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// It may not be written. Mend its permissions, or the mount.
    #[error("{} cannot be written ({detail}): mend its owner and permissions, or mount it for writing", path.display())]
    NotWritable {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        detail: String,
    },
    /// There is no room to open it. Make some.
    #[error("there is no room left on the disk of {}: make some and start again; nothing is lost", path.display())]
    Full {
        /// The directory or file.
        path: PathBuf,
    },
    /// The disk failed. Look at the kernel's log.
    #[error("{} cannot be read or written ({detail}): look for errors of the disk in the kernel's log", path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What was reported.
        detail: String,
    },
}

impl OpenError {
    pub(crate) fn new(path: &Path, fault: &Fault) -> Self {
        let path = path.to_path_buf();
        let detail = fault.to_string();
        match fault.trouble() {
            Trouble::Full => Self::Full { path },
            Trouble::Fatal(FaultKind::ReadOnly) => Self::NotWritable { path, detail },
            Trouble::Fatal(FaultKind::Io) => Self::Io { path, detail },
            Trouble::Fatal(FaultKind::Corrupt) => Self::Corrupt { path, detail },
        }
    }

    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        Self::new(path, &Fault::Io(error))
    }
}

fn dir_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// What ended the store's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The disk may not be written any more.
    ReadOnly,
    /// The disk failed: an error of `write`, `fsync` or `read`.
    Io,
    /// What was read is not what was written.
    Corrupt,
}

/// Why a read was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// What was read is not what was written. The store has reported [`StoreEvent::Failed`](crate::StoreEvent::Failed), or, before it was
    /// started, it is for the caller to end the process: nothing that is derived from this log can be trusted.
    #[error("{} is damaged: {detail}", path.display())]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The disk is full, and what the answer must include could not be indexed. Ask another servidor, or later.
    #[error("the disk is full")]
    Full,
    /// The disk failed. The store has reported it, if it was started.
    #[error("{} cannot be read: {detail}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was reported.
        detail: String,
    },
    /// The store is being closed.
    #[error("the store is closed")]
    Stopped,
}

impl ReadError {
    pub(crate) fn new(path: &Path, fault: &Fault) -> Self {
        let path = path.to_path_buf();
        let detail = fault.to_string();
        match fault.trouble() {
            Trouble::Full => Self::Full,
            Trouble::Fatal(FaultKind::Corrupt) => Self::Corrupt { path, detail },
            Trouble::Fatal(_) => Self::Io { path, detail },
        }
    }
}

/// Why the files were not moved aside.
#[derive(Debug, thiserror::Error)]
pub enum SetAsideError {
    /// The directory could not be claimed.
    #[error(transparent)]
    Claim(#[from] OpenError),
    /// There is nothing to move.
    #[error("{} holds no database", dir.display())]
    Nothing {
        /// The data directory.
        dir: PathBuf,
    },
    /// A file could not be moved. What was moved until then stays moved; it is safe to try again.
    #[error("{} cannot be moved aside: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}
