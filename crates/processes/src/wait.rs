use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Waits until `condition` has something to say, and returns it.
///
/// # Panics
/// When it has not within `limit`: `what` did not happen.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(began.elapsed() < limit, "within {limit:?} it did not happen that {what}");
        thread::sleep(BETWEEN_LOOKS);
    }
}
