use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use papo_core::log::Write;

/// How long addresses wait for a write to travel with.
const PEERS_PATIENCE: Duration = Duration::from_secs(1);

/// What is asked of the thread.
#[derive(Debug)]
pub(super) enum Job {
    Write { id: u64, write: Write },
    Peers(Vec<(String, String)>),
}

/// Everything that was queued, to be stored at once.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) writes: Vec<Write>,
    /// The id of the last of them.
    pub(super) up_to: u64,
    pub(super) peers: Option<Vec<(String, String)>>,
}

/// The receiving end of the queue.
#[derive(Debug)]
pub(super) struct Inbox {
    jobs: Receiver<Job>,
    waiting: Taken,
    closed: bool,
}

impl Inbox {
    pub(super) fn new(jobs: Receiver<Job>) -> Self {
        Self { jobs, waiting: Taken::default(), closed: false }
    }

    /// Waits until there is something to store, and takes all of it. `None`: the queue is closed, and everything was taken.
    pub(super) fn next(&mut self) -> Option<Taken> {
        while self.waiting.writes.is_empty() && !self.closed {
            if self.waiting.peers.is_none() {
                self.receive(None);
            } else if !self.receive(Some(PEERS_PATIENCE)) {
                break;
            }
        }
        while !self.closed {
            match self.jobs.try_recv() {
                Ok(job) => self.waiting.add(job),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => self.closed = true,
            }
        }
        let taken = std::mem::take(&mut self.waiting);
        (!taken.writes.is_empty() || taken.peers.is_some()).then_some(taken)
    }

    /// Lets `span` pass, or less when the queue is closed meanwhile. What arrives is kept for the next batch. Whether to go on.
    pub(super) fn pause(&mut self, span: Duration) -> bool {
        let end = Instant::now() + span;
        while !self.closed {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.receive(Some(left)) {
                break;
            }
        }
        !self.closed
    }

    /// Waits for one job; false: none came in time, or ever will.
    fn receive(&mut self, limit: Option<Duration>) -> bool {
        let received = match limit {
            None => self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(limit) => self.jobs.recv_timeout(limit),
        };
        match received {
            Ok(job) => {
                self.waiting.add(job);
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                self.closed = true;
                false
            }
        }
    }
}

impl Taken {
    fn add(&mut self, job: Job) {
        match job {
            Job::Write { id, write } => {
                self.writes.push(write);
                self.up_to = id;
            }
            Job::Peers(peers) => self.peers = Some(peers),
        }
    }
}
