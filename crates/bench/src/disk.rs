//! What the disk can do: every acknowledgement waits for it.

use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use papo_service::Failure;
use rustix::fs::{FsWord, statfs};
use serde::Serialize;

use crate::settings::BenchSettings;

const BLOCK: usize = 4096;
/// How long at most. A disk does not get faster with time.
const MEASURED: Duration = Duration::from_secs(2);
/// What the kernel calls file systems that are on no disk (see `statfs(2)`).
const TMPFS: FsWord = 0x0102_1994;
const RAMFS: FsWord = 0x8584_58f6;

/// The disk that everything is measured on.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Disk {
    /// Where all data are.
    pub(crate) directory: PathBuf,
    /// Whether that is no disk at all, but memory: then nothing is slowed down by syncing, and nothing is durable.
    pub(crate) in_memory: bool,
    /// How often a second a block can be written and synced.
    pub(crate) fdatasync_per_s: f64,
}

impl Disk {
    /// What whoever reads the figures has to know.
    pub(crate) fn warning(&self) -> Option<String> {
        self.in_memory.then(|| {
            format!(
                "{} is memory, not a disk: nothing waits for a disk here, and the figures are too good. Use --dir",
                self.directory.display()
            )
        })
    }
}

/// Writes and syncs there for a while.
pub(crate) fn measure(settings: &BenchSettings) -> Result<Disk, Failure> {
    let dir = &settings.dir;
    let failed = |error| Failure::disk(format!("dir: {}: {error}", dir.display()));
    let file = tempfile::tempfile_in(dir).map_err(failed)?;
    let block = [7; BLOCK];
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < MEASURED.min(settings.duration) {
        file.write_all_at(&block, u64::from(count % 1024) * BLOCK as u64).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        count += 1;
    }
    Ok(Disk {
        directory: dir.clone(),
        in_memory: matches!(statfs(dir)?.f_type, TMPFS | RAMFS),
        fdatasync_per_s: f64::from(count) / start.elapsed().as_secs_f64(),
    })
}
