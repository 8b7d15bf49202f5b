//! From a data directory to a running replica and store.

use std::sync::{Arc, mpsc};

use papo_core::clock::Now;
use papo_core::replica::{Recovery, Replica, RequestLimits, Settings, Stored, Timing};
use papo_service::Failure;
use papo_store::{OpenError, Running, Store, StoreEvent};
use papo_transport::Waker;

/// How many operations are handed to the views before they are waited for: a long replay must not gather in memory.
const INDEX_BATCH: usize = 4096;

/// What a servidor starts with.
pub(crate) struct Recovered {
    pub(crate) replica: Replica,
    pub(crate) store: Running,
    /// Where the others were when it last ran: name and address.
    pub(crate) peers: Vec<(String, String)>,
}

/// Opens the data directory, checks and replays the log, and starts the threads of the store, whose events go to `events`.
pub(crate) fn recover(
    name: &str,
    data: &std::path::Path,
    genesis: &[String],
    now: impl Fn() -> Now,
    events: mpsc::Sender<StoreEvent>,
    waker: Waker,
) -> Result<Recovered, Failure> {
    let store = Store::open(data).map_err(disk_failure)?;
    let settings = Settings {
        name: name.to_owned(),
        genesis: genesis.to_vec(),
        session_key: random()?,
        seed: u64::from_le_bytes(random()?),
        timing: Timing::default(),
        limits: RequestLimits::default(),
    };
    let stored =
        Stored { disk: store.disk(), promise: store.promise().clone(), committed: store.committed() };
    let (new, indexed, peers) = (store.is_new(), store.indexed(), store.peers().to_vec());
    tracing::info!(disk = %stored.disk, new, last = store.last().index, committed = stored.committed, "disk opened");

    let log = store.reader().map_err(Failure::disk)?;
    let store = store
        .start(move |event| {
            // The loop that listens ends after the store does.
            if events.send(event).is_ok() {
                waker.wake();
            }
        })
        .map_err(disk_failure)?;

    let mut recovery = Recovery::new(settings, stored);
    let mut records = Vec::new();
    log.scan(1, |entry| {
        let Some(applied) = recovery.replay(Arc::new(entry)) else { return };
        if applied.index <= indexed {
            return;
        }
        records.extend(applied.record);
        if records.len() >= INDEX_BATCH {
            store.views.index(std::mem::take(&mut records), applied.index);
            store.views.settle();
        }
    })
    .map_err(Failure::disk)?;
    store.secure_log().map_err(disk_failure)?;
    let replica = recovery.finish(now());
    store.views.index(records, replica.chat().applied());
    Ok(Recovered { replica, store, peers })
}

fn disk_failure(error: OpenError) -> Failure {
    Failure::disk(error)
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::failed(format!("no random numbers from the system: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use papo_core::clock::{Instant, Lamport, WallTime};
    use papo_core::log::{ClusterId, Entry, Genesis, Index, Operation, Write};

    use super::*;

    /// Its process may have died, or been told of an error, while it waited for the disk.
    #[test]
    fn what_is_read_back_is_on_the_disk_before_anybody_is_told_of_it() {
        let temporary = tempfile::tempdir().expect("there is room");
        let (before, after) = (temporary.path().join("before"), temporary.path().join("after"));
        leave_a_log_that_is_in_the_wal_only(&before, &after);
        assert_eq!(last_in_the_database(&after), 0);

        let (events, _received) = mpsc::channel();
        let now = || Now { instant: Instant::ZERO, wall: WallTime::EPOCH };
        let waker = Waker::new(|| ());
        let Ok(recovered) = recover("servidor-1", &after, &[], now, events, waker) else {
            panic!("it can be read")
        };
        assert_eq!(recovered.replica.status(now()).last, 1);
        assert_eq!(last_in_the_database(&after), 1);
    }

    fn leave_a_log_that_is_in_the_wal_only(dir: &Path, copy: &Path) {
        let (events, stored) = mpsc::channel();
        let store = Store::open(dir).expect("it is made");
        let genesis =
            Genesis { cluster: ClusterId(9), members: Vec::new(), session_key: vec![7; 32], rules: 1 };
        let entry = Entry {
            index: 1,
            epoch: 1,
            lamport: Lamport::new(1),
            time: WallTime::EPOCH,
            author: String::new(),
            request_id: None,
            operation: Operation::Genesis(genesis),
        };
        let running = store.start(move |event| drop(events.send(event))).expect("it starts");
        running.writer.submit(1, Write::Append { after: 0, entries: vec![Arc::new(entry)], committed: 0 });
        assert!(matches!(stored.recv(), Ok(StoreEvent::Durable { up_to: 1, .. })));
        std::fs::create_dir(copy).expect("there is room");
        for file in ["log.db", "log.db-wal", "log.mark"] {
            std::fs::copy(dir.join(file), copy.join(file)).expect("it is there");
        }
    }

    /// How far the log goes without its WAL.
    fn last_in_the_database(dir: &Path) -> Index {
        let alone = tempfile::tempdir().expect("there is room");
        std::fs::copy(dir.join("log.db"), alone.path().join("log.db")).expect("it is there");
        Store::open(alone.path()).expect("it is a log").last().index
    }
}
