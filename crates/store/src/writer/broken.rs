//! The writer broken on purpose: it acknowledges before it stores.
//!
//! A checker that has never failed proves nothing. So a drill can break the promise that everything else rests on, and must then see its
//! audit fail. A thread stands before the writer's queue: it reports each write as durable when it arrives, and hands it on half a
//! minute later. Everything else about the store is as usual, reads included. While nothing is broken this thread does not exist.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::inbox::Job;
use crate::event::{Reporter, StoreEvent};
use crate::unsaved::Unsaved;

/// How long writes are held back.
const LAG: Duration = Duration::from_secs(30);
/// How long after it was acknowledged a write has certainly been stored, and is read from the disk.
const STORED: Duration = Duration::from_secs(90);

/// How often what is stored is looked for.
const FORGET_EVERY: Duration = Duration::from_secs(5);

/// The thread. Dropping this has it hand on everything it holds, and ends it.
#[derive(Debug)]
pub(super) struct Broken {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Broken {
    /// Starts holding back what would go to `store`.
    pub(super) fn start(store: Sender<Job>, reporter: Reporter, unsaved: Unsaved) -> std::io::Result<Self> {
        let (jobs, arriving) = channel();
        let forgotten = Instant::now();
        let held = Held { store, reporter, unsaved, held: VecDeque::new(), forgotten };
        let thread =
            std::thread::Builder::new().name("store-broken".to_owned()).spawn(move || held.run(&arriving))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    pub(super) fn send(&self, job: Job) {
        let jobs = self.jobs.as_ref().expect("it is open until this is dropped");
        jobs.send(job).expect("the thread lives as long as this");
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // If it panicked, the panic hook has told.
            let _ = thread.join();
        }
    }
}

struct Held {
    store: Sender<Job>,
    reporter: Reporter,
    unsaved: Unsaved,
    held: VecDeque<(Instant, Job)>,
    forgotten: Instant,
}

impl Held {
    fn run(mut self, arriving: &Receiver<Job>) {
        loop {
            let received = match self.held.front() {
                None => arriving.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some((due, _)) => arriving.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match received {
                Ok(job) => self.acknowledge(job),
                Err(RecvTimeoutError::Timeout) => self.hand_on(Instant::now()),
                Err(RecvTimeoutError::Disconnected) => return self.hand_on(Instant::now() + LAG),
            }
        }
    }

    fn acknowledge(&mut self, job: Job) {
        let id = match &job {
            Job::Write { id, write } => {
                self.unsaved.add(write);
                Some(*id)
            }
            Job::Peers(_) => None,
        };
        self.held.push_back((Instant::now() + LAG, job));
        if let Some(up_to) = id {
            self.reporter.tell(StoreEvent::Durable { up_to, took: Duration::ZERO });
        }
    }

    /// Has stored what was to be by `now`.
    fn hand_on(&mut self, now: Instant) {
        while let Some((_, job)) = self.held.pop_front_if(|(due, _)| *due <= now) {
            // The writer ends only after it has reported why.
            let _ = self.store.send(job);
        }
        if self.forgotten.elapsed() >= FORGET_EVERY {
            self.forgotten = Instant::now();
            self.unsaved.forget(STORED);
        }
    }
}

#[cfg(test)]
mod tests {
    use papo_core::log::Write;

    use super::*;
    use crate::writer::test_support::append;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn write(id: u64, write: Write) -> Job {
        Job::Write { id, write }
    }

    #[test]
    fn a_write_is_acknowledged_and_read_before_it_is_stored_and_stored_when_the_promise_holds_again() {
        let (told, events) = channel();
        let reporter = Reporter::new(move |event| told.send(event).expect("the test listens"));
        let (store, stored) = channel();
        let unsaved = Unsaved::default();
        let broken = Broken::start(store, reporter, unsaved.clone()).expect("a thread");

        broken.send(write(7, append(0, 3, 10)));
        let event = events.recv_timeout(PATIENCE).expect("an acknowledgement");
        assert_eq!(event, StoreEvent::Durable { up_to: 7, took: Duration::ZERO });
        assert!(stored.try_recv().is_err(), "it is stored later");
        assert_eq!(unsaved.get(3).map(|entry| entry.index), Some(3));
        assert!(unsaved.get(4).is_none());

        broken.send(write(8, append(1, 1, 10)));
        events.recv_timeout(PATIENCE).expect("an acknowledgement");
        assert!(unsaved.get(3).is_none(), "a later write cut it off");

        drop(broken);
        let ids: Vec<u64> = stored
            .try_iter()
            .map(|job| match job {
                Job::Write { id, .. } => id,
                Job::Peers(_) => panic!("none were sent"),
            })
            .collect();
        assert_eq!(ids, [7, 8], "in the order in which they were submitted");
    }
}
