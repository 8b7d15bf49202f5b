//! The time that the chat agrees on: the coordinator's clock, as each servidor estimates it.
//!
//! A coordinator measures from the moment it took over with its *monotonic* clock, so that a jump of its wall
//! clock during its reign has no effect. At a take-over it goes on from the agreed time, held within
//! [`MAX_DISAGREEMENT`] of the median wall clock of those who promised: one wrong clock cannot drag the chat along.
//!
//! Not done: nothing here makes timestamps monotonic. The log does (an entry's time is never before the previous one's).

use std::time::Duration;

use super::cristian::{Cristian, Estimate};
use super::{Instant, Now, WallTime};

/// How far from the median of the promisers' wall clocks a new coordinator may go on.
pub const MAX_DISAGREEMENT: Duration = Duration::from_millis(500);

/// One servidor's idea of the agreed time.
#[derive(Clone, Debug, Default)]
pub struct AgreedClock {
    /// Set while we coordinate: the agreed time at an instant, from which our monotonic clock counts on.
    reign: Option<(Instant, WallTime)>,
    coordinator: Cristian,
    /// The last estimate under an earlier coordinator, kept until the new one has answered.
    inherited: Option<Estimate>,
}

impl AgreedClock {
    /// The agreed time at `now`: by the best estimate there is, and by our own wall clock where there is none.
    pub fn now(&self, now: Now) -> WallTime {
        if let Some((since, time)) = self.reign {
            return time.plus(now.instant.since(since));
        }
        self.estimate(now.instant).map_or(now.wall, |estimate| estimate.time)
    }

    /// Offset of the agreed time from our own wall clock, in nanoseconds, and how far off it can be. A coordinator's bound is
    /// zero by definition; `None` while there is no estimate.
    pub fn offset(&self, now: Now) -> Option<(i64, Duration)> {
        if self.reign.is_some() {
            return Some((self.now(now).nanos_after(now.wall), Duration::ZERO));
        }
        self.estimate(now.instant).map(|estimate| (estimate.time.nanos_after(now.wall), estimate.bound))
    }

    /// Takes the coordinator's answer to a request of ours.
    pub fn observe(&mut self, sent: Instant, received: Instant, time: WallTime) {
        self.coordinator.observe(sent, received, time);
    }

    /// Begins to coordinate. `walls` are the wall clocks of those who promised, ours among them.
    pub fn take_over(&mut self, now: Now, mut walls: Vec<WallTime>) {
        walls.push(now.wall);
        walls.sort_unstable();
        // Of two middle ones the earlier: a clock that is behind only makes timestamps stand still for a while.
        let median = walls[(walls.len() - 1) / 2];
        let slack = i64::try_from(MAX_DISAGREEMENT.as_nanos()).unwrap_or(i64::MAX);
        let time = self.now(now).clamp(median.shifted(-slack), median.shifted(slack));
        self.reign = Some((now.instant, time));
        self.coordinator.reset();
        self.inherited = None;
    }

    /// Follows another coordinator from now on; goes on from what was agreed until it has answered.
    pub fn follow(&mut self, now: Now) {
        self.inherited = match self.reign.take() {
            Some((since, time)) => Some(Estimate {
                time: time.plus(now.instant.since(since)),
                at: now.instant,
                bound: Duration::ZERO,
            }),
            None => self.estimate(now.instant),
        };
        self.coordinator.reset();
    }

    fn estimate(&self, now: Instant) -> Option<Estimate> {
        self.coordinator.estimate(now).or_else(|| {
            let old = self.inherited?;
            Some(Estimate { time: old.time.plus(now.since(old.at)), at: now, bound: old.bound })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    fn now(seconds: u64, wall: i64) -> Now {
        Now { instant: Instant::from_nanos(seconds * S as u64), wall: WallTime::from_nanos(wall * S) }
    }

    fn walls(seconds: &[i64]) -> Vec<WallTime> {
        seconds.iter().map(|s| WallTime::from_nanos(s * S)).collect()
    }

    #[test]
    fn a_new_coordinator_goes_on_from_the_agreed_time() {
        let mut clock = AgreedClock::default();
        clock.observe(now(0, 0).instant, now(0, 0).instant, WallTime::from_nanos(100 * S));
        clock.take_over(now(1, 0), walls(&[101]));
        // Its own wall clock says 0, the agreed time 101: the median of 0 and 101 is 0, and half a second is all it may differ.
        assert_eq!(clock.now(now(1, 0)), WallTime::from_nanos(S / 2));
        let mut clock = AgreedClock::default();
        clock.observe(now(0, 0).instant, now(0, 0).instant, WallTime::from_nanos(100 * S));
        clock.take_over(now(1, 100), walls(&[101, 101]));
        assert_eq!(clock.now(now(2, 100)), WallTime::from_nanos(102 * S));
    }

    #[test]
    fn one_clock_in_the_year_2100_drags_nobody_along() {
        let far = 4_102_444_800;
        let mut clock = AgreedClock::default();
        clock.take_over(now(1, far), walls(&[1_000, 1_000]));
        assert!(clock.now(now(1, far)) <= WallTime::from_nanos(1_001 * S));
        let mut pair = AgreedClock::default();
        pair.take_over(now(1, far), walls(&[1_000]));
        assert!(pair.now(now(1, far)) <= WallTime::from_nanos(1_001 * S), "of two the earlier is believed");
    }

    #[test]
    fn a_wall_clock_that_jumps_during_a_reign_has_no_effect() {
        let mut clock = AgreedClock::default();
        clock.take_over(now(1, 1_000), walls(&[1_000, 1_000]));
        assert_eq!(clock.now(now(11, 5)), WallTime::from_nanos(1_010 * S));
    }

    #[test]
    fn what_was_agreed_is_kept_until_the_new_coordinator_answers() {
        let mut clock = AgreedClock::default();
        clock.observe(now(0, 0).instant, now(0, 0).instant, WallTime::from_nanos(50 * S));
        clock.follow(now(1, 0));
        assert_eq!(clock.now(now(3, 0)), WallTime::from_nanos(53 * S));
        clock.observe(now(3, 0).instant, now(3, 0).instant, WallTime::from_nanos(60 * S));
        assert_eq!(clock.now(now(4, 0)), WallTime::from_nanos(61 * S));
    }
}
