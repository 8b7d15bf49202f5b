use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::host_port::HostPort;
use crate::waker::Waker;

/// Names one watched target of one [`Resolver`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct TargetId(pub(crate) u32);

/// The addresses of a target changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub target: TargetId,
    /// Addresses it has now and had not before.
    pub added: Vec<SocketAddr>,
    /// Addresses it had before and has no longer.
    pub removed: Vec<SocketAddr>,
}

/// How a name becomes addresses. May block for as long as it likes: each target has its own thread.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of `target` now.
    ///
    /// # Errors
    /// The name is unknown, or nobody could be asked.
    fn addresses(&self, target: &HostPort) -> io::Result<Vec<SocketAddr>>;
}

impl<F> Lookup for F
where
    F: Fn(&HostPort) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
{
    fn addresses(&self, target: &HostPort) -> io::Result<Vec<SocketAddr>> {
        self(target)
    }
}

/// Follows the addresses of names: all of them, again and again, without ever blocking whoever asks.
///
/// A numeric target has its address at once. A name gets a thread of its own, so that one that takes its
/// resolver's whole timeout, or never resolves, delays no other. A failed look-up removes nothing: addresses
/// that worked are the best guess while DNS is away. Failures are logged once per outage and counted.
///
/// Not done: the TTL of records (the interval decides), and SRV records.
pub struct Resolver {
    shared: Arc<Shared>,
    lookup: Arc<dyn Lookup>,
    interval: Duration,
    next: u32,
}

struct Shared {
    state: Mutex<State>,
    /// Told when a target is forgotten, so that its thread ends.
    forgotten: Condvar,
    failures: AtomicU64,
    waker: Waker,
}

#[derive(Default)]
struct State {
    /// What has been reported of each target that is still watched.
    known: BTreeMap<TargetId, BTreeSet<SocketAddr>>,
    changes: Vec<Change>,
}

impl Resolver {
    /// Resolves through the system, each name every `interval`; wakes `waker` when there are changes.
    #[must_use]
    pub fn start(waker: Waker, interval: Duration) -> Self {
        Self::with_lookup(waker, interval, system_lookup)
    }

    /// The same with a look-up of one's own.
    #[must_use]
    pub fn with_lookup(waker: Waker, interval: Duration, lookup: impl Lookup) -> Self {
        let shared =
            Shared { state: Mutex::default(), forgotten: Condvar::new(), failures: AtomicU64::new(0), waker };
        Self { shared: Arc::new(shared), lookup: Arc::new(lookup), interval, next: 0 }
    }

    /// Begins to follow a target.
    pub fn watch(&mut self, target: &HostPort) -> TargetId {
        let id = TargetId(self.next);
        self.next += 1;
        self.shared.lock().known.insert(id, BTreeSet::new());
        match target.numeric() {
            Some(address) => self.shared.found(id, BTreeSet::from([address])),
            None => self.follow(id, target.clone()),
        }
        id
    }

    /// Stops following a target. No change of it is reported any more.
    pub fn forget(&mut self, target: TargetId) {
        let mut state = self.shared.lock();
        state.known.remove(&target);
        state.changes.retain(|change| change.target != target);
        self.shared.forgotten.notify_all();
    }

    /// What changed since the last call.
    #[must_use]
    pub fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.shared.lock().changes)
    }

    /// How many look-ups have failed, of all targets together.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    fn follow(&self, id: TargetId, target: HostPort) {
        let (shared, lookup, interval) = (Arc::clone(&self.shared), Arc::clone(&self.lookup), self.interval);
        let spawned = thread::Builder::new()
            .name(format!("resolve {}", target.host()))
            .spawn(move || shared.follow(id, &target, &*lookup, interval));
        if let Err(error) = spawned {
            self.shared.failures.fetch_add(1, Ordering::Relaxed);
            warn!(%error, "cannot start a thread to resolve a name");
        }
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.shared.lock().known.clear();
        self.shared.forgotten.notify_all();
    }
}

impl Shared {
    /// The life of a target's thread: ends when the target is forgotten.
    fn follow(&self, id: TargetId, target: &HostPort, lookup: &dyn Lookup, interval: Duration) {
        let mut outage = 0_u64;
        loop {
            match lookup.addresses(target) {
                Ok(addresses) if !addresses.is_empty() => {
                    if outage > 0 {
                        info!(%target, failures = outage, "name resolves again");
                        outage = 0;
                    }
                    self.found(id, addresses.into_iter().collect());
                }
                failed => {
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    outage += 1;
                    if outage == 1 {
                        let error = failed.err().map_or_else(|| "no addresses".to_owned(), |e| e.to_string());
                        warn!(%target, error, "name does not resolve; will keep trying");
                    }
                }
            }
            if !self.pause(id, interval) {
                return;
            }
        }
    }

    /// Sleeps until the next look-up is due; false when the target was forgotten meanwhile.
    fn pause(&self, id: TargetId, interval: Duration) -> bool {
        let due = Instant::now() + interval;
        let mut state = self.lock();
        while state.known.contains_key(&id) {
            let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return true;
            };
            let waited = self.forgotten.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    fn found(&self, id: TargetId, addresses: BTreeSet<SocketAddr>) {
        let mut state = self.lock();
        let Some(known) = state.known.get_mut(&id) else { return };
        let added: Vec<_> = addresses.difference(known).copied().collect();
        let removed: Vec<_> = known.difference(&addresses).copied().collect();
        if added.is_empty() && removed.is_empty() {
            return;
        }
        *known = addresses;
        state.changes.push(Change { target: id, added, removed });
        drop(state);
        self.waker.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All addresses of one family: IPv4 when the name has any, IPv6 otherwise. A host that has both is one host,
/// and a link to its second family (`localhost` as `::1`, say) would be a peer that never answers.
fn system_lookup(target: &HostPort) -> io::Result<Vec<SocketAddr>> {
    let all: Vec<_> = (target.host().as_str(), target.port()).to_socket_addrs()?.collect();
    let v4: Vec<_> = all.iter().copied().filter(SocketAddr::is_ipv4).collect();
    Ok(if v4.is_empty() { all } else { v4 })
}
