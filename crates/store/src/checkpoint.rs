//! Moving what the WAL holds into the database itself, beside the writer.
//!
//! A checkpoint reads pages from the WAL, writes them all over the database and syncs that: far longer than one commit. So a thread
//! with its own connection does it while the writer goes on (SQLite's PASSIVE mode). But SQLite starts the WAL from its
//! beginning again only when *all* of it was moved, and under constant load a few more frames have always arrived. The writer moves
//! those few itself once the thread is done; the thread has synced the database by then, so that this costs about as much as
//! one more commit, once every [`LIMIT`] frames. Without it, the WAL would grow for as long as the load lasts.
//!
//! A WAL that reached its usual size is overwritten rather than extended. Together with fdatasync in place of fsync, which the workspace's
//! `.cargo/config.toml` has SQLite built with, a commit then writes its pages and nothing else.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::event::Reporter;
use crate::fault::Fault;
use crate::sqlite::{self, Durability};

/// The length of the WAL, in frames of 4 KiB, at which it is worth a checkpoint: 16 MiB.
const LIMIT: u32 = 4096;

thread_local! {
    /// The length of the WAL after the last commit on this thread. Each thread writes to one database at most.
    static WAL_FRAMES: Cell<u32> = const { Cell::new(0) };
}

/// The writer's side: counts the frames, and asks for checkpoints.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    requests: Option<Sender<()>>,
    done: Receiver<()>,
    running: bool,
    frames: u32,
    due_at: u32,
    limit: u32,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread for the database at `path`.
    pub(crate) fn start(path: &Path, durability: Durability, reporter: Reporter) -> Result<Self, Fault> {
        Self::start_with(path, durability, reporter, LIMIT)
    }

    fn start_with(
        path: &Path,
        durability: Durability,
        reporter: Reporter,
        limit: u32,
    ) -> Result<Self, Fault> {
        let (requests, asked) = channel();
        let (finished, done) = channel();
        let mut worker = Worker::open(path, durability, reporter)?;
        let thread = std::thread::Builder::new().name("store-checkpoint".to_owned()).spawn(move || {
            while asked.recv().is_ok() {
                if worker.pass().is_err() || finished.send(()).is_err() {
                    break;
                }
            }
        })?;
        let requests = Some(requests);
        Ok(Self { requests, done, running: false, frames: 0, due_at: limit, limit, thread: Some(thread) })
    }

    /// Has SQLite tell this thread the length of the WAL after each commit on `connection`.
    pub(crate) fn watch(&self, connection: &Connection) {
        connection.wal_hook(Some(|_, frames| {
            WAL_FRAMES.set(frames.unsigned_abs());
            Ok(())
        }));
    }

    /// To be called on the writer's thread after each commit on `connection`.
    pub(crate) fn after_commit(&mut self, connection: &Connection) -> Result<(), Fault> {
        let frames = WAL_FRAMES.get();
        let restarted = frames < self.frames;
        self.frames = frames;
        if restarted {
            self.due_at = self.limit;
        }
        if self.running {
            if self.done.try_recv().is_ok() {
                self.running = false;
                self.due_at = frames.saturating_add(self.limit);
                if !restarted {
                    return tolerate_full(passive(connection));
                }
            }
        } else if frames >= self.due_at
            && let Some(requests) = &self.requests
        {
            // A thread that has ended has reported why.
            self.running = requests.send(()).is_ok();
        }
        Ok(())
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // If it panicked, the panic hook has told.
            let _ = thread.join();
        }
    }
}

/// The thread's side.
struct Worker {
    connection: Connection,
    /// The database again, to sync it. Opened once: closing any descriptor of a file gives up the process's POSIX locks on it, which are
    /// SQLite's.
    database: File,
    path: PathBuf,
    reporter: Reporter,
}

/// The thread is to end, and has said why.
struct End;

impl Worker {
    fn open(path: &Path, durability: Durability, reporter: Reporter) -> Result<Self, Fault> {
        let connection = sqlite::open_writable(path, durability)?;
        Ok(Self { connection, database: File::open(path)?, path: path.to_path_buf(), reporter })
    }

    fn pass(&mut self) -> Result<(), End> {
        let synced = passive(&self.connection).and_then(|()| self.sync().map_err(Fault::Io));
        tolerate_full(synced).map_err(|fault| {
            self.reporter.fail(&self.path, &fault);
            End
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.database.sync_data()
    }
}

fn passive(connection: &Connection) -> Result<(), Fault> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(Fault::Sqlite)
}

/// Without room in the database the content stays in the WAL, and the next checkpoint takes it along.
fn tolerate_full(result: Result<(), Fault>) -> Result<(), Fault> {
    match result {
        Err(fault) if fault.is_full() => {
            tracing::warn!(error = %fault, "checkpoint failed: the disk is full");
            Ok(())
        }
        result => result,
    }
}
