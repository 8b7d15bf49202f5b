//! The data directory: its files, and the lock by which one process at a time has it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock, statvfs};

use crate::error::{OpenError, SetAsideError};

const LOCK: &str = "lock";
const LOG: &str = "log.db";
const VIEWS: &str = "views.db";
const MARK: &str = "log.mark";

/// A data directory that is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if need be, and claims it. The lock is the kernel's: it goes when the process does, however it ends.
    pub(crate) fn claim(path: &Path) -> Result<Arc<Self>, OpenError> {
        create(path).map_err(|error| OpenError::io(path, error))?;
        let file = path.join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file)
            .map_err(|error| OpenError::io(&file, error))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Arc::new(Self { path: path.to_path_buf(), _lock: lock })),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::AlreadyInUse { dir: path.to_path_buf() }),
            Err(errno) => Err(OpenError::io(&file, errno.into())),
        }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }

    pub(crate) fn views(&self) -> PathBuf {
        self.path.join(VIEWS)
    }

    pub(crate) fn mark(&self) -> PathBuf {
        self.path.join(MARK)
    }

    /// Makes creations, renames and deletions in the directory survive a crash.
    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

fn create(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

/// The file that SQLite keeps beside the database at `path`: its WAL (`-wal`) or the index of that (`-shm`).
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A database with the files that belong to it.
pub(crate) fn with_companions(path: &Path) -> [PathBuf; 3] {
    [path.to_path_buf(), beside(path, "-wal"), beside(path, "-shm")]
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskUsage {
    /// Bytes that the files in the data directory take up on the disk.
    pub used: u64,
    /// Bytes that may still be written by this user.
    pub free: u64,
}

/// How much room the data directory takes, and how much there is left on its disk.
///
/// # Errors
/// Where the directory cannot be read.
pub fn disk_usage(dir: impl AsRef<Path>) -> io::Result<DiskUsage> {
    use std::os::unix::fs::MetadataExt;

    /// What `stat` counts in, whatever the block size of the file system.
    const BLOCK: u64 = 512;
    let dir = dir.as_ref();
    let mut used = 0;
    for file in fs::read_dir(dir)? {
        match file?.metadata() {
            Ok(metadata) if metadata.is_file() => used += metadata.blocks() * BLOCK,
            Ok(_) => {}
            // SQLite removes its own files when it likes.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let disk = statvfs(dir)?;
    Ok(DiskUsage { used, free: disk.f_bavail * disk.f_frsize })
}

/// Moves the databases of a data directory into a directory of their own inside it, named by the time, and returns its path. What is
/// started on the directory afterwards is a new disk. They keep their names in there, so that SQLite can still open them.
///
/// # Errors
/// When a servidor is using the directory, when there is nothing to move, and when a file cannot be moved.
pub fn set_aside(dir: impl AsRef<Path>) -> Result<PathBuf, SetAsideError> {
    let dir = dir.as_ref();
    if !dir.is_dir() {
        return Err(SetAsideError::Nothing { dir: dir.to_path_buf() });
    }
    let data = DataDir::claim(dir)?;
    let mut files = Vec::new();
    files.extend(with_companions(&data.log()));
    files.push(data.mark());
    files.extend(with_companions(&data.views()));
    files.retain(|file| file.symlink_metadata().is_ok());
    if files.is_empty() {
        return Err(SetAsideError::Nothing { dir: dir.to_path_buf() });
    }
    let aside = dir.join(format!("aside-{}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ")));
    fs::create_dir(&aside).map_err(|source| SetAsideError::Io { path: aside.clone(), source })?;
    for path in files {
        let name = path.file_name().expect("every file of a data directory has a name");
        fs::rename(&path, aside.join(name))
            .map_err(|source| SetAsideError::Io { path: path.clone(), source })?;
    }
    let synced = File::open(&aside).and_then(|made| made.sync_all()).and_then(|()| data.sync());
    synced.map_err(|source| SetAsideError::Io { path: aside.clone(), source })?;
    Ok(aside)
}
