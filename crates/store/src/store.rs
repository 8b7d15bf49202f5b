use std::path::Path;
use std::sync::Arc;

use papo_core::log::{Index, Position, Promise};
use papo_core::members::DiskId;

use crate::checkpoint::Checkpoints;
use crate::directory::DataDir;
use crate::error::{OpenError, ReadError};
use crate::event::{Reporter, StoreEvent};
use crate::fault::Fault;
use crate::log::{self, LogReader, Opened};
use crate::reader_thread::ReaderThread;
use crate::sqlite::{self, Durability};
use crate::unsaved::Unsaved;
use crate::views::{self, OpenedViews, Views, ViewsThread};
use crate::writer::{Writer, WriterThread};

/// A data directory that was opened, claimed and checked; nothing runs yet.
#[derive(Debug)]
pub struct Store {
    log: Opened,
    views: OpenedViews,
    dir: Arc<DataDir>,
}

/// The threads of an open store. Dropping it answers and stores everything submitted, and closes the files.
#[derive(Debug)]
pub struct Running {
    /// Reads in the orders in which the chat is read.
    pub views: Views,
    /// Reads of the log.
    pub reader: ReaderThread,
    /// Writes of the log. Dropped last, so that it is the last to close `log.db`, and leaves no WAL behind.
    pub writer: Writer,
    dir: Arc<DataDir>,
}

impl Running {
    /// Sees to it that the log, as it was found, is on the disk: it may have been read from the memory of the system only, if the
    /// process before this one died, or was told of an error, while it waited for the disk. To be called once all of it was read and
    /// checked, and before anybody is told what is stored here.
    ///
    /// # Errors
    /// When the disk does not take it, or another program keeps the log from being moved.
    pub fn secure_log(&self) -> Result<(), OpenError> {
        let path = self.dir.log();
        let secured = sqlite::open_writable(&path, Durability::Synced)
            .and_then(|connection| sqlite::secure(&connection, &path));
        secured.map_err(|fault| OpenError::new(&path, &fault))
    }
}

impl Store {
    /// Opens a data directory, and makes it and its databases where there are none. It stays claimed until everything that came from
    /// this is dropped.
    ///
    /// It checks that the tables are there, whole and of a known version, and that the log does not end before what was known to be
    /// durable. [`LogReader::scan`] from 1, which a start needs anyway, checks the content.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing that exists was changed.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        let dir = DataDir::claim(dir.as_ref())?;
        let log = log::open(&dir)?;
        let reader = LogReader::open(&dir).map_err(|fault| OpenError::new(&dir.log(), &fault))?;
        let views = views::open(&dir, &reader)?;
        Ok(Self { log, views, dir })
    }

    /// Whether the log was made just now.
    pub fn is_new(&self) -> bool {
        self.log.is_new
    }

    /// The identity of the disk.
    pub fn disk(&self) -> DiskId {
        self.log.found.disk
    }

    /// The highest epoch promised.
    pub fn promise(&self) -> &Promise {
        &self.log.found.promise
    }

    /// The last position of the log: the default for an empty one.
    pub fn last(&self) -> Position {
        self.log.found.last
    }

    /// Where the other servidores were when that was last remembered: name and address.
    pub fn peers(&self) -> &[(String, String)] {
        &self.log.found.peers
    }

    /// A lower bound of what is committed: what was stored with the last write, or what was applied before.
    pub fn committed(&self) -> Index {
        self.log.found.stamp.committed.max(self.views.applied)
    }

    /// The index up to which the views hold everything: index what comes after.
    pub fn indexed(&self) -> Index {
        self.views.applied
    }

    /// One more reader of the log.
    ///
    /// # Errors
    /// When the file cannot be opened once more.
    pub fn reader(&self) -> Result<LogReader, ReadError> {
        LogReader::open(&self.dir).map_err(|fault| ReadError::new(&self.dir.log(), &fault))
    }

    /// Starts the threads. `on_event` is called on them: it must hand over and return.
    ///
    /// # Errors
    /// When a thread cannot be started, or a file not be opened once more.
    pub fn start(self, on_event: impl Fn(StoreEvent) + Send + Sync + 'static) -> Result<Running, OpenError> {
        let path = self.dir.log();
        self.start_threads(Reporter::new(on_event)).map_err(|fault| OpenError::new(&path, &fault))
    }

    fn start_threads(self, reporter: Reporter) -> Result<Running, Fault> {
        let Self { log, views, dir } = self;
        let checkpoints = Checkpoints::start(&dir.log(), Durability::Synced, reporter.clone())?;
        let writer = WriterThread::new(log, Arc::clone(&dir), checkpoints, reporter.clone());
        let unsaved = Unsaved::default();
        let writer = Writer::start(writer, reporter.clone(), unsaved.clone())?;

        let checkpoints = Checkpoints::start(&dir.views(), Durability::Ordered, reporter.clone())?;
        let joined = LogReader::open(&dir)?.with_unsaved(unsaved.clone());
        let views = ViewsThread::new(views, dir.views(), joined, checkpoints, reporter.clone());
        let views = Views::start(views)?;

        let reader = ReaderThread::start(LogReader::open(&dir)?.with_unsaved(unsaved), reporter)?;
        Ok(Running { views, reader, writer, dir })
    }
}
