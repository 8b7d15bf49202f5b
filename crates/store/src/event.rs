use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{FaultKind, ReadError};
use crate::fault::{Fault, Trouble};

/// What the store tells its owner. Told on the store's own threads: hand it over and return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreEvent {
    /// Everything submitted up to and with the write of this id is on the disk, and survives a crash of the machine.
    Durable {
        /// The id given to [`Writer::submit`](crate::Writer::submit).
        up_to: u64,
        /// How long the transaction took that brought it there, its fsync included.
        took: Duration,
    },
    /// The disk is full: nothing becomes durable until [`StoreEvent::Recovered`]. Nothing is lost; refuse new work.
    Stalled {
        /// What was reported, for the log.
        error: String,
    },
    /// There is room again, and what had waited for it is stored. Its [`StoreEvent::Durable`] follows.
    Recovered,
    /// The store has stopped for good: the process must end (exit code 74). Told at most once.
    Failed {
        /// What was reported, for the log.
        error: String,
        /// What kind of failure it was.
        kind: FaultKind,
    },
}

/// Where the store's threads report to.
#[derive(Clone)]
pub(crate) struct Reporter {
    on_event: Arc<dyn Fn(StoreEvent) + Send + Sync>,
    failed: Arc<AtomicBool>,
}

impl std::fmt::Debug for Reporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reporter").field("failed", &self.failed).finish_non_exhaustive()
    }
}

impl Reporter {
    pub(crate) fn new(on_event: impl Fn(StoreEvent) + Send + Sync + 'static) -> Self {
        Self { on_event: Arc::new(on_event), failed: Arc::new(AtomicBool::new(false)) }
    }

    pub(crate) fn tell(&self, event: StoreEvent) {
        (self.on_event)(event);
    }

    /// Reports a failure of the file at `path`, unless one was reported before. A full disk is not a failure.
    pub(crate) fn fail(&self, path: &Path, fault: &Fault) {
        if let Trouble::Fatal(kind) = fault.trouble() {
            self.fail_once(format!("{}: {fault}", path.display()), kind);
        }
    }

    /// Reports what kept a read from being answered, if that is a failure of the disk.
    pub(crate) fn fail_read(&self, error: &ReadError) {
        match error {
            ReadError::Corrupt { .. } => self.fail_once(error.to_string(), FaultKind::Corrupt),
            ReadError::Io { .. } => self.fail_once(error.to_string(), FaultKind::Io),
            ReadError::Full | ReadError::Stopped => {}
        }
    }

    fn fail_once(&self, error: String, kind: FaultKind) {
        if !self.failed.swap(true, Ordering::AcqRel) {
            self.tell(StoreEvent::Failed { error, kind });
        }
    }

    /// Whether a failure was reported, by whichever thread.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }
}
