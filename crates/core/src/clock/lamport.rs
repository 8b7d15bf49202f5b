use serde::{Deserialize, Serialize};

/// A Lamport clock (Lamport 1978, "Time, Clocks, and the Ordering of Events in a Distributed System", rules IR1
/// and IR2).
///
/// All values stay below 2^53, so that JavaScript clients can hold them exactly. A value that claims to be
/// more than [`Lamport::MAX_LEAP`] ahead is ignored rather than merged: one client with a poisoned clock would otherwise
/// use up the range for everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Lamport(u64);

impl TryFrom<u64> for Lamport {
    type Error = &'static str;

    /// What another replica says its clock shows: no clock shows [`Lamport::LIMIT`] or more.
    fn try_from(value: u64) -> Result<Self, Self::Error> {
        if value < Self::LIMIT { Ok(Self(value)) } else { Err("no Lamport clock gets there") }
    }
}

impl From<Lamport> for u64 {
    fn from(clock: Lamport) -> Self {
        clock.0
    }
}

impl Lamport {
    /// How far ahead of ours a received clock may be and still be believed.
    pub const MAX_LEAP: u64 = 1 << 20;
    /// No clock reaches this value.
    pub const LIMIT: u64 = 1 << 53;

    /// The clock that shows `value`, held below [`Lamport::LIMIT`].
    pub const fn new(value: u64) -> Self {
        if value < Self::LIMIT { Self(value) } else { Self(Self::LIMIT - 1) }
    }

    /// What the clock shows.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// IR1: the clock after one more local event.
    #[must_use]
    pub const fn tick(self) -> Self {
        Self::new(self.0 + 1)
    }

    /// IR2: the clock after receiving `received`: later than both, unless `received` is too far ahead to be believed.
    #[must_use]
    pub const fn receive(self, received: Self) -> Self {
        let believable = received.0 <= self.0.saturating_add(Self::MAX_LEAP);
        if believable && received.0 > self.0 { received.tick() } else { self.tick() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_received_event_is_later_than_what_was_known(own in 0..Lamport::LIMIT - 2, other in any::<u64>()) {
            prop_assert!(Lamport::new(own).receive(Lamport::new(other)) > Lamport::new(own));
        }

        #[test]
        fn a_believable_clock_is_passed(own in 0..1u64 << 40, ahead in 0..=Lamport::MAX_LEAP) {
            let other = Lamport::new(own + ahead);
            prop_assert!(Lamport::new(own).receive(other) > other);
        }
    }

    #[test]
    fn a_poisoned_clock_moves_ours_by_one_only() {
        assert_eq!(Lamport::new(7).receive(Lamport::new(u64::MAX)), Lamport::new(8));
        assert_eq!(Lamport::new(7).receive(Lamport::new(8 + Lamport::MAX_LEAP)), Lamport::new(8));
    }
}
