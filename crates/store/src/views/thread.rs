use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use papo_core::chat::Record;
use papo_core::log::Index;
use rusqlite::Connection;

use super::index;
use super::open::{OpenedViews, discard, note_applied};
use super::query::{Page, PageQuery, Records, RecordsQuery, Since, SinceQuery};
use super::read::Reading;
use crate::checkpoint::Checkpoints;
use crate::error::ReadError;
use crate::event::Reporter;
use crate::fault::Fault;
use crate::log::LogReader;
use crate::sqlite;

/// How many jobs are taken together, so that what they index goes into one transaction.
const TOGETHER: usize = 1024;

/// How soon to try again what could not be indexed for want of room, when nothing else happens.
const RETRY: Duration = Duration::from_millis(200);

/// Takes the answer away.
pub(super) type Reply<T> = Box<dyn FnOnce(Result<T, ReadError>) + Send>;

/// What is asked of the thread.
pub(super) enum Job {
    Index { records: Vec<Record>, applied: Index },
    Page(PageQuery, Reply<Page>),
    Since(SinceQuery, Reply<Since>),
    Records(RecordsQuery, Reply<Records>),
    Settle(SyncSender<()>),
}

impl Job {
    /// Answers that it will not be done.
    pub(super) fn refuse(self) {
        match self {
            Self::Index { .. } | Self::Settle(_) => {}
            Self::Page(_, reply) => reply(Err(ReadError::Stopped)),
            Self::Since(_, reply) => reply(Err(ReadError::Stopped)),
            Self::Records(_, reply) => reply(Err(ReadError::Stopped)),
        }
    }
}

/// The thread's state.
pub(crate) struct ViewsThread {
    /// Before the connection, which is to be the last one to close.
    checkpoints: Checkpoints,
    connection: Connection,
    path: PathBuf,
    log: LogReader,
    applied: Index,
    /// Submitted, and not indexed yet: to go into one transaction with what follows, or waiting for room.
    unsaved: Vec<(Vec<Record>, Index)>,
    reporter: Reporter,
}

impl ViewsThread {
    pub(crate) fn new(
        opened: OpenedViews,
        path: PathBuf,
        log: LogReader,
        checkpoints: Checkpoints,
        reporter: Reporter,
    ) -> Self {
        let OpenedViews { connection, applied } = opened;
        Self { connection, checkpoints, path, log, applied, unsaved: Vec::new(), reporter }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        self.checkpoints.watch(&self.connection);
        loop {
            let first = match self.receive(jobs) {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            for job in first.into_iter().chain(jobs.try_iter().take(TOGETHER)) {
                if self.reporter.has_failed() {
                    job.refuse();
                } else {
                    self.carry_out(job);
                }
            }
            if let Err(error) = self.save() {
                self.give_up(&error);
            }
        }
        if !self.reporter.has_failed()
            && let Err(fault) = sqlite::checkpoint_on_close(&self.connection)
        {
            tracing::warn!(error = %fault, "no checkpoint on close: the WAL stays");
        }
    }

    fn receive(&self, jobs: &Receiver<Job>) -> Result<Job, RecvTimeoutError> {
        if self.unsaved.is_empty() {
            jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            jobs.recv_timeout(RETRY)
        }
    }

    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Index { records, applied } => self.unsaved.push((records, applied)),
            Job::Page(query, reply) => reply(self.answer(|reading| reading.page(&query))),
            Job::Since(query, reply) => reply(self.answer(|reading| reading.since(&query))),
            Job::Records(query, reply) => reply(self.answer(|reading| reading.records(query))),
            Job::Settle(done) => {
                if let Err(error) = self.catch_up() {
                    self.give_up(&error);
                }
                // Whoever waited may have gone.
                let _ = done.send(());
            }
        }
    }

    /// Answers from views that hold everything submitted so far.
    fn answer<T>(&mut self, read: impl FnOnce(&Reading<'_>) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let answer = self.catch_up().and_then(|()| {
            read(&Reading {
                connection: &self.connection,
                path: &self.path,
                log: &self.log,
                applied: self.applied,
            })
        });
        if let Err(error) = &answer {
            self.give_up(error);
        }
        answer
    }

    fn catch_up(&mut self) -> Result<(), ReadError> {
        self.save()?;
        if self.unsaved.is_empty() { Ok(()) } else { Err(ReadError::Full) }
    }

    /// Indexes what was submitted. On a full disk it waits.
    fn save(&mut self) -> Result<(), ReadError> {
        if self.unsaved.is_empty() {
            return Ok(());
        }
        match self.save_all() {
            Ok(applied) => {
                self.applied = applied;
                self.unsaved.clear();
                let checkpointed = self.checkpoints.after_commit(&self.connection);
                checkpointed.map_err(|fault| ReadError::new(&self.path, &fault))
            }
            Err(fault) if fault.is_full() => Ok(()),
            Err(fault) => Err(ReadError::new(&self.path, &fault)),
        }
    }

    fn save_all(&mut self) -> Result<Index, Fault> {
        let transaction = self.connection.transaction()?;
        let mut applied = self.applied;
        for (records, up_to) in &self.unsaved {
            for record in records.iter().filter(|record| record.index > applied) {
                index::add(&transaction, record)?;
            }
            applied = applied.max(*up_to);
        }
        if applied > self.applied {
            note_applied(&transaction, &self.log, applied)?;
        }
        transaction.commit()?;
        Ok(applied)
    }

    /// Reports a failure, and sees to it that damaged views are made anew at the next start.
    fn give_up(&mut self, error: &ReadError) {
        if let ReadError::Corrupt { path, .. } = error
            && *path == self.path
            && let Err(error) = discard(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "damaged, and cannot be deleted");
        }
        self.reporter.fail_read(error);
        if self.reporter.has_failed() {
            self.unsaved.clear();
        }
    }
}
