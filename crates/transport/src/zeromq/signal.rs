use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::waker::Waker;

/// A flag that can be polled for: one byte in a socket pair stands for any number of wakes.
pub(super) struct Signal {
    receiver: UnixStream,
    shared: Arc<Shared>,
}

struct Shared {
    woken: AtomicBool,
    sender: UnixStream,
}

impl Signal {
    pub(super) fn new() -> io::Result<Self> {
        let (receiver, sender) = UnixStream::pair()?;
        receiver.set_nonblocking(true)?;
        sender.set_nonblocking(true)?;
        Ok(Self { receiver, shared: Arc::new(Shared { woken: AtomicBool::new(false), sender }) })
    }

    /// Readable after a wake.
    pub(super) fn fd(&self) -> RawFd {
        self.receiver.as_raw_fd()
    }

    pub(super) fn waker(&self) -> Waker {
        let shared = Arc::clone(&self.shared);
        Waker::new(move || shared.wake())
    }

    /// Takes the wakes until now. The byte goes before the flag: the other way round, a wake in between would
    /// set the flag, lose its byte, and so silence every wake after it.
    pub(super) fn clear(&self) {
        let mut bytes = [0; 16];
        while matches!((&self.receiver).read(&mut bytes), Ok(n) if n > 0) {}
        self.shared.woken.swap(false, Ordering::AcqRel);
    }
}

impl Shared {
    fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            // Fails only when the net is gone, or when unread bytes fill the pair: then it is readable
            // anyway.
            let _ = (&self.sender).write(&[1]);
        }
    }
}
