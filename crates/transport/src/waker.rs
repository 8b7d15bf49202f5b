use std::fmt;
use std::sync::Arc;

/// Ends the current or next [`crate::Net::wait`] of the net it came from, from any thread.
///
/// Put what the loop shall see where it looks (a channel, a flag) first, then wake. Waking a net that is
/// already woken costs one atomic operation. After the net is gone, waking does nothing.
#[derive(Clone)]
pub struct Waker {
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Waker {
    /// A waker that calls `wake`, for loops that do not wait on a net.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { wake: Arc::new(wake) }
    }

    /// Wakes.
    pub fn wake(&self) {
        (self.wake)();
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker")
    }
}
