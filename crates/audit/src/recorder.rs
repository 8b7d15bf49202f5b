use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use crate::event::{Entry, Event};
use crate::ledger::{Ledger, line};

/// Keeps a ledger while it happens; clones write to the same one, from any thread.
///
/// With a journal, every entry is handed to the operating system before `record` returns: the death of the process loses
/// nothing that happened before it.
#[derive(Clone, Debug)]
pub struct Recorder {
    began: Instant,
    inner: Arc<Mutex<Inner>>,
}

/// The journal could not be written: the ledger on disk is not complete.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the ledger to {}", path.display())]
pub struct JournalError {
    path: PathBuf,
    source: std::io::Error,
}

#[derive(Debug, Default)]
struct Inner {
    ledger: Ledger,
    journal: Option<Journal>,
    failure: Option<JournalError>,
}

#[derive(Debug)]
struct Journal {
    path: PathBuf,
    file: File,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// Begins a ledger in memory.
    pub fn new() -> Self {
        Self { began: Instant::now(), inner: Arc::default() }
    }

    /// Begins a ledger that is also written to `path`, which must not exist yet: a ledger is evidence, and is never
    /// overwritten.
    ///
    /// # Errors
    /// The file exists or cannot be created.
    pub fn with_journal(path: &Path) -> Result<Self, JournalError> {
        let file = File::create_new(path).map_err(|source| JournalError { path: path.into(), source })?;
        let recorder = Self::new();
        recorder.inner().journal = Some(Journal { path: path.into(), file });
        Ok(recorder)
    }

    /// Microseconds since the ledger was begun.
    pub fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).expect("no test runs for 500 000 years")
    }

    /// Writes down that `event` happens to `client` now.
    ///
    /// A journal that fails does not stop the observer: the failure is kept, and [`Recorder::finish`] returns it.
    pub fn record(&self, client: &str, event: Event) {
        let mut inner = self.inner();
        // Read under the lock, so that times never decrease along the ledger.
        inner.append(Entry { at: self.now(), client: client.to_owned(), event });
    }

    /// Puts something that was recorded and taken out before back into the ledger, as if it happened now. The journal has it
    /// already, and is not told again.
    pub fn recall(&self, client: &str, event: Event) {
        let mut inner = self.inner();
        inner.ledger.push(Entry { at: self.now(), client: client.to_owned(), event });
    }

    /// Takes what was recorded so far out of memory, and goes on. What is in the journal stays there.
    ///
    /// # Errors
    /// The journal failed at some time; what is on disk is not complete.
    pub fn take(&self) -> Result<Ledger, JournalError> {
        let mut inner = self.inner();
        match inner.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(std::mem::take(&mut inner.ledger)),
        }
    }

    /// Ends the recording, after making sure that the journal is on the disk.
    ///
    /// # Errors
    /// The journal failed at some time; what is on disk is not complete.
    pub fn finish(self) -> Result<Ledger, JournalError> {
        if let Some(Journal { path, file }) = self.inner().journal.take() {
            file.sync_all().map_err(|source| JournalError { path, source })?;
        }
        self.take()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds the ledger")
    }
}

impl Inner {
    fn append(&mut self, entry: Entry) {
        if let Some(Journal { path, file }) = &mut self.journal
            && let Err(source) = file.write_all(&line(&entry))
        {
            self.failure.get_or_insert(JournalError { path: path.clone(), source });
            self.journal = None;
        }
        self.ledger.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, File, Journal, Recorder};

    #[test]
    fn a_journal_that_fails_is_told_and_stops_nobody() {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        let recorder = Recorder::new();
        let unwritable = File::open(file.path()).expect("it exists");
        recorder.inner().journal = Some(Journal { path: file.path().into(), file: unwritable });
        recorder.record("ana", Event::CaughtUp { index: 1 });
        recorder.record("ana", Event::CaughtUp { index: 2 });
        let error = recorder.take().expect_err("nothing could be written");
        assert!(error.to_string().contains("cannot write the ledger"), "{error}");
        assert_eq!(recorder.take().expect("it was told once").entries().len(), 2);
    }
}
