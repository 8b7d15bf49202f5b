use papo_witness::evidence::{Evidence, RateSample};

use crate::report::milestones::Milestone;

/// What part of the drill is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

impl Window {
    /// All of it.
    pub(super) fn whole(evidence: &Evidence) -> Self {
        let rate = evidence.rate.last().map_or(0, |sample| sample.at_ms + RateSample::WIDTH_MS);
        let timeline = evidence.timeline.iter().map(|moment| moment.at_ms).max().unwrap_or(0);
        Self { from_ms: 0, to_ms: rate.max(timeline).max(1000) }
    }

    /// The seconds in which clients waited: from shortly before the fault until shortly after they went on. `None` where
    /// that is not seen, or is so much of the drill that it is drawn already.
    pub(super) fn pause(evidence: &Evidence) -> Option<Self> {
        let fault = Milestone::Fault.find(evidence)?.at_ms;
        let seen = [Milestone::CoordinatorGone, Milestone::NewCoordinator, Milestone::FirstAcknowledgement];
        let last =
            seen.iter().filter_map(|milestone| milestone.find(evidence)).map(|moment| moment.at_ms).max()?;
        let around = ((last - fault) / 2).clamp(500, 5000);
        let window = Self { from_ms: fault.saturating_sub(around), to_ms: last + around };
        let whole = Self::whole(evidence);
        let window = Self { to_ms: window.to_ms.min(whole.to_ms), ..window };
        (window.span() * 2 < whole.span()).then_some(window)
    }

    pub(super) const fn span(self) -> u64 {
        self.to_ms - self.from_ms
    }

    pub(super) const fn holds(self, at_ms: u64) -> bool {
        self.from_ms <= at_ms && at_ms <= self.to_ms
    }
}
