use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::fabric::{Doorbell, NetId, Shared};
use crate::error::{BindError, ConnectError, OpenError, SendError};
use crate::net::{Frames, Kind, Net, SocketId, SocketOptions};
use crate::waker::Waker;

/// Sockets of one thread on a [`crate::MemoryFabric`].
pub struct MemoryNet {
    shared: Arc<Shared>,
    id: NetId,
    doorbell: Arc<Doorbell>,
    next: u32,
}

impl MemoryNet {
    pub(super) fn new(shared: Arc<Shared>, id: NetId, doorbell: Arc<Doorbell>) -> Self {
        Self { shared, id, doorbell, next: 0 }
    }

    /// What [`crate::MemoryFabric::cut`] knows this net by.
    #[must_use]
    pub fn id(&self) -> NetId {
        self.id
    }
}

impl Net for MemoryNet {
    fn open(&mut self, kind: Kind, options: &SocketOptions) -> Result<SocketId, OpenError> {
        let socket = SocketId(self.next);
        self.next += 1;
        self.shared.lock().open((self.id, socket), kind, options.clone());
        Ok(socket)
    }

    fn bind(&mut self, socket: SocketId, address: SocketAddr) -> Result<SocketAddr, BindError> {
        self.shared.lock().bind((self.id, socket), address)
    }

    fn connect(&mut self, socket: SocketId, address: SocketAddr) -> Result<(), ConnectError> {
        self.shared.lock().connect((self.id, socket), address)
    }

    fn disconnect(&mut self, socket: SocketId, address: SocketAddr) {
        self.shared.lock().disconnect((self.id, socket), address);
    }

    /// What is queued has arrived already, unless the way is cut: then it is lost, whatever the linger.
    fn close_after(&mut self, socket: SocketId, _linger: Duration) {
        self.shared.lock().close((self.id, socket));
    }

    fn subscribe(&mut self, socket: SocketId, topic: &[u8]) {
        self.shared.lock().subscribe((self.id, socket), topic);
    }

    fn unsubscribe(&mut self, socket: SocketId, topic: &[u8]) {
        self.shared.lock().unsubscribe((self.id, socket), topic);
    }

    fn send(&mut self, socket: SocketId, frames: Frames) -> Result<(), SendError> {
        self.shared.lock().send((self.id, socket), frames)
    }

    fn receive(&mut self, socket: SocketId) -> Option<Frames> {
        self.shared.lock().receive((self.id, socket))
    }

    fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<SocketId>) {
        ready.clear();
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut world = self.shared.lock();
        loop {
            world.ready(self.id, ready);
            let woken = self.doorbell.woken.swap(false, Ordering::AcqRel);
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if woken || !ready.is_empty() || left == Some(Duration::ZERO) {
                return;
            }
            let changed = &self.doorbell.changed;
            world = match left {
                None => changed.wait(world).unwrap_or_else(PoisonError::into_inner),
                Some(left) => changed.wait_timeout(world, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    fn waker(&self) -> Waker {
        let (shared, doorbell) = (Arc::clone(&self.shared), Arc::clone(&self.doorbell));
        Waker::new(move || shared.wake(&doorbell))
    }
}

impl Drop for MemoryNet {
    fn drop(&mut self) {
        self.shared.lock().remove_net(self.id);
    }
}
