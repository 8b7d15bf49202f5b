use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use papo_core::log::{Entry, Index, Write};

/// What a writer that was broken on purpose has reported as durable and not stored yet. Readers of the log look here beyond its end, so
/// that nothing but the disk tells the difference. Empty in a store that keeps its promise, and then costs a lookup beyond the log's end.
///
/// Not done: what is cut off the log while the writer is broken is still read until the cut is stored as well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unsaved {
    entries: Arc<RwLock<Entries>>,
}

type Entries = BTreeMap<Index, (Instant, Arc<Entry>)>;

impl Unsaved {
    /// In place of the checksum of a row that is not there yet. Views that note it do not fit the log at the next start, and are made anew.
    pub(crate) const CHECKSUM: u32 = 0;
    /// Bytes that an entry is taken to have where pages are filled: more than most.
    pub(crate) const SIZE: usize = 1024;

    /// Holds what is about to be acknowledged.
    pub(super) fn add(&self, write: &Write) {
        let Write::Append { after, entries, .. } = write else { return };
        let now = Instant::now();
        let mut held = self.write();
        held.split_off(&(after + 1));
        held.extend(entries.iter().map(|entry| (entry.index, (now, Arc::clone(entry)))));
    }

    /// Lets go of what was added longer ago than `span`: it is stored by now.
    pub(super) fn forget(&self, span: Duration) {
        self.write().retain(|_, (since, _)| since.elapsed() < span);
    }

    pub(crate) fn get(&self, index: Index) -> Option<Entry> {
        self.read().get(&index).map(|(_, entry)| Entry::clone(entry))
    }

    /// Nothing panics under the lock, so a poisoned one holds a sound state.
    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}
