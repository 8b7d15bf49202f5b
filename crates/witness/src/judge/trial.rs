use std::time::Duration;

use crate::read_back::ReadBack;
use crate::watch::Watched;
use crate::{LoadRecord, Timeline};

/// Everything that a drill is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// The drill's name.
    pub drill: &'a str,
    /// Its clock, and what was marked.
    pub timeline: &'a Timeline,
    /// What its load came to.
    pub load: &'a LoadRecord,
    /// What was seen of the cluster meanwhile.
    pub watched: &'a Watched,
    /// What the servidores told afterwards.
    pub read: &'a ReadBack,
    /// What was done; `None` for a drill that does nothing on purpose, and is judged by all of its load.
    pub fault: Option<&'a Fault>,
    /// What must hold besides the promises that always do.
    pub expectations: &'a Expectations,
    /// What could not be undone, a sentence each. Changes no verdict: the promises held or not before that.
    pub not_undone: &'a [String],
}

/// What was done to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it was caused (see [`Timeline::mark`]).
    pub at: Duration,
    /// When it was over: undone by the drill, or repaired by the cluster. `None` when it lasted to the end of the load.
    pub until: Option<Duration>,
    /// Whether it is known to have happened.
    pub proof: Proof,
}

/// Whether a fault is known to have happened, by something else than the answer to the call that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is.
    Seen {
        /// From when on it is known to have been there; not before [`Fault::at`].
        at: Duration,
        /// By what that is known, in one sentence.
        how: String,
    },
    /// It is not; why, in one sentence. The drill can only end as fail or unknown.
    Missing(String),
}

/// What must hold in a drill, besides P1 to P6, P8 and P10, which are always checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// What the fault does to the service.
    pub service: Service,
    /// The longest pause of any client, as in [`crate::evidence::Figures::pause_ms`]. Broken: P7.
    pub pause: Option<Duration>,
    /// The longest time from the fault until another servidor coordinates. Broken, or nobody ever: P7.
    pub coordinator: Option<Duration>,
    /// The longest time from the fault until the cluster is whole again. Broken, or never: P7.
    pub recovered: Option<Duration>,
    /// How many messages may fail. Broken: P7.
    pub failed_requests: Option<u64>,
}

/// What a fault does to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// It goes on: a drill during whose fault nothing was acknowledged proves nothing.
    GoesOn,
    /// It refuses writes while the fault is there, since there is no majority: each attempt is answered with an error within its
    /// deadline (else P10 is broken), unless the majority is back before that. A drill during whose fault nobody asked for
    /// anything, or something that was first sent then was acknowledged, proves nothing. Afterwards writes must succeed again
    /// (else P7 is broken).
    Refuses,
}

impl Default for Expectations {
    /// The service goes on; no budgets.
    fn default() -> Self {
        Self {
            service: Service::GoesOn,
            pause: None,
            coordinator: None,
            recovered: None,
            failed_requests: None,
        }
    }
}

impl Fault {
    /// Whether something at that time happened after the fault was caused and before it was over.
    pub(crate) fn covers(&self, at: Duration) -> bool {
        at >= self.at && self.until.is_none_or(|until| at <= until)
    }

    /// Whether the fault is known to have been there at that time.
    pub(crate) fn is_known_at(&self, at: Duration) -> bool {
        matches!(&self.proof, Proof::Seen { at: seen, .. } if at >= *seen) && self.covers(at)
    }
}
