//! How a process ends: the codes of `sysexits.h` that tell an operator whom to ask.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// Every way in which a process of Papo ends by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// It did what it was asked to, or stopped because it was asked to.
    Ok = 0,
    /// It could not do what it was asked to.
    Failed = 1,
    /// The command line is wrong.
    Usage = 64,
    /// A promise to itself is broken (a panic, too): a fault in the program. It must not go on.
    BrokenInvariant = 70,
    /// The disk failed, is full, or holds something unreadable.
    Disk = 74,
    /// The environment or the configuration file is wrong, or something they name cannot be had (a port in use).
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a process ends early: an error, and the exit code that it deserves.
///
/// `?` turns any error into [`Exit::Failed`]; the constructors are for those that deserve another code
/// (`.map_err(Failure::disk)?`).
pub struct Failure {
    exit: Exit,
    error: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// An ending with the code of one's choice.
    pub fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit, error: error.into() }
    }

    /// It could not be done.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Failed, error)
    }

    /// The command line asks for something senseless.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// The program itself is wrong.
    pub fn broken_invariant(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::BrokenInvariant, error)
    }

    /// The disk failed, is full, or holds something unreadable.
    pub fn disk(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Disk, error)
    }

    /// The settings are wrong, or what they name cannot be had.
    pub fn config(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Config, error)
    }

    /// The code that the process ends with.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::failed(error)
    }
}

/// The error and all that caused it, on one line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        let mut said = self.error.to_string();
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Many errors repeat their cause in their own text.
            if !said.contains(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.exit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "no number in the file")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_failure_tells_its_causes() {
        let cause = "x".parse::<u8>().expect_err("no number");
        let failure = Failure::disk(Outer(cause));
        assert_eq!(failure.to_string(), "no number in the file: invalid digit found in string");
        assert_eq!(failure.exit(), Exit::Disk);
    }

    #[test]
    fn any_error_is_a_plain_failure() {
        fn parse() -> Result<u8, Failure> {
            Ok("x".parse::<u8>()?)
        }
        assert_eq!(parse().expect_err("no number").exit(), Exit::Failed);
    }
}
