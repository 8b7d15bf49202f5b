use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::fan_out::Dropped;
use crate::metrics::ProxyMetrics;
use crate::subscriptions::Refusal;

/// Not more often than this.
const EVERY: Duration = Duration::from_secs(1);

/// Logs what was refused and dropped, a line for each kind and not for each message: a subscriber that sends garbage shall
/// not fill the disk.
#[derive(Debug)]
pub(crate) struct Journal {
    next: Instant,
    dropped: [u64; Dropped::ALL.len()],
    refused: [u64; Refusal::ALL.len()],
    garbage: u64,
    missed: u64,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            next: Instant::now(),
            dropped: Default::default(),
            refused: Default::default(),
            garbage: 0,
            missed: 0,
        }
    }

    /// Tells what has happened since the last time, if that is long enough ago.
    pub(crate) fn tell(&mut self, metrics: &ProxyMetrics) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + EVERY;
        for why in Dropped::ALL {
            match news(&mut self.dropped[why as usize], metrics.dropped(why).get()) {
                0 => {}
                // Nothing to see: a coordinator repeats its announcement all the time, for proxies that have just come.
                _ if why == Dropped::Repeated => {}
                // What a change of coordinators leaves behind.
                count if why == Dropped::Stale => info!(reason = why.as_str(), count, "dropped publications"),
                count => warn!(reason = why.as_str(), count, "dropped publications"),
            }
        }
        for why in Refusal::ALL {
            let count = news(&mut self.refused[why as usize], metrics.refused(why).get());
            if count > 0 {
                warn!(reason = why.as_str(), count, "refused subscriptions");
            }
        }
        let count = news(&mut self.garbage, metrics.garbage().get());
        if count > 0 {
            warn!(count, "subscribers sent what means nothing");
        }
        let count = news(&mut self.missed, metrics.missed().get());
        if count > 0 {
            warn!(count, "publications were missed by subscribers that are too slow");
        }
    }
}

fn news(told: &mut u64, now: u64) -> u64 {
    now - std::mem::replace(told, now)
}
