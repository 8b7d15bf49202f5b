use std::io;

use thiserror::Error;

/// Why nothing can be said of the promises.
#[derive(Debug, Error)]
pub enum Error {
    /// Nothing of what is wanted can be done here: want something else, or go where it can be done. One sentence for each reason.
    #[error("nothing of what is wanted can be done here: {0:?}")]
    Impossible(Vec<String>),
    /// The operating system refused something of our own: give it what it lacks, and run again.
    #[error("{what}: {source}")]
    Refused {
        /// What was tried.
        what: String,
        /// What it said.
        source: io::Error,
    },
    /// Not all was well, though nothing had been done to it yet: look into the logs.
    #[error("all was never well: {0}")]
    NeverWell(String),
    /// The clients or the watch could not do their part, so that nothing may be concluded from what they saw: run again.
    #[error("the witness failed: {0}")]
    NoWitness(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// For `map_err`: what was tried when the operating system refused.
    pub fn refused(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |source| Self::Refused { what, source }
    }

    /// For `map_err`: the witness's own failure.
    pub(crate) fn no_witness(failure: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::NoWitness(Box::new(failure))
    }
}
