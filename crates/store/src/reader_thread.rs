//! Reads of the log beside everything else, so that whoever catches up holds nobody up.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use papo_core::log::{Entry, Index};

use crate::error::ReadError;
use crate::event::Reporter;
use crate::log::LogReader;

type Reply = Box<dyn FnOnce(Result<Vec<Entry>, ReadError>) + Send>;

struct Job {
    from: Index,
    max_entries: usize,
    max_bytes: usize,
    reply: Reply,
}

/// Submits to a thread that reads the log. Dropping it answers what was submitted, and ends the thread.
#[derive(Debug)]
pub struct ReaderThread {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl ReaderThread {
    pub(crate) fn start(log: LogReader, reporter: Reporter) -> std::io::Result<Self> {
        let (queue, jobs) = channel::<Job>();
        let thread = std::thread::Builder::new().name("store-reader".to_owned()).spawn(move || {
            for job in jobs {
                let answer = log.read(job.from, job.max_entries, job.max_bytes);
                if let Err(error) = &answer {
                    reporter.fail_read(error);
                }
                (job.reply)(answer);
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// [`LogReader::read`], without blocking. The reply is called exactly once, on the thread: hand the answer over and return.
    pub fn read(
        &self,
        from: Index,
        max_entries: usize,
        max_bytes: usize,
        reply: impl FnOnce(Result<Vec<Entry>, ReadError>) + Send + 'static,
    ) {
        let queue = self.queue.as_ref().expect("the queue is open until the reader is dropped");
        if let Err(unsent) = queue.send(Job { from, max_entries, max_bytes, reply: Box::new(reply) }) {
            (unsent.0.reply)(Err(ReadError::Stopped));
        }
    }
}

impl Drop for ReaderThread {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // If it panicked, the panic hook has told.
            let _ = thread.join();
        }
    }
}
