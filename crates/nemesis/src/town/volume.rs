//! A small file system in memory that can be full or read-only.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::statvfs;

/// A mounted one. Unmounted when dropped.
#[derive(Debug)]
pub struct Volume {
    path: PathBuf,
    size: u64,
}

impl Volume {
    /// Mounts one of `size` bytes at `path`, which is made.
    ///
    /// # Errors
    /// That is not allowed here.
    pub fn mount(path: &Path, size: u64) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        run("mount", ["-t", "tmpfs", "-o", &format!("size={size},mode=700"), "tmpfs"].map(OsStr::new), path)?;
        Ok(Self { path: path.to_owned(), size })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves room for `left` bytes more, and no others.
    ///
    /// # Errors
    /// The system does not do it.
    pub fn leave(&self, left: u64) -> io::Result<()> {
        let disk = statvfs(&self.path)?;
        let used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize;
        self.remount(&format!("size={}", used + left))
    }

    /// All its room again, and it may be written.
    ///
    /// # Errors
    /// The system does not do it.
    pub fn relieve(&self) -> io::Result<()> {
        self.remount(&format!("rw,size={}", self.size))
    }

    /// Nothing on it may be written any more. Nobody may have a file open for writing.
    ///
    /// # Errors
    /// The system does not do it.
    pub fn forbid_writing(&self) -> io::Result<()> {
        self.remount("ro")
    }

    fn remount(&self, options: &str) -> io::Result<()> {
        run("mount", ["-o", &format!("remount,{options}")].map(OsStr::new), &self.path)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if let Err(error) = run("umount", ["-l"].map(OsStr::new), &self.path) {
            println!("{} stays mounted: {error}", self.path.display());
        }
    }
}

fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a OsStr>, path: &Path) -> io::Result<()> {
    let ran = Command::new(program).args(arguments).arg(path).stdin(Stdio::null()).output()?;
    if ran.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&ran.stderr).trim().to_owned()))
}
