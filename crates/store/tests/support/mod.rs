//! What the tests of the store share: entries that can be told apart, and events that can be waited for.
#![allow(dead_code, unreachable_pub, missing_docs)] // each test uses a part of it

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{Entry, Epoch, Index, Operation, RequestId, Write};
use papo_store::{OpenError, ReadError, Running, Store, StoreEvent};

/// Longer than anything that works ever takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The entry of an epoch at an index: the same whenever it is asked for, and different from all others.
pub fn entry(epoch: Epoch, index: Index) -> Entry {
    sized_entry(epoch, index, 20)
}

pub fn sized_entry(epoch: Epoch, index: Index, size: usize) -> Entry {
    let message = format!("message {index} of epoch {epoch} ");
    said(
        epoch,
        index,
        Operation::Publish {
            channel: format!("channel-{}", index % 5),
            user: format!("user-{}", index % 7),
            message: message.chars().cycle().take(size.max(message.len())).collect(),
        },
    )
}

pub fn said(epoch: Epoch, index: Index, operation: Operation) -> Entry {
    Entry {
        index,
        epoch,
        lamport: Lamport::new(index * 3),
        time: WallTime::from_nanos(1_700_000_000_000_000_000 + index.cast_signed()),
        author: format!("user-{}", index % 7),
        request_id: match index % 3 {
            0 => None,
            1 => Some(RequestId::Client(format!("request-{index}"))),
            _ => Some(RequestId::Broker { incarnation: u64::MAX, counter: index }),
        },
        operation,
    }
}

pub fn entries(epoch: Epoch, indices: impl IntoIterator<Item = Index>) -> Vec<Arc<Entry>> {
    indices.into_iter().map(|index| Arc::new(entry(epoch, index))).collect()
}

/// Appends the entries of `epoch` up to `last`, after `after`.
pub fn append(epoch: Epoch, after: Index, last: Index) -> Write {
    Write::Append { after, entries: entries(epoch, after + 1..=last), committed: 0 }
}

/// A started store whose events can be waited for.
pub struct Started {
    pub running: Running,
    pub events: Receiver<StoreEvent>,
    next: std::cell::Cell<u64>,
}

pub fn start(store: Store) -> Started {
    let (events, received) = channel();
    // Whoever drops the receiver does not want to know.
    let running = store.start(move |event| drop(events.send(event))).expect("it was just opened");
    Started { running, events: received, next: std::cell::Cell::new(1) }
}

pub fn open(dir: &Path) -> Started {
    start(Store::open(dir).expect("the directory can be opened"))
}

impl Started {
    pub fn submit(&self, write: Write) -> u64 {
        let id = self.next.get();
        self.next.set(id + 1);
        self.running.writer.submit(id, write);
        id
    }

    /// Submits, and waits until it is durable.
    pub fn store(&self, write: Write) {
        let id = self.submit(write);
        self.wait_durable(id);
    }

    pub fn wait_durable(&self, id: u64) {
        loop {
            match self.event() {
                StoreEvent::Durable { up_to, .. } if up_to >= id => return,
                StoreEvent::Durable { .. } => {}
                event => panic!("{event:?} rather than write {id} becoming durable"),
            }
        }
    }

    pub fn event(&self) -> StoreEvent {
        self.events.recv_timeout(PATIENCE).expect("the store reports in time")
    }
}

/// Everything the log holds.
pub fn scan(dir: &Path) -> Result<Vec<Entry>, Refused> {
    let store = Store::open(dir)?;
    let mut entries = Vec::new();
    store.reader()?.scan(1, |entry| entries.push(entry))?;
    Ok(entries)
}

/// How a log can be refused.
#[derive(Debug)]
pub enum Refused {
    Open(OpenError),
    Read(ReadError),
}

impl Refused {
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Self::Open(OpenError::Corrupt { .. }) | Self::Read(ReadError::Corrupt { .. }))
    }
}

impl From<OpenError> for Refused {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// Calls `ready` until it says yes.
pub fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !ready() {
        assert!(Instant::now() < end, "{what}: not in time");
        std::thread::yield_now();
    }
}

/// Asks a question that is answered by a callback, and waits for the answer.
pub fn ask<T: Send + 'static>(
    question: impl FnOnce(Box<dyn FnOnce(Result<T, ReadError>) + Send>),
) -> Result<T, ReadError> {
    let (answer, answered) = channel();
    question(Box::new(move |reply| answer.send(reply).expect("it is waited for")));
    answered.recv_timeout(PATIENCE).expect("every read is answered")
}

/// Copies the files of a data directory, as a crash would leave them.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("it can be made");
    for file in std::fs::read_dir(from).expect("it is there") {
        let file = file.expect("it can be listed");
        if file.file_type().expect("it has a type").is_file() && file.file_name() != "lock" {
            std::fs::copy(file.path(), to.join(file.file_name())).expect("it can be copied");
        }
    }
}
