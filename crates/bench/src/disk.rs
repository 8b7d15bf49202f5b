//! What the disk can do: every acknowledgement waits for it.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

const BLOCK: usize = 4096;
const MEASURED: Duration = Duration::from_secs(2);

/// How many times a second a block can be written and synced.
pub(crate) fn syncs_per_second(dir: &Path) -> io::Result<f64> {
    let file = tempfile::tempfile_in(dir)?;
    let block = [7; BLOCK];
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < MEASURED {
        file.write_all_at(&block, u64::from(count % 1024) * BLOCK as u64)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}
