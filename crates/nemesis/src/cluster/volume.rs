//! A small file system in memory that can be full or read-only.
//!
//! It takes the place of a directory, with what is in it, only when that is to be full or read-only: until then whoever has that
//! directory writes to a real disk, and waits for it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::statvfs;

use crate::folder::copy;

/// A mounted one. Unmounted when dropped.
#[derive(Debug)]
pub struct Volume {
    path: PathBuf,
    size: u64,
}

impl Volume {
    /// Whether one can be mounted here, and why not. Needs a `folder` to try it in.
    ///
    /// # Errors
    /// That is not allowed here.
    pub fn try_here(folder: &Path) -> io::Result<()> {
        let path = folder.join("volume");
        fs::create_dir_all(&path)?;
        let tried = Self::over(&path, 1 << 20).map(drop);
        fs::remove_dir_all(&path)?;
        tried
    }

    /// Mounts one of `size` bytes at the directory `path`, and moves into it what is there. Nobody may have any of it open.
    ///
    /// # Errors
    /// That is not allowed here, or there is more in it than fits; all is as it was then.
    pub fn over(path: &Path, size: u64) -> io::Result<Self> {
        let before = beside(path, "before");
        fs::rename(path, &before)?;
        fs::create_dir(path)?;
        let options = format!("size={size},mode=700");
        if let Err(error) = run("mount", ["-t", "tmpfs", "-o", &options, "tmpfs"].map(OsStr::new), path) {
            fs::remove_dir(path)?;
            fs::rename(&before, path)?;
            return Err(error);
        }
        let volume = Self { path: path.to_owned(), size };
        // If this fails, dropping it puts back what there is in it, which is not all.
        if let Err(error) = copy(&before, path) {
            drop(volume);
            fs::remove_dir_all(path)?;
            fs::rename(&before, path)?;
            return Err(error);
        }
        fs::remove_dir_all(&before)?;
        Ok(volume)
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
    /// What is in it stays where it was, for whoever looks for what went wrong.
    fn drop(&mut self) {
        let after = beside(&self.path, "after");
        let copied = copy(&self.path, &after);
        let unmounted = run("umount", ["-l"].map(OsStr::new), &self.path);
        let moved =
            unmounted.and_then(|()| fs::remove_dir(&self.path)).and_then(|()| fs::rename(after, &self.path));
        if let Err(error) = copied.and(moved) {
            println!("{} stays as it is: {error}", self.path.display());
        }
    }
}

fn beside(path: &Path, what: &str) -> PathBuf {
    path.with_added_extension(what)
}

fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a OsStr>, path: &Path) -> io::Result<()> {
    let ran = Command::new(program).args(arguments).arg(path).stdin(Stdio::null()).output()?;
    if ran.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&ran.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_directory_moves_into_a_small_file_system_and_back() {
        let folder = tempfile::tempdir().expect("a folder");
        if let Err(error) = Volume::try_here(folder.path()) {
            return println!("skipped: {error}");
        }
        let path = folder.path().join("disk");
        fs::create_dir_all(path.join("data")).expect("a folder");
        let read = |name: &str| fs::read_to_string(path.join("data").join(name));
        fs::write(path.join("data/old"), "kept").expect("there is room");
        {
            let volume = Volume::over(&path, 1 << 20).expect("it was tried");
            assert_eq!(read("old").expect("it moved"), "kept");
            volume.leave(4096).expect("it is as small as it should be");
            let error = fs::write(path.join("data/big"), [0; 100_000]).expect_err("there is no room");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            volume.forbid_writing().expect("nobody writes");
            let error = fs::write(path.join("data/new"), "x").expect_err("nothing may be written");
            assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
            volume.relieve().expect("it has its room again");
            fs::write(path.join("data/new"), "kept, too").expect("there is room");
        }
        assert_eq!(
            (read("old").expect("old"), read("new").expect("new")),
            ("kept".into(), "kept, too".into())
        );
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left");
    }
}
