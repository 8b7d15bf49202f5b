use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::batch::{self, Tail};
use super::inbox::{Inbox, Taken};
use crate::checkpoint::Checkpoints;
use crate::directory::DataDir;
use crate::event::{Reporter, StoreEvent};
use crate::fault::Fault;
use crate::log::{Encoder, Opened};
use crate::mark::Mark;
use crate::sqlite;

/// How long to wait for room before trying again.
const ROOM_CHECK: Duration = Duration::from_millis(200);

/// The thread's state.
pub(crate) struct WriterThread {
    /// Before the connection, which is to be the last one to close.
    checkpoints: Checkpoints,
    connection: Connection,
    encoder: Encoder,
    tail: Tail,
    peers: Vec<(String, String)>,
    mark: Mark,
    mark_is_stale: bool,
    reporter: Reporter,
    path: PathBuf,
    /// While somebody writes, the directory is ours.
    _dir: Arc<DataDir>,
}

/// The thread is to end, and has said why.
struct End;

impl WriterThread {
    pub(crate) fn new(
        opened: Opened,
        dir: Arc<DataDir>,
        checkpoints: Checkpoints,
        reporter: Reporter,
    ) -> Self {
        Self {
            connection: opened.connection,
            checkpoints,
            encoder: Encoder::default(),
            tail: Tail { last: opened.found.last.index, stamp: opened.found.stamp },
            peers: opened.found.peers,
            mark: opened.mark,
            mark_is_stale: false,
            reporter,
            path: dir.log(),
            _dir: dir,
        }
    }

    pub(super) fn run(mut self, mut inbox: Inbox) {
        self.checkpoints.watch(&self.connection);
        while let Some(taken) = inbox.next() {
            if self.store(taken, &mut inbox).is_err() {
                break;
            }
        }
        if !self.reporter.has_failed()
            && let Err(fault) = sqlite::checkpoint_on_close(&self.connection)
        {
            tracing::warn!(error = %fault, "no checkpoint on close: the WAL stays");
        }
    }

    fn store(&mut self, mut taken: Taken, inbox: &mut Inbox) -> Result<(), End> {
        taken.peers = taken.peers.filter(|peers| *peers != self.peers);
        let mut stalled = false;
        while !self.reporter.has_failed() {
            let began = Instant::now();
            let tail = match batch::commit(
                &mut self.connection,
                &mut self.encoder,
                self.tail,
                &taken.writes,
                taken.peers.as_deref(),
            ) {
                Ok(tail) => tail,
                Err(fault) if fault.is_full() && taken.writes.is_empty() => {
                    tracing::warn!("the disk is full: addresses of other servidores are not remembered");
                    return Ok(());
                }
                Err(fault) if fault.is_full() => {
                    self.stall(&mut stalled, &fault);
                    if inbox.pause(ROOM_CHECK) {
                        continue;
                    }
                    return Err(End);
                }
                Err(fault) => {
                    self.reporter.fail(&self.path, &fault);
                    return Err(End);
                }
            };
            if stalled {
                self.reporter.tell(StoreEvent::Recovered);
            }
            self.tail = tail;
            return self.stored(taken, began.elapsed());
        }
        Err(End)
    }

    fn stall(&self, stalled: &mut bool, fault: &Fault) {
        if !*stalled {
            *stalled = true;
            self.reporter.tell(StoreEvent::Stalled { error: format!("{}: {fault}", self.path.display()) });
        }
    }

    /// What follows from a commit: first what others wait for.
    fn stored(&mut self, taken: Taken, took: Duration) -> Result<(), End> {
        self.note();
        if !taken.writes.is_empty() {
            self.reporter.tell(StoreEvent::Durable { up_to: taken.up_to, took });
        }
        if let Some(peers) = taken.peers {
            self.peers = peers;
        }
        self.checkpoints.after_commit(&self.connection).map_err(|fault| {
            self.reporter.fail(&self.path, &fault);
            End
        })
    }

    fn note(&mut self) {
        match self.mark.note(self.tail.stamp.batch) {
            Ok(()) => self.mark_is_stale = false,
            // An old mark proves less, and that is all.
            Err(error) if !self.mark_is_stale => {
                self.mark_is_stale = true;
                tracing::warn!(%error, "cannot note how far the log is durable");
            }
            Err(_) => {}
        }
    }
}
