//! Stable names for replicas that have none of their own.
//!
//! Replicas of one Compose service share a volume and differ in nothing but their container's id. Each takes the first slot
//! directory that nobody holds, under a file lock: the kernel releases it with the process, however that ends, so a recreated
//! container takes the slot, and with it the data and the name, that its predecessor left.
//!
//! Not for volumes whose file system does not support locks across hosts; Kubernetes gives stable names by itself.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

/// How many slots are tried.
const SLOTS: usize = 64;

/// A slot that is ours for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Name of the servidor.
    pub(crate) name: String,
    /// Directory for its data.
    pub(crate) data: PathBuf,
    _lock: File,
}

/// Claims the first free slot among the first `count` below `dir`, waiting up to `patience` for one: the container that is
/// being replaced may not be gone yet.
pub(crate) fn claim(dir: &Path, prefix: &str, count: usize, patience: Duration) -> io::Result<Slot> {
    let until = Instant::now() + patience;
    loop {
        match try_claim(dir, prefix, count.clamp(1, SLOTS))? {
            Some(slot) => return Ok(slot),
            None if Instant::now() >= until => {
                let message =
                    format!("all {count} slots in {} are taken by running servidores", dir.display());
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, message));
            }
            None => thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn try_claim(dir: &Path, prefix: &str, count: usize) -> io::Result<Option<Slot>> {
    for number in 1..=count {
        let data = dir.join(number.to_string());
        fs::create_dir_all(&data)?;
        let lock = File::create(dir.join(format!("{number}.lock")))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(Slot { name: format!("{prefix}-{number}"), data, _lock: lock })),
            Err(rustix::io::Errno::WOULDBLOCK) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_takes_the_first_slot_that_nobody_holds() {
        let dir = tempfile::tempdir().unwrap();
        let claim = || claim(dir.path(), "servidor", 3, Duration::ZERO);
        let first = claim().unwrap();
        let second = claim().unwrap();
        assert_eq!((first.name.as_str(), second.name.as_str()), ("servidor-1", "servidor-2"));
        drop(first);
        assert_eq!(claim().unwrap().name, "servidor-1", "a slot that was left is taken again");
    }

    #[test]
    fn when_all_are_taken_that_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let _held = claim(dir.path(), "servidor", 1, Duration::ZERO).unwrap();
        let error = claim(dir.path(), "servidor", 1, Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("taken by running servidores"), "{error}");
    }
}
