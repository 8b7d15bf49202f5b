//! A disk that really has no room: a small file system in memory.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file system of its own under an existing folder, with what the folder held. Taken away when dropped, with all it holds.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Puts it under `folder`. `None`, and a word about it that the test runner does not hide, where file systems cannot be mounted.
    pub(crate) fn under(folder: &Path, size: &str) -> Option<Self> {
        let files = || {
            fs::read_dir(folder).expect("it is a folder").map(|file| file.expect("it can be listed").path())
        };
        let kept: Vec<(PathBuf, Vec<u8>)> =
            files().map(|path| (path.clone(), fs::read(&path).expect("it can be read"))).collect();
        if !mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], folder) {
            // `eprintln!` would be shown only if the test failed.
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            writeln!(std::io::stderr(), "SKIPPED: {test}: only root may mount the small disk that it fills")
                .expect("there is somebody to tell");
            return None;
        }
        let disk = Self(folder.to_owned());
        for (path, content) in kept {
            fs::write(path, content).expect("it has room for what there was");
        }
        Some(disk)
    }

    /// Takes all the room there is.
    pub(crate) fn fill(&self) {
        let mut filler = fs::File::create(self.filler()).expect("a file can be made");
        let error = loop {
            if let Err(error) = filler.write_all(&[1; 4096]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    }

    /// Gives the room back.
    pub(crate) fn make_room(&self) {
        fs::remove_file(self.filler()).expect("it was filled");
    }

    /// Makes it one that cannot be written (`ro`), or one that can (`rw`). Nobody may be writing there.
    pub(crate) fn remount(&self, option: &str) {
        assert!(mount(&["-o", &format!("remount,{option}")], &self.0), "it can be remounted");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let status = Command::new("mount").args(arguments).arg(at).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a servidor may still have files open there.
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.0.display());
        }
    }
}
