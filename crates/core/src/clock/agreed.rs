//! The time that the chat agrees on: the coordinator's clock, as each servidor estimates it.
//!
//! A coordinator measures from the moment it took over with its *monotonic* clock, so that a jump of its wall
//! clock during its reign has no effect. At a take-over it goes on from the agreed time, held within
//! [`MAX_DISAGREEMENT`] of the median of the members' wall clocks: one wrong clock cannot drag the chat along.
//!
//! Not done: nothing here makes timestamps monotonic. The log does (an entry's time is never before the previous one's).

use std::time::Duration;

use super::cristian::{Cristian, Estimate};
use super::{Instant, Now, WallTime};

/// How far from the median of the members' wall clocks a new coordinator may go on.
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

    /// Begins to coordinate. `walls` are the wall clocks of the other members, as far as they were heard. `reached` is the last
    /// entry's time, from where the agreed time goes on at least.
    pub fn take_over(&mut self, now: Now, mut walls: Vec<WallTime>, reached: WallTime) {
        let slack = i64::try_from(MAX_DISAGREEMENT.as_nanos()).unwrap_or(i64::MAX);
        walls.push(now.wall);
        // What was agreed so far has a vote as well: where one of two clocks is wrong, it knows which.
        walls.extend(self.estimate(now.instant).map(|estimate| estimate.time));
        let median = median(walls).max(reached);
        let time = self.now(now).clamp(median.shifted(-slack), median.shifted(slack)).max(reached);
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

/// The time that half of the clocks show or have passed; the epoch without clocks. Of two middle ones the earlier: one that is
/// behind is harmless, since time never runs backwards, and one in the year 2100 is not.
pub fn median(mut clocks: Vec<WallTime>) -> WallTime {
    clocks.sort_unstable();
    clocks.get(clocks.len().saturating_sub(1) / 2).copied().unwrap_or_default()
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
        clock.take_over(now(1, 0), walls(&[0, 0]), WallTime::EPOCH);
        // The clocks say 0, the agreed time 101: half a second is all it may differ.
        assert_eq!(clock.now(now(1, 0)), WallTime::from_nanos(S / 2));
        let mut clock = AgreedClock::default();
        clock.observe(now(0, 0).instant, now(0, 0).instant, WallTime::from_nanos(100 * S));
        clock.take_over(now(1, 100), walls(&[101, 101]), WallTime::EPOCH);
        assert_eq!(clock.now(now(2, 100)), WallTime::from_nanos(102 * S));
    }

    #[test]
    fn one_clock_in_the_year_2100_drags_nobody_along() {
        let far = 4_102_444_800;
        let mut clock = AgreedClock::default();
        clock.take_over(now(1, far), walls(&[1_000, 1_000]), WallTime::EPOCH);
        assert!(clock.now(now(1, far)) <= WallTime::from_nanos(1_001 * S));
        let mut pair = AgreedClock::default();
        pair.take_over(now(1, far), walls(&[1_000]), WallTime::EPOCH);
        assert!(pair.now(now(1, far)) <= WallTime::from_nanos(1_001 * S), "of two the earlier is believed");
    }

    #[test]
    fn the_agreed_time_goes_on_from_the_log_where_clocks_are_behind_it() {
        let reached = WallTime::from_nanos(900 * S);
        let mut clock = AgreedClock::default();
        clock.take_over(now(1, 5), walls(&[6]), reached);
        assert_eq!(clock.now(now(2, 6)), WallTime::from_nanos(901 * S));
    }

    #[test]
    fn what_was_agreed_decides_between_two_clocks() {
        for (own, other) in [(5, 1_000), (1_000, 5), (4_102_444_800, 1_000)] {
            let mut clock = AgreedClock::default();
            clock.observe(now(1, own).instant, now(1, own).instant, WallTime::from_nanos(1_000 * S));
            clock.take_over(now(1, own), walls(&[other]), WallTime::EPOCH);
            assert_eq!(clock.now(now(1, own)), WallTime::from_nanos(1_000 * S), "{own} and {other}");
        }
    }

    #[test]
    fn a_wall_clock_that_jumps_during_a_reign_has_no_effect() {
        let mut clock = AgreedClock::default();
        clock.take_over(now(1, 1_000), walls(&[1_000, 1_000]), WallTime::EPOCH);
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

    #[test]
    fn a_coordinator_that_follows_another_takes_its_time_and_goes_on_from_its_own_until_then() {
        let mut clock = AgreedClock::default();
        clock.take_over(now(1, 50), walls(&[50, 50]), WallTime::EPOCH);
        clock.follow(now(2, 7));
        assert_eq!(clock.now(now(3, 7)), WallTime::from_nanos(52 * S));
        clock.observe(now(4, 7).instant, now(4, 7).instant, WallTime::from_nanos(60 * S));
        assert_eq!(clock.now(now(5, 7)), WallTime::from_nanos(61 * S));
    }

    #[test]
    fn the_offset_is_told_with_how_far_off_it_can_be() {
        let mut clock = AgreedClock::default();
        assert_eq!(clock.offset(now(1, 1)), None, "nobody was asked yet");
        clock.observe(now(1, 1).instant, now(3, 1).instant, WallTime::from_nanos(100 * S));
        let (offset, bound) = clock.offset(now(3, 1)).expect("somebody answered");
        assert_eq!(offset, 100 * S, "a second after the answer was made, by a clock that shows one");
        assert!(bound >= Duration::from_secs(1) && bound < Duration::from_millis(1_001), "{bound:?}");
        clock.take_over(now(4, 101), walls(&[102, 102]), WallTime::EPOCH);
        assert_eq!(clock.offset(now(9, 100)), Some((7 * S, Duration::ZERO)), "it is its own measure");
    }
}
