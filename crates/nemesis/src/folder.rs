//! Where a run keeps everything, and how its end is told.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use papo_witness::evidence::Verdict;
use tempfile::TempDir;

use crate::Error;

/// A folder that was asked for and stays, or one that stays only if something was found.
#[derive(Debug)]
pub enum Folder {
    /// Asked for.
    Wanted(PathBuf),
    /// Of our own.
    Own(TempDir),
}

impl Folder {
    /// Makes one, at `wanted` if that is said; it must not be there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make(wanted: Option<&Path>) -> Result<Self, Error> {
        let Some(wanted) = wanted else {
            let own = tempfile::Builder::new().prefix("papo-nemesis-").tempdir();
            return own.map(Self::Own).map_err(Error::refused("cannot make a folder"));
        };
        let made = fs::create_dir(wanted).and_then(|()| wanted.canonicalize());
        made.map(Self::Wanted).map_err(Error::refused(format!("cannot make {}", wanted.display())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Wanted(path) => path,
            Self::Own(folder) => folder.path(),
        }
    }

    /// Deletes it or says where it stays, depending on what a run came to.
    ///
    /// # Errors
    /// What the run failed with.
    pub fn after(self, outcome: Result<Verdict, Error>) -> Result<Verdict, Error> {
        if !matches!(outcome, Ok(Verdict::Pass))
            && let Self::Own(mut folder) = self
        {
            folder.disable_cleanup(true);
            println!("everything is kept in {}", folder.path().display());
        }
        outcome
    }
}

/// 0 pass, 1 fail, 2 unknown or not able to run.
pub fn exit_code(outcome: Result<Verdict, Error>) -> ExitCode {
    match outcome {
        Ok(Verdict::Pass) => ExitCode::SUCCESS,
        Ok(Verdict::Fail) => ExitCode::from(1),
        Ok(Verdict::Unknown) => ExitCode::from(2),
        Err(error) => {
            eprintln!("nothing can be said: {error}");
            ExitCode::from(2)
        }
    }
}

/// Copies a directory with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let to = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            copy(&file.path(), &to)?;
        } else {
            fs::copy(file.path(), to)?;
        }
    }
    Ok(())
}
