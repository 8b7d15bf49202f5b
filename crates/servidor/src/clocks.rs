use std::time::{SystemTime, UNIX_EPOCH};

use papo_core::clock::{Instant, Now, WallTime};

/// The clocks of this host, as the core takes them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    start: std::time::Instant,
}

impl Clocks {
    pub(crate) fn start() -> Self {
        Self { start: std::time::Instant::now() }
    }

    /// Both readings.
    pub(crate) fn now(&self) -> Now {
        let nanos = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // Zero is "never" in acknowledgements of beacons.
        let instant = Instant::from_nanos(nanos + 1);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = WallTime::from_nanos(i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX));
        Now { instant, wall }
    }

    /// Milliseconds since the process started.
    pub(crate) fn uptime_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
