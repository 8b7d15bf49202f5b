//! How far the log was known to be durable, noted outside the log.
//!
//! SQLite ends the recovery of a WAL at the first frame whose checksum is wrong, for that is how a write looks that a power cut
//! tore. A bit that flipped in the WAL looks the same, and so does a WAL that somebody deleted: acknowledged entries
//! would be gone without a word. So the number of the last durable batch is written to a small file of its own after each
//! commit. A log that ends before it is damaged.
//!
//! The note is not synced, and need not be: it is written after the commit it speaks of, so that a power cut can only make it
//! older, and an older one merely proves less. It is smaller than a sector, so that it is never torn: one that makes no sense is damaged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::directory::beside;
use crate::fault::Fault;

const LENGTH: usize = 12;

/// The file, open for noting.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
}

impl Mark {
    /// Opens the file. Where there is none, makes one that says `batch`. One that is there is left as it is: what the log ends with was read,
    /// but is not known to be durable yet.
    pub(crate) fn open(path: &Path, batch: u64) -> io::Result<Self> {
        if !path.try_exists()? {
            create(path, batch)?;
        }
        Ok(Self { file: OpenOptions::new().write(true).open(path)? })
    }

    /// What the file says; `None` where there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<u64>, Fault> {
        match fs::read(path) {
            Ok(bytes) => match decode(&bytes) {
                Some(batch) => Ok(Some(batch)),
                None => Err(Fault::damaged("it makes no sense: whether the log lost its end cannot be told")),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Notes that `batch` is durable.
    pub(crate) fn note(&self, batch: u64) -> io::Result<()> {
        self.file.write_all_at(&encode(batch), 0)
    }
}

/// Makes the file whole at once, and durably, so that a crash never leaves half of one.
fn create(path: &Path, batch: u64) -> io::Result<()> {
    let unfinished = beside(path, ".new");
    let mut file = File::create(&unfinished)?;
    file.write_all(&encode(batch))?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

fn encode(batch: u64) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let (number, checksum) = bytes.split_at_mut(8);
    number.copy_from_slice(&batch.to_le_bytes());
    checksum.copy_from_slice(&crc32fast::hash(number).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let number: [u8; 8] = bytes.get(..8)?.try_into().ok()?;
    let batch = u64::from_le_bytes(number);
    (encode(batch) == bytes).then_some(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_was_tampered_with_says_nothing() {
        let note = encode(77);
        assert_eq!(decode(&note), Some(77));
        for bit in 0..LENGTH * 8 {
            let mut flipped = note;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None, "bit {bit}");
        }
        assert_eq!(decode(&note[..LENGTH - 1]), None);
        assert_eq!(decode(&[]), None);
    }
}
