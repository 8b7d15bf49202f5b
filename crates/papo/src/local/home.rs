//! The directory that outlives the system: data, logs, and for as long as it runs a list of its processes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use papo_service::Failure;
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

use super::plan::servidor_name;

/// A log longer than this is put away when its service starts.
const LONG_LOG: u64 = 16 << 20;
/// How much of a log is looked at for its last lines.
const TAIL: u64 = 8 << 10;

/// The directory, held by this process alone.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    _lock: File,
}

/// A process of the running system, as `processes.json` tells it to scripts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Running {
    pub(super) name: String,
    pub(super) pid: u32,
    pub(super) listens: Vec<(&'static str, SocketAddr)>,
}

/// The highest number of a servidor that has data in `dir`.
pub(super) fn servidores_in(dir: &Path) -> u16 {
    (1..=9).rev().find(|number| dir.join(servidor_name(*number)).is_dir()).unwrap_or(0)
}

impl Home {
    /// Makes the directory if it is not there, and takes hold of it.
    pub(super) fn open(dir: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::config(format!("data: {}: {error}", dir.display()));
        fs::create_dir_all(dir.join("logs")).map_err(failed)?;
        // Children have other working directories in mind than this one, perhaps.
        let path = dir.canonicalize().map_err(failed)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("papo.lock"));
        let lock = lock.map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(Failure::config(format!(
                "data: another `papo local` is using {}; stop it, or give this one another --data",
                dir.display()
            ))),
            Err(error) => Err(failed(error.into())),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The log of that process, open for writing at its end.
    pub(super) fn log(&self, name: &str) -> io::Result<File> {
        let path = self.log_path(name);
        if fs::metadata(&path).is_ok_and(|log| log.len() > LONG_LOG) {
            fs::rename(&path, path.with_extension("log.1"))?;
        }
        OpenOptions::new().create(true).append(true).open(path)
    }

    pub(super) fn log_path(&self, name: &str) -> PathBuf {
        self.path.join("logs").join(format!("{name}.log"))
    }

    /// The last lines of a log, to be shown.
    pub(super) fn last_lines(&self, name: &str, count: usize) -> Vec<String> {
        let read = || -> io::Result<Vec<u8>> {
            let mut log = File::open(self.log_path(name))?;
            let length = log.metadata()?.len();
            log.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
            let mut text = Vec::new();
            log.read_to_end(&mut text)?;
            Ok(text)
        };
        // A log that cannot be read has nothing to show.
        let text = read().unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
    }

    /// Writes down which processes run.
    pub(super) fn write_processes(&self, running: &[Running]) -> io::Result<()> {
        let path = self.path.join("processes.json");
        let unfinished = self.path.join("processes.json.unfinished");
        fs::write(&unfinished, serde_json::to_vec_pretty(running)?)?;
        fs::rename(unfinished, path)
    }

    /// No process runs any more.
    pub(super) fn remove_processes(&self) -> io::Result<()> {
        match fs::remove_file(self.path.join("processes.json")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn only_one_can_hold_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let home = Home::open(dir.path()).expect("free");
        let refused = Home::open(dir.path()).expect_err("held").to_string();
        assert!(refused.contains("another `papo local`"), "{refused}");
        drop(home);
        Home::open(dir.path()).expect("free again");
    }

    #[test]
    fn the_end_of_a_log_can_be_shown() {
        let dir = tempfile::tempdir().expect("a directory");
        let home = Home::open(dir.path()).expect("free");
        assert!(home.last_lines("x", 3).is_empty());
        for _ in 0..2 {
            let mut log = home.log("x").expect("a log");
            (0..2000).for_each(|number| writeln!(log, "line {number}").expect("written"));
        }
        assert_eq!(home.last_lines("x", 2), ["line 1998", "line 1999"]);
    }

    #[test]
    fn the_data_tell_how_many_servidores_there_were() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(servidores_in(dir.path()), 0);
        fs::create_dir(dir.path().join("servidor-1")).expect("made");
        fs::create_dir(dir.path().join("servidor-3")).expect("made");
        assert_eq!(servidores_in(dir.path()), 3, "the second one lost its disk");
    }
}
