use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Waits until `condition` has something to say, and returns it.
///
/// # Panics
/// When it has not within `limit`: `what` did not happen.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, condition: impl FnMut() -> Option<T>) -> T {
    within(limit, condition).unwrap_or_else(|| panic!("within {limit:?} it did not happen that {what}"))
}

/// Waits until `condition` has something to say; `None` when it has not within `limit`.
pub(crate) fn within<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = condition() {
            return Some(found);
        }
        if began.elapsed() >= limit {
            return None;
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}
