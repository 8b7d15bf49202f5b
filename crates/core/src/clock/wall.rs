use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A reading of a wall clock: nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(i64);

impl WallTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The time `nanos` nanoseconds after (or, negative, before) the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// `self` moved by `nanos`, which may be negative; saturates at the ends of the range.
    #[must_use]
    pub const fn shifted(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// `self` moved forward by `span`; saturates.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        self.shifted(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX))
    }

    /// How far `self` is after `other`, in nanoseconds; negative where it is before.
    pub const fn nanos_after(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}
