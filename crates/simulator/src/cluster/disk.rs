//! A disk: writes are queued, and become durable in order, all that are queued together in one sync.

use std::collections::VecDeque;
use std::sync::Arc;

use papo_core::log::{Entry, Index, Promise, Write};
use papo_core::members::DiskId;
use papo_core::replica::{Stored, WriteId};

use super::time::Time;

/// What a power failure leaves.
#[derive(Clone, Debug)]
pub struct Content {
    /// The disk's identity.
    pub id: DiskId,
    /// The log.
    pub log: Vec<Arc<Entry>>,
    /// The highest promise.
    pub promise: Promise,
    /// What is known to be committed.
    pub committed: Index,
}

impl Content {
    /// A new disk.
    pub fn empty(id: u64) -> Self {
        Self { id: DiskId(id), log: Vec::new(), promise: Promise::default(), committed: 0 }
    }

    /// What a process that starts finds.
    pub fn stored(&self) -> Stored {
        Stored { disk: self.id, promise: self.promise.clone(), committed: self.committed }
    }

    fn take(&mut self, write: Write) {
        match write {
            Write::Append { after, entries, committed } => {
                let keep = usize::try_from(after).expect("logs are short");
                assert!(
                    keep <= self.log.len(),
                    "a write that leaves a gap: after {after} of {}",
                    self.log.len()
                );
                assert!(after >= self.committed, "a write that drops what is committed: after {after}");
                self.log.truncate(keep);
                self.log.extend(entries);
                self.committed = self.committed.max(committed);
                assert!(self.committed <= self.log.len() as Index, "committed beyond the end of the log");
            }
            Write::Promise(promise) => {
                assert!(promise.epoch > self.promise.epoch, "an epoch is promised once: {promise:?}");
                self.promise = promise;
            }
            Write::RenewDisk(id) => self.id = id,
        }
    }

    /// Whether exactly this entry is there.
    pub fn holds(&self, entry: &Entry) -> bool {
        let at = usize::try_from(entry.index - 1).expect("logs are short");
        self.log.get(at).is_some_and(|stored| stored.position() == entry.position())
    }
}

/// How a disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It takes writes.
    Well,
    /// It says that it takes no writes.
    Full,
    /// It says nothing.
    Stuck,
}

#[derive(Clone, Debug)]
/// A disk and its queue.
pub struct Disk {
    /// What is durable.
    pub content: Content,
    queue: VecDeque<(WriteId, Write)>,
    syncing: Option<WriteId>,
    /// How it is.
    pub health: Health,
    /// A bit has flipped: the next process refuses it.
    pub damaged: bool,
    /// The next sync fails.
    pub fails: bool,
    /// How much longer each sync takes than on the other disks.
    pub slow: Time,
}

/// What a crash did to the writes that had not been reported as durable.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unsynced {
    pub(super) kept: usize,
    pub(super) lost: usize,
}

impl Disk {
    /// A new, empty disk.
    pub fn empty(id: u64) -> Self {
        Self {
            content: Content::empty(id),
            queue: VecDeque::new(),
            syncing: None,
            health: Health::Well,
            damaged: false,
            fails: false,
            slow: 0,
        }
    }

    /// Queues a write.
    pub fn push(&mut self, id: WriteId, write: Write) {
        self.queue.push_back((id, write));
    }

    /// Begins to sync all that is queued, if nothing is being synced; tells up to which write.
    pub fn begin(&mut self) -> Option<WriteId> {
        if self.syncing.is_some() || self.health != Health::Well {
            return None;
        }
        self.syncing = self.queue.back().map(|(id, _)| *id);
        self.syncing
    }

    /// Ends a sync; tells up to which write all is durable.
    pub fn finish(&mut self) -> Option<WriteId> {
        let up_to = self.syncing.take()?;
        if self.health != Health::Well {
            return None;
        }
        while self.queue.front().is_some_and(|(id, _)| *id <= up_to) {
            let (_, write) = self.queue.pop_front().expect("there is a front");
            self.content.take(write);
        }
        Some(up_to)
    }

    /// Power fails, or the process does. Of what was queued some beginning may have reached the platter without having been reported; or it
    /// is in the memory of the system, and the next process stores it before it reads it, as the store of the servidor does.
    pub(super) fn crash(&mut self, rng: &mut fastrand::Rng) -> Unsynced {
        let queued = self.queue.len();
        let reached = if rng.bool() { 0 } else { rng.usize(..=self.queue.len()) };
        let reached = if self.health == Health::Well { reached } else { 0 };
        for (_, write) in self.queue.drain(..).take(reached).collect::<Vec<_>>() {
            self.content.take(write);
        }
        self.syncing = None;
        self.fails = false;
        Unsynced { kept: reached, lost: queued - reached }
    }

    /// Whether there is anything to sync.
    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The log up to `after`, as it will be once all that is queued is durable.
    pub(super) fn expected(&self, after: Index) -> Vec<Arc<Entry>> {
        let mut content = self.content.clone();
        for (_, write) in &self.queue {
            content.take(write.clone());
        }
        content.log.truncate(usize::try_from(after).expect("logs are short"));
        content.log
    }

    /// How many entries wait to become durable.
    pub(super) fn backlog(&self) -> usize {
        let entries = |(_, write): &(WriteId, Write)| match write {
            Write::Append { entries, .. } => entries.len(),
            _ => 1,
        };
        self.queue.iter().map(entries).sum()
    }
}
