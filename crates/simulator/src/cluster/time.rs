//! Virtual time, in nanoseconds from the start of the run, and the clocks that nodes read from it.

use std::time::Duration;

use papo_core::clock::{Instant, Now, WallTime};

/// A moment or a span of the simulated world, in nanoseconds.
pub type Time = u64;

/// A microsecond.
pub const US: Time = 1_000;
/// A millisecond.
pub const MS: Time = 1_000_000;
/// A second.
pub const S: Time = 1_000_000_000;

const MILLION: i64 = 1_000_000;

/// The true wall time at the start: some day in 2023.
pub const START: i64 = 1_700_000_000_000_000_000;

/// The clocks of one process: a monotonic one that starts anywhere and drifts, and the host's wall clock, which may be
/// wrong and may jump.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    /// When the process started, and what its monotonic clock showed then.
    started: Time,
    base: u64,
    /// Parts per million that both clocks are fast.
    drift: i64,
    /// How far the wall clock is off, in nanoseconds.
    pub offset: i64,
}

impl Clocks {
    /// Clocks that are fast by `drift` parts per million, and a wall clock that is off by `offset` nanoseconds.
    pub fn new(drift: i64, offset: i64) -> Self {
        Self { started: 0, base: 0, drift, offset }
    }

    /// A new process: its monotonic clock starts anew.
    pub fn restart(&mut self, now: Time, base: u64) {
        self.started = now;
        self.base = base;
    }

    /// From `now` on, both clocks are fast by `drift` parts per million.
    pub(super) fn begin_to_drift(&mut self, now: Time, drift: i64) {
        let before = self.read(now);
        self.base = before.instant.as_nanos();
        self.started = now;
        self.drift = drift;
        self.offset += before.wall.as_nanos() - self.read(now).wall.as_nanos();
    }

    /// What the process reads at `now`.
    pub fn read(&self, now: Time) -> Now {
        let elapsed = self.stretched(now - self.started);
        let wall = START + self.offset + i64::try_from(self.stretched(now)).expect("runs are short");
        Now { instant: Instant::from_nanos(self.base + elapsed), wall: WallTime::from_nanos(wall) }
    }

    /// The first moment at which the monotonic clock shows `instant` or later.
    pub fn moment(&self, instant: Instant) -> Time {
        let elapsed = instant.as_nanos().saturating_sub(self.base);
        let rate = u64::try_from(MILLION + self.drift).expect("clocks go forward");
        let mut moment = self.started + scaled(elapsed.min(1 << 60), MILLION.unsigned_abs(), rate);
        while self.read(moment).instant < instant && moment < 1 << 60 {
            moment += 1;
        }
        moment
    }

    fn stretched(&self, span: Time) -> Time {
        let extra = scaled(span, self.drift.unsigned_abs(), MILLION.unsigned_abs());
        if self.drift < 0 { span - extra } else { span + extra }
    }
}

/// `span * times / by`, rounded down, in a way that neither overflows nor needs 128 bits: clocks are read all the time.
fn scaled(span: Time, times: u64, by: u64) -> Time {
    span / by * times + span % by * times / by
}

/// A span of virtual time as the core counts it.
pub fn span(time: Time) -> Duration {
    Duration::from_nanos(time)
}
