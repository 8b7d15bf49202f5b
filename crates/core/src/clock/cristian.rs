//! Cristian's algorithm (Cristian 1989, "Probabilistic clock synchronization"): the time of a server, estimated from what it
//! answered and how long the answer took.
//!
//! A reading taken over a round trip of `rtt` is off by at most `rtt / 2`, so the sample with the shortest round trip
//! is the best one. An old sample grows worse as the two clocks drift apart; every sample's bound therefore grows with its
//! age, and the estimate is the sample whose bound is the least *now*.
//!
//! Not done: discipline of the host's clock (nothing here steps it), and any estimate of the drift rate itself.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Instant, WallTime};

/// How many samples are kept to choose from.
const WINDOW: usize = 16;

/// Parts per million that two quartz clocks may drift apart; the sum of two bad ones.
const DRIFT_PPM: u64 = 200;

/// An estimate of another process's clock, relative to our monotonic one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// What the server's clock showed, by this estimate, at `at`.
    pub time: WallTime,
    /// The moment the estimate is for.
    pub at: Instant,
    /// How far off it can be, if the clocks drift no faster than is assumed.
    pub bound: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Middle of the round trip, by our monotonic clock.
    at: Instant,
    /// What the server answered.
    time: WallTime,
    /// Half the round trip.
    error: Duration,
}

impl Sample {
    fn bound(&self, now: Instant) -> Duration {
        self.error + now.since(self.at) * u32::try_from(DRIFT_PPM).unwrap_or(u32::MAX) / 1_000_000
    }
}

/// The last round trips to one server.
#[derive(Clone, Debug, Default)]
pub struct Cristian {
    samples: VecDeque<Sample>,
}

impl Cristian {
    /// Takes the answer `time` to a request sent at `sent`, received at `received`, on our monotonic clock.
    pub fn observe(&mut self, sent: Instant, received: Instant, time: WallTime) {
        let error = received.since(sent) / 2;
        if self.samples.len() == WINDOW {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { at: sent + error, time, error });
    }

    /// The best estimate of the server's clock at `now`; `None` before the first answer.
    pub fn estimate(&self, now: Instant) -> Option<Estimate> {
        let best = self.samples.iter().min_by_key(|sample| sample.bound(now))?;
        Some(Estimate { time: best.time.plus(now.since(best.at)), at: now, bound: best.bound(now) })
    }

    /// Forgets everything: another server is asked from now on.
    pub fn reset(&mut self) {
        self.samples.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    fn instant(ms: u64) -> Instant {
        Instant::from_nanos(ms * MS)
    }

    #[test]
    fn the_shortest_round_trip_wins() {
        let mut clock = Cristian::default();
        clock.observe(instant(0), instant(100), WallTime::from_nanos(0));
        clock.observe(instant(200), instant(202), WallTime::from_nanos(1_000 * MS as i64));
        clock.observe(instant(300), instant(400), WallTime::from_nanos(0));
        let estimate = clock.estimate(instant(401)).unwrap();
        assert_eq!(estimate.time, WallTime::from_nanos(1_200 * MS as i64));
        assert!(estimate.bound >= Duration::from_millis(1) && estimate.bound < Duration::from_millis(2));
    }

    #[test]
    fn an_old_sample_gives_way_to_a_worse_but_fresh_one() {
        let mut clock = Cristian::default();
        clock.observe(instant(0), instant(2), WallTime::EPOCH);
        clock.observe(instant(100_000), instant(100_010), WallTime::from_nanos(7));
        assert_eq!(clock.estimate(instant(100_005)).unwrap().time, WallTime::from_nanos(7));
    }

    proptest! {
        /// Whatever the delays on the way there and back, the truth is within the reported bound.
        #[test]
        fn the_truth_is_within_the_bound(
            trips in proptest::collection::vec((0u64..50, 0u64..50, 0u64..1000), 1..40),
            offset in -1_000_000_000_000i64..1_000_000_000_000,
        ) {
            let mut clock = Cristian::default();
            let mut now = 0;
            for (out, back, pause) in trips {
                let answered = instant(now + out);
                let time = WallTime::from_nanos(answered.as_nanos() as i64 + offset);
                clock.observe(instant(now), instant(now + out + back), time);
                now += out + back + pause;
            }
            let estimate = clock.estimate(instant(now)).unwrap();
            let truth = WallTime::from_nanos(instant(now).as_nanos() as i64 + offset);
            let off = estimate.time.nanos_after(truth).unsigned_abs();
            prop_assert!(Duration::from_nanos(off) <= estimate.bound, "off by {off} ns, bound {:?}", estimate.bound);
        }
    }
}
