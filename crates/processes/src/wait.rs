use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// How often a condition is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Waits until `condition` has something to say, and returns it.
///
/// # Panics
/// When it has not within `limit`: `what` did not happen.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    match wait_for(what, limit, || Ok(condition())) {
        Ok(found) => found,
        Err(error) => panic!("{error}"),
    }
}

/// [`until`], for those that may not panic.
///
/// # Errors
/// `what` did not happen within `limit`, or the condition has failed.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let began = Instant::now();
    loop {
        if let Some(found) = condition()? {
            return Ok(found);
        }
        if began.elapsed() >= limit {
            return Err(Error::NotInTime { what: what.to_owned(), limit });
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}
