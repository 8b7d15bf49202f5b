//! The disk, looked at by a thread of its own.
//!
//! A volume that hangs keeps whoever asks it anything, for as long as it likes; even how full it is. So the loop asks nothing of it,
//! and shows what was measured last.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use papo_service::{Health, Pulse, Shutdown};
use papo_store::{DiskUsage, disk_usage};

use crate::probes::STUCK_DISK;

/// How often the disk is tried, and measured.
const TRY_DISK: Duration = Duration::from_secs(5);
/// The file that is written to try the disk.
const PROBE: &str = "probe";

/// How full the disk was when it was last measured. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured(Arc<Mutex<Option<DiskUsage>>>);

impl Measured {
    /// The last figures; none if it could never be measured. Never waits for the disk.
    pub(crate) fn last(&self) -> Option<DiskUsage> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn measure(&self, data: &Path) {
        match disk_usage(data) {
            // Locked when it is known, and no sooner: who reads it does not wait for the disk.
            Ok(usage) => *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage),
            Err(error) => tracing::warn!(%error, "cannot tell how full the disk is"),
        }
    }
}

/// Measures the disk, and from then on measures it and writes to it now and then, so that one that is stuck is noticed though
/// nobody says anything. Ends with the process.
///
/// # Errors
/// When there is no thread left for it.
pub(crate) fn watch_disk(data: &Path, health: &Health, shutdown: Shutdown) -> io::Result<Measured> {
    let measured = Measured::default();
    measured.measure(data);
    let pulse = health.watch("disk", STUCK_DISK);
    let (data, shown) = (data.to_owned(), measured.clone());
    let watch = move || watch(&data, &shown, &pulse, &shutdown);
    thread::Builder::new().name("disk-watch".to_owned()).spawn(watch)?;
    Ok(measured)
}

fn watch(data: &Path, measured: &Measured, pulse: &Pulse, shutdown: &Shutdown) {
    let file = data.join(PROBE);
    let mut failing = false;
    loop {
        match write(&file) {
            Ok(()) => {
                failing = false;
                pulse.beat();
            }
            // It answers.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => pulse.beat(),
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(file = %file.display(), %error, "the disk does not take a write");
                }
            }
        }
        measured.measure(data);
        if shutdown.wait_at_most(TRY_DISK) {
            return;
        }
    }
}

fn write(file: &PathBuf) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(file)?;
    file.write_all(b".")?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_tried_by_writing_to_it() {
        let dir = tempfile::tempdir().expect("a folder");
        write(&dir.path().join(PROBE)).expect("it takes writes");
        write(&dir.path().join(PROBE)).expect("again");
        assert_eq!(std::fs::read(dir.path().join(PROBE)).expect("a file"), b".");
        assert!(write(&dir.path().join("nowhere").join(PROBE)).is_err());
    }

    #[test]
    fn a_disk_that_cannot_be_measured_any_more_is_as_full_as_it_was() {
        let dir = tempfile::tempdir().expect("a folder");
        let measured = Measured::default();
        assert_eq!(measured.last(), None);
        std::fs::write(dir.path().join("log.db"), [0; 4096]).expect("there is room");
        measured.measure(dir.path());
        let last = measured.last().expect("it was measured");
        assert!(last.used > 0, "{last:?}");
        measured.measure(&dir.path().join("gone"));
        assert_eq!(measured.last(), Some(last));
    }
}
