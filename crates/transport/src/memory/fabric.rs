use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::net::MemoryNet;
use super::world::World;

/// Names one net of a fabric.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct NetId(pub(super) u32);

/// A network in memory. Clones are the same network.
#[derive(Clone, Default)]
pub struct MemoryFabric {
    shared: Arc<Shared>,
}

/// What nets of a fabric share.
#[derive(Default)]
pub(super) struct Shared {
    world: Mutex<World>,
}

/// What ends a net's wait.
#[derive(Default)]
pub(super) struct Doorbell {
    /// With the world's lock.
    pub(super) changed: Condvar,
    pub(super) woken: AtomicBool,
}

impl MemoryFabric {
    /// A network with nobody on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a net on it. All nets share one space of addresses.
    #[must_use]
    pub fn net(&self) -> MemoryNet {
        let (id, doorbell) = self.shared.lock().add_net();
        MemoryNet::new(Arc::clone(&self.shared), id, doorbell)
    }

    /// Lets nothing through between two nets, in both directions, and tells neither.
    pub fn cut(&self, a: NetId, b: NetId) {
        self.shared.lock().cut(a, b);
    }

    /// Undoes a cut: what was queued arrives.
    pub fn heal(&self, a: NetId, b: NetId) {
        self.shared.lock().heal(a, b);
    }

    /// Breaks every connection between two nets. What has not arrived is lost. Connections are made again at
    /// once, or when a cut between the two is healed.
    pub fn reset(&self, a: NetId, b: NetId) {
        self.shared.lock().reset(a, b);
    }
}

impl fmt::Debug for MemoryFabric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryFabric")
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        // A test that fails on one thread must not hide its message behind a poisoned lock on the others.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self, doorbell: &Doorbell) {
        if !doorbell.woken.swap(true, Ordering::AcqRel) {
            // Whoever has found the flag unset is waiting once the lock is free.
            drop(self.lock());
            doorbell.changed.notify_all();
        }
    }
}
