use std::time::{self, Duration, SystemTime};

use papo_core::clock::{Instant, Now, WallTime};

/// Where the loop reads the time for the dispatcher.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero: time::Instant,
}

impl Clock {
    /// A clock whose [`Instant::ZERO`] is now.
    #[must_use]
    pub fn start() -> Self {
        Self { zero: time::Instant::now() }
    }

    /// Both readings.
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A host that believes to be in the year 1960 gets an absurd timestamp, not a panic.
        let wall = WallTime::EPOCH.plus(wall.unwrap_or(Duration::ZERO));
        Now { instant: Instant::ZERO + self.zero.elapsed(), wall }
    }
}
