//! The five moments that tell how a fault went.

use papo_witness::evidence::{Evidence, Moment, MomentKind};

/// A moment that every report tells, also that it did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Milestone {
    Fault,
    CoordinatorGone,
    NewCoordinator,
    FirstAcknowledgement,
    Recovered,
}

impl Milestone {
    pub(super) const ALL: [Self; 5] = [
        Self::Fault,
        Self::CoordinatorGone,
        Self::NewCoordinator,
        Self::FirstAcknowledgement,
        Self::Recovered,
    ];

    pub(super) const fn title(self) -> &'static str {
        kind_title(self.kind())
    }

    /// What is said where it did not come.
    pub(super) const fn absent(self) -> &'static str {
        match self {
            Self::Fault => "none was caused",
            Self::CoordinatorGone => "the coordinator was never seen gone",
            Self::NewCoordinator => "no other coordinator was seen",
            Self::FirstAcknowledgement => "nothing first sent after the fault was acknowledged",
            Self::Recovered => "the cluster was not seen to be incomplete and then whole again",
        }
    }

    const fn kind(self) -> MomentKind {
        match self {
            Self::Fault => MomentKind::Fault,
            Self::CoordinatorGone => MomentKind::CoordinatorLost,
            Self::NewCoordinator => MomentKind::NewCoordinator,
            Self::FirstAcknowledgement => MomentKind::FirstAcknowledgement,
            Self::Recovered => MomentKind::Recovered,
        }
    }

    /// The moment in this evidence. Of several it is the first after the fault; of recoveries the last, since what is
    /// restarted one after another is whole again in between.
    pub(super) fn find(self, evidence: &Evidence) -> Option<&Moment> {
        let origin = origin_ms(evidence);
        let mut found =
            evidence.timeline.iter().filter(|moment| moment.what == self.kind() && moment.at_ms >= origin);
        if self == Self::Recovered { found.next_back() } else { found.next() }
    }
}

/// When the first fault was caused: the zero of every timeline. The start where there was none.
pub(super) fn origin_ms(evidence: &Evidence) -> u64 {
    let fault = evidence.timeline.iter().find(|moment| moment.what == MomentKind::Fault);
    fault.map_or(0, |moment| moment.at_ms)
}

/// What people call this kind of moment.
pub(super) const fn kind_title(kind: MomentKind) -> &'static str {
    match kind {
        MomentKind::Fault => "fault",
        MomentKind::FaultProven => "fault seen",
        MomentKind::CoordinatorLost => "coordinator gone",
        MomentKind::NewCoordinator => "new coordinator",
        MomentKind::ServidorLost => "servidor lost",
        MomentKind::ServidorCaughtUp => "servidor caught up",
        MomentKind::FirstAcknowledgement => "first acknowledgement after",
        MomentKind::Undone => "undone",
        MomentKind::Recovered => "recovered",
        MomentKind::Note => "note",
    }
}
