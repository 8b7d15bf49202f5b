//! Why a drill does not come to a verdict of its own, and the exit code that each reason has.

use std::process::ExitCode;

use thiserror::Error;

/// How the program ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Ending {
    /// Every promise that was checked held, or there was nothing to check.
    Pass = 0,
    /// A promise was broken.
    Broken = 1,
    /// The evidence does not suffice.
    Unknown = 2,
    /// The system was not healthy before the start: nothing was done.
    NotHealthy = 3,
    /// A guard refused: nothing was done.
    Refused = 4,
    /// Something that was done could not be undone.
    NotUndone = 5,
    /// The command line is wrong.
    Usage = 64,
    /// The cluster cannot be reached as configured, or rights are missing.
    Config = 78,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending as u8)
    }
}

/// Why it stopped, in one sentence for whoever started it.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Stop {
    /// Nothing was done: wait until the system is well, then try again.
    #[error("not healthy before the start, so nothing was done: {0}")]
    NotHealthy(String),
    /// Nothing was done: a guard is against it.
    #[error("refused, nothing was done: {0}")]
    Refused(String),
    /// Nothing was done: what this drill needs is not there, or was not allowed.
    #[error("refused, nothing was done: {0}")]
    Needs(String),
    /// It cannot be said whether the promises held.
    #[error("unknown: {0}")]
    Unknown(String),
    /// Something is left behind.
    #[error("not everything could be undone: {0}")]
    NotUndone(String),
    /// The command line asks for something senseless.
    #[error("{0}")]
    Usage(String),
    /// Nothing was done: these rights are missing.
    #[error("rights are missing, nothing was done: {0}")]
    Rights(String),
    /// Wrong cluster or wrong credentials.
    #[error("{0}")]
    Config(String),
}

impl Stop {
    /// What the install, the account or the command line would have to offer for this drill, if that is why it stopped.
    pub fn need(&self) -> Option<String> {
        match self {
            Self::Needs(why) => Some(why.clone()),
            Self::Rights(missing) => Some(format!("rights that are missing: {missing}")),
            _ => None,
        }
    }

    /// How the program ends because of it.
    pub fn ending(&self) -> Ending {
        match self {
            Self::NotHealthy(_) => Ending::NotHealthy,
            Self::Refused(_) | Self::Needs(_) => Ending::Refused,
            Self::Unknown(_) => Ending::Unknown,
            Self::NotUndone(_) => Ending::NotUndone,
            Self::Usage(_) => Ending::Usage,
            Self::Config(_) | Self::Rights(_) => Ending::Config,
        }
    }
}
