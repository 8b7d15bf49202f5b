//! The wish that the process stops, told to everyone in it.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use papo_transport::Waker;

/// A flag that is raised once and never lowered. Clones are the same flag.
///
/// Loops that wait on sockets register their waker ([`Shutdown::wakes`]) and look at [`Shutdown::is_requested`] when
/// they wake.
#[derive(Clone, Default)]
pub struct Shutdown {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    raised: Condvar,
}

#[derive(Default)]
struct State {
    requested: bool,
    callbacks: Vec<Box<dyn FnOnce() + Send>>,
}

impl Shutdown {
    /// A flag that nobody has raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag and runs what was registered, on this thread. Raising it again does nothing.
    pub fn request(&self) {
        let callbacks = {
            let mut state = self.lock();
            state.requested = true;
            std::mem::take(&mut state.callbacks)
        };
        self.shared.raised.notify_all();
        for callback in callbacks {
            callback();
        }
    }

    /// Whether the process is to stop.
    pub fn is_requested(&self) -> bool {
        self.lock().requested
    }

    /// Has `callback` run when the flag is raised: at once, if it already is. It must not block.
    pub fn on_request(&self, callback: impl FnOnce() + Send + 'static) {
        {
            let mut state = self.lock();
            if !state.requested {
                state.callbacks.push(Box::new(callback));
                return;
            }
        }
        callback();
    }

    /// Ends the wait of a loop when the flag is raised, so that it looks at [`Shutdown::is_requested`].
    pub fn wakes(&self, waker: Waker) {
        self.on_request(move || waker.wake());
    }

    /// Blocks until the flag is raised.
    pub fn wait(&self) {
        let state = self.lock();
        drop(
            self.shared
                .raised
                .wait_while(state, |state| !state.requested)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Blocks until the flag is raised (true) or `limit` has passed (false): a sleep that ends in time.
    pub fn wait_at_most(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        while !state.requested {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.shared.raised.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// No callback runs under the lock, so a poisoned lock holds a sound state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").field("requested", &self.is_requested()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_callback_runs_once_whether_registered_before_or_after() {
        let (sender, runs) = mpsc::channel();
        let shutdown = Shutdown::new();
        let early = sender.clone();
        shutdown.on_request(move || early.send("early").expect("the test listens"));
        assert!(runs.try_recv().is_err());
        shutdown.request();
        shutdown.request();
        shutdown.on_request(move || sender.send("late").expect("the test listens"));
        assert_eq!(runs.iter().collect::<Vec<_>>(), ["early", "late"]);
    }

    #[test]
    fn a_waiting_thread_is_released() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.wait_at_most(Duration::from_millis(1)));
        let other = shutdown.clone();
        let waiter = std::thread::spawn(move || other.wait());
        shutdown.request();
        waiter.join().expect("the waiter ends");
        assert!(shutdown.wait_at_most(Duration::from_secs(60)));
        assert!(shutdown.is_requested());
    }

    #[test]
    fn a_loop_is_woken() {
        let (sender, woken) = mpsc::channel();
        let shutdown = Shutdown::new();
        shutdown.wakes(Waker::new(move || sender.send(()).expect("the test listens")));
        assert!(woken.try_recv().is_err());
        shutdown.request();
        woken.recv_timeout(Duration::from_secs(30)).expect("woken");
    }

    #[test]
    fn a_callback_may_use_the_flag() {
        let shutdown = Shutdown::new();
        let own = shutdown.clone();
        shutdown.on_request(move || assert!(own.is_requested()));
        shutdown.request();
    }
}
