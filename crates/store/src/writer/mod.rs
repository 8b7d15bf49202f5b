//! The one thread that writes the log.
//!
//! It takes everything that is queued, commits it as one transaction, that is with one fsync, and reports it; it never waits for
//! more. While one fsync is on its way the next batch gathers by itself, so that the batches grow with the load and a
//! lone write waits for nobody.
//!
//! **A failed fsync ends it.** After one, the kernel may have dropped the pages it could not write and marked them clean: a second fsync
//! would succeed and prove nothing (Rebello et al., ATC 2020). So nothing is retried, and the process must end.
//!
//! **A full disk does not.** It shows when pages are *written* to the WAL, before any fsync, and SQLite then takes the whole transaction
//! back. Nothing of it was reported, nothing of it is counted on, and the pages written so far lie beyond the end of the WAL,
//! where the next attempt overwrites them. Trying the same batch again is therefore a first attempt each time, with an
//! fsync of its own over data written anew. A disk that is found to be full *by the fsync* (delayed allocation, network file systems) is
//! reported by SQLite as an I/O error, and ends the process like any other.
//!
//! Not done: a full quota (`EDQUOT`) is not told from other failed writes by SQLite, and ends the process.

mod batch;
mod broken;
mod inbox;
mod thread;

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use papo_core::log::Write;

use crate::event::Reporter;
use crate::unsaved::Unsaved;
use broken::Broken;
use inbox::{Inbox, Job};
pub(crate) use thread::WriterThread;

/// Submits writes to the thread that stores them. Dropping it stores what was submitted, unless the disk is full, and ends the thread.
#[derive(Debug)]
pub struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    reporter: Reporter,
    unsaved: Unsaved,
    broken: Option<Broken>,
}

impl Writer {
    pub(crate) fn start(thread: WriterThread, reporter: Reporter, unsaved: Unsaved) -> std::io::Result<Self> {
        let (queue, jobs) = channel();
        let inbox = Inbox::new(jobs);
        let thread =
            std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || thread.run(inbox))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), reporter, unsaved, broken: None })
    }

    /// Queues a write. Never blocks. Writes are carried out in the order of submission, and reported by
    /// [`StoreEvent::Durable`](crate::StoreEvent::Durable) with the id of the last one of a batch. After a failure nothing more is reported.
    ///
    /// An append that does not continue the log, or names entries that do not follow one another, is a fault of the caller, on
    /// which the thread panics.
    pub fn submit(&self, id: u64, write: Write) {
        self.send(Job::Write { id, write });
    }

    /// Remembers where the other servidores are, by name and address, in place of what was remembered before. Of low priority: it is
    /// stored along with the next write, at the latest a second later, and not reported.
    pub fn remember_peers(&self, peers: Vec<(String, String)>) {
        self.send(Job::Peers(peers));
    }

    /// **Breaks the one promise of this crate**, for drills that prove that the breaking is noticed: from now on every write is reported
    /// as durable at once, and stored only half a minute later. A process that is killed meanwhile has lost what it acknowledged; one
    /// that drops its writer stores it all. With `false` the promise holds again for what is submitted from then on, and what is
    /// still held back is stored before it.
    ///
    /// # Errors
    /// When no thread can be started for it.
    pub fn acknowledge_before_store(&mut self, broken: bool) -> std::io::Result<()> {
        if !broken {
            self.broken = None;
        } else if self.broken.is_none() {
            let queue = self.queue.clone().expect("the queue is open until the writer is dropped");
            self.broken = Some(Broken::start(queue, self.reporter.clone(), self.unsaved.clone())?);
        }
        Ok(())
    }

    fn send(&self, job: Job) {
        if let Some(broken) = &self.broken {
            return broken.send(job);
        }
        let queue = self.queue.as_ref().expect("the queue is open until the writer is dropped");
        // The thread ends only after it has reported why.
        let _ = queue.send(job);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.broken = None;
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // If it panicked, the panic hook has told.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
pub(crate) mod test_support {
    use std::sync::Arc;

    use papo_core::clock::{Lamport, WallTime};
    use papo_core::log::{Entry, Index, Operation, Write};

    use super::batch::{Tail, commit};
    use crate::log::{Encoder, Opened};

    /// An append of `count` entries of `size` bytes after `after`.
    pub(crate) fn append(after: Index, count: u64, size: usize) -> Write {
        let entry = |index| Entry {
            index,
            epoch: 1,
            lamport: Lamport::new(index),
            time: WallTime::EPOCH,
            author: "x".repeat(size),
            request_id: None,
            operation: Operation::Empty,
        };
        let entries = (after + 1..=after + count).map(|index| Arc::new(entry(index))).collect();
        Write::Append { after, entries, committed: 0 }
    }

    /// Stores `count` entries in an empty log.
    pub(crate) fn store(opened: &mut Opened, count: u64) {
        let tail = Tail { last: 0, stamp: opened.found.stamp };
        commit(&mut opened.connection, &mut Encoder::default(), tail, &[append(0, count, 10)], None)
            .expect("the disk is well");
    }
}
