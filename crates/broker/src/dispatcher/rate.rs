use std::time::Duration;

use papo_core::clock::Instant;

/// How many requests a second one connection may send, and how many at once after a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Time that must pass on average from one request to the next.
    interval: Duration,
    /// How far ahead of that average a connection may run.
    tolerance: Duration,
}

impl RateLimit {
    /// The limit of `per_second` requests a second with bursts of `burst`; `None` where `per_second` is 0, which means no limit.
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        let interval = Duration::from_secs(1).checked_div(per_second)?;
        Some(Self { interval, tolerance: interval * burst.max(1) })
    }
}

/// A token bucket in one number: the instant at which it will be full again (the generic cell rate algorithm).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// Takes one token; false where there is none.
    pub(crate) fn take(&mut self, now: Instant, limit: RateLimit) -> bool {
        let full_at = self.full_at.max(now) + limit.interval;
        let granted = full_at.since(now) <= limit.tolerance;
        if granted {
            self.full_at = full_at;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_is_granted_and_then_the_average_rate() {
        let limit = RateLimit::new(10, 3).unwrap();
        let mut bucket = Bucket::default();
        let granted = |bucket: &mut Bucket, now| (0..5).filter(|_| bucket.take(now, limit)).count();
        assert_eq!(granted(&mut bucket, at(5000)), 3);
        assert_eq!(granted(&mut bucket, at(5099)), 0);
        assert_eq!(granted(&mut bucket, at(5100)), 1);
        assert_eq!(granted(&mut bucket, at(9000)), 3);
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(RateLimit::new(0, 3), None);
    }
}
