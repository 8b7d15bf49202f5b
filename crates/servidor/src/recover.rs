//! From a data directory to a running replica and store.

use std::sync::{Arc, mpsc};

use papo_core::clock::Now;
use papo_core::replica::{Recovery, Replica, Settings, Stored, Timing};
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
