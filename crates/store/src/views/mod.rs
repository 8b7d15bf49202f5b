//! `views.db`: the chat in the orders in which it is read.
//!
//! The log is in the order in which things were said, by everybody, everywhere. A page of one channel's history needs that channel's
//! part of it. These tables hold, for each timeline, the indices of its messages; the messages themselves stay in the log.
//!
//! They are a database of their own, for three reasons: nothing of them is in the transaction that an acknowledgement waits for;
//! they need no fsync, because what a power cut takes is indexed again from the log; and they may be deleted at any time, and are,
//! when they are damaged or belong to another log (the caller then indexes everything again). To tell, they note the checksum of
//! the log's first entry and of the last one indexed.
//!
//! One thread does it all, in the order in which it is asked: a read therefore sees every operation submitted before it.
//! Each row has a checksum, so that a bit that flipped shows nobody a message of another conversation.
//!
//! Not done: a row that vanished by such a flip, which SQLite did not notice, is missed by nobody until the file is deleted.

mod index;
mod open;
mod query;
mod read;
mod thread;

use std::sync::mpsc::{Sender, sync_channel};
use std::thread::JoinHandle;

use papo_core::chat::Record;
use papo_core::log::Index;

use crate::error::ReadError;
use thread::Job;

pub(crate) use open::{OpenedViews, open};
pub use query::{Page, PageQuery, Records, RecordsQuery, Since, SinceQuery};
pub(crate) use thread::ViewsThread;

/// Submits to the thread that has the views. No method blocks, but for [`Views::settle`].
///
/// A reply is called exactly once, on that thread: hand the answer over and return. Dropping this answers what was submitted, and ends
/// the thread.
#[derive(Debug)]
pub struct Views {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Views {
    pub(crate) fn start(thread: ViewsThread) -> std::io::Result<Self> {
        let (queue, jobs) = std::sync::mpsc::channel();
        let thread =
            std::thread::Builder::new().name("store-views".to_owned()).spawn(move || thread.run(&jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Indexes accepted operations: `records` are all of those after the previous `applied` up to this one, in order. The log must be
    /// durable up to there. What was indexed before is passed over, so that a replay may begin anywhere.
    pub fn index(&self, records: Vec<Record>, applied: Index) {
        self.send(Job::Index { records, applied });
    }

    /// A page of one timeline.
    pub fn page(&self, query: PageQuery, reply: impl FnOnce(Result<Page, ReadError>) + Send + 'static) {
        self.send(Job::Page(query, Box::new(reply)));
    }

    /// What was said in several timelines since some index.
    pub fn since(&self, query: SinceQuery, reply: impl FnOnce(Result<Since, ReadError>) + Send + 'static) {
        self.send(Job::Since(query, Box::new(reply)));
    }

    /// All accepted operations, in the order of the log.
    pub fn records(
        &self,
        query: RecordsQuery,
        reply: impl FnOnce(Result<Records, ReadError>) + Send + 'static,
    ) {
        self.send(Job::Records(query, Box::new(reply)));
    }

    /// Waits until everything submitted before was carried out. For a long replay, which would otherwise fill the memory with what is
    /// still to be indexed.
    pub fn settle(&self) {
        let (done, settled) = sync_channel(1);
        self.send(Job::Settle(done));
        // An error means that the thread has ended: there is nothing left to wait for.
        let _ = settled.recv();
    }

    fn send(&self, job: Job) {
        let queue = self.queue.as_ref().expect("the queue is open until the views are dropped");
        if let Err(unsent) = queue.send(job) {
            unsent.0.refuse();
        }
    }
}

impl Drop for Views {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // If it panicked, the panic hook has told.
            let _ = thread.join();
        }
    }
}
