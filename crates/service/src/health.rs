//! What Kubernetes asks a process: has it started, may it be sent work, is it alive at all.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The process's own view of its health. Clones share it; reading and writing never block for long.
#[derive(Clone, Debug)]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    born: Instant,
    started: AtomicBool,
    /// Why no work may be sent here; `None` when it may.
    obstacle: Mutex<Option<String>>,
    watched: Mutex<Vec<Arc<Watched>>>,
}

/// A loop that has promised to beat.
#[derive(Debug)]
struct Watched {
    name: &'static str,
    limit: Duration,
    /// Milliseconds from the process's birth to the last beat; `u64::MAX` once the loop has ended in good order.
    last: AtomicU64,
}

/// How a loop shows that it still turns. Dropping it ends the promise.
#[derive(Debug)]
pub struct Pulse {
    born: Instant,
    watched: Arc<Watched>,
}

impl Pulse {
    /// The loop has turned. Costs one clock reading and one store.
    pub fn beat(&self) {
        self.watched.last.store(millis(self.born.elapsed()), Ordering::Relaxed);
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.watched.last.store(u64::MAX, Ordering::Relaxed);
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// A process that has not started and is not ready.
    pub fn new() -> Self {
        let shared = Shared {
            born: Instant::now(),
            started: AtomicBool::new(false),
            obstacle: Mutex::new(Some("starting".to_owned())),
            watched: Mutex::new(Vec::new()),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Start-up is over (`/startupz` says yes from now on).
    pub fn set_started(&self) {
        self.shared.started.store(true, Ordering::Relaxed);
    }

    /// Work may be sent here.
    pub fn set_ready(&self) {
        *self.obstacle() = None;
    }

    /// No work may be sent here, and why.
    pub fn set_not_ready(&self, why: impl Into<String>) {
        *self.obstacle() = Some(why.into());
    }

    /// Promises that a loop called `name` beats at least every `limit`; `/livez` fails when it does not.
    /// An idle loop must wake up for it, so choose `limit` in seconds.
    pub fn watch(&self, name: &'static str, limit: Duration) -> Pulse {
        let last = AtomicU64::new(millis(self.shared.born.elapsed()));
        let watched = Arc::new(Watched { name, limit, last });
        self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&watched));
        Pulse { born: self.shared.born, watched }
    }

    /// Whether start-up is over.
    pub fn is_started(&self) -> bool {
        self.shared.started.load(Ordering::Relaxed)
    }

    /// Whether work may be sent here; if not, why.
    pub fn ready(&self) -> Result<(), String> {
        self.obstacle().clone().map_or(Ok(()), Err)
    }

    /// Whether every watched loop still turns; if not, which does not.
    pub fn live(&self) -> Result<(), String> {
        self.live_at(self.shared.born.elapsed())
    }

    fn live_at(&self, now: Duration) -> Result<(), String> {
        let mut watched = self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|watched| watched.last.load(Ordering::Relaxed) != u64::MAX);
        let silent: Vec<String> = watched
            .iter()
            .filter_map(|watched| {
                let last = watched.last.load(Ordering::Relaxed);
                let silence = Duration::from_millis(millis(now).saturating_sub(last));
                (silence > watched.limit).then(|| format!("{} has not turned for {silence:?}", watched.name))
            })
            .collect();
        if silent.is_empty() { Ok(()) } else { Err(silent.join(", ")) }
    }

    fn obstacle(&self) -> MutexGuard<'_, Option<String>> {
        self.shared.obstacle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).expect("a process does not run for half a billion years")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_becomes_ready_and_can_say_why_it_no_longer_is() {
        let health = Health::new();
        assert!(!health.is_started());
        assert_eq!(health.ready(), Err("starting".to_owned()));
        health.set_started();
        health.set_ready();
        assert!(health.is_started());
        assert_eq!(health.ready(), Ok(()));
        health.set_not_ready("no coordinator");
        assert_eq!(health.ready(), Err("no coordinator".to_owned()));
    }

    #[test]
    fn a_loop_that_stops_turning_is_named() {
        let health = Health::new();
        let pulse = health.watch("ordering", Duration::from_secs(2));
        let calm = health.watch("calm", Duration::from_secs(3600));
        pulse.beat();
        assert_eq!(health.live(), Ok(()));
        let later = health.live_at(Duration::from_secs(10)).expect_err("ten seconds of silence");
        assert!(later.contains("ordering has not turned for"), "{later}");
        assert!(!later.contains("calm"), "{later}");
        drop(calm);
    }

    #[test]
    fn a_loop_that_ended_is_no_longer_watched() {
        let health = Health::new();
        drop(health.watch("short", Duration::from_millis(1)));
        assert_eq!(health.live_at(Duration::from_secs(10)), Ok(()));
    }
}
