use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::evidence::{Moment, MomentKind};

/// What happens in a drill, and the clock that all of its figures are told by. Clones are the same timeline, from any thread.
#[derive(Clone, Debug)]
pub struct Timeline {
    began: Instant,
    started: Timestamp,
    moments: Arc<Mutex<Vec<Moment>>>,
}

impl Timeline {
    /// Begins now: to be called before anything else of a drill.
    pub fn start() -> Self {
        Self { began: Instant::now(), started: Timestamp::now(), moments: Arc::default() }
    }

    /// How long ago it began.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Where an instant is on it; zero for one before its beginning.
    pub fn at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.began)
    }

    /// When it began, by this machine's wall clock: RFC 3339, UTC.
    pub fn started(&self) -> String {
        format!("{:.3}", self.started)
    }

    /// Writes down that something happens now, in one line without a full stop. Returns when that is.
    pub fn mark(&self, what: MomentKind, text: impl Into<String>) -> Duration {
        // Read under the lock, so that moments are in order.
        let mut moments = self.lock();
        let at = self.now();
        moments.push(Moment { at_ms: milliseconds(at), what, text: text.into() });
        at
    }

    /// Everything so far, in order.
    pub fn moments(&self) -> Vec<Moment> {
        self.lock().clone()
    }

    /// Lets time pass, for tests.
    #[cfg(test)]
    pub(crate) fn pass(&mut self, span: Duration) {
        self.began -= span;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Moment>> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whole milliseconds, as they stand in reports.
pub(crate) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
