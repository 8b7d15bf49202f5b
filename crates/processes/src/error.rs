use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::Ended;

/// Why a [`System`](crate::System) is not as it was asked to be.
#[derive(Debug, Error)]
pub enum Error {
    /// A program is not where the others are.
    #[error("there is no {}: build the services first, with `cargo build --workspace --bins`", .0.display())]
    NoProgram(PathBuf),
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What it said.
        source: io::Error,
    },
    /// Something that was waited for did not happen.
    #[error("within {limit:?} it did not happen that {what}")]
    NotInTime {
        /// That.
        what: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// Something that was started has ended by itself.
    #[error("{name} ended by itself: {ended:?}; the end of its log:\n{tail}")]
    Died {
        /// Its name.
        name: String,
        /// How.
        ended: Ended,
        /// The last lines that it wrote.
        tail: String,
    },
    /// Nothing has this name.
    #[error("there is no {0}")]
    Unknown(String),
    /// It was to be started, and runs.
    #[error("{0} runs already")]
    Runs(String),
    /// It was to be told something, and does not run.
    #[error("{0} does not run")]
    Idle(String),
    /// Every port that was tried is taken.
    #[error("no port of {0} is free")]
    NoPort(u16),
    /// A socket cannot be made, or cannot be what it is to be.
    #[error("no socket: {0}")]
    Socket(#[from] zmq::Error),
}

impl Error {
    /// For `map_err`: what was tried when the operating system refused.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }
}
