use std::collections::BTreeMap;

use serde::Serialize;

use crate::checks::Violation;
use crate::evidence::{Case, Facts};

/// What became of one message. Ordered from fine to worst: of several verdicts the greatest stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Acknowledged, and there, once.
    Kept,
    /// Never acknowledged, and there. Allowed: the answer may have got lost.
    UnacknowledgedPresent,
    /// Never acknowledged, and not there. Allowed.
    UnacknowledgedAbsent,
    /// Refused, and not there, as it should be.
    Refused,
    /// Acknowledged, but no history that was read reaches it.
    Unchecked,
    /// It stands, or was shown, before something that it must come after.
    OutOfOrder,
    /// Refused, and there all the same.
    RefusedPresent,
    /// It took effect, or was shown to someone, more than once.
    Duplicated,
    /// There, but not as it was said.
    Altered,
    /// Acknowledged or shown, and not there.
    Lost,
}

/// How many messages got which verdict.
pub type VerdictCounts = BTreeMap<Verdict, usize>;

impl Verdict {
    /// Whether a promise was broken by it.
    pub fn is_broken(self) -> bool {
        self >= Self::OutOfOrder
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kept => "kept",
            Self::UnacknowledgedPresent => "unacknowledged but present (allowed)",
            Self::UnacknowledgedAbsent => "unacknowledged and absent (allowed)",
            Self::Refused => "refused",
            Self::Unchecked => "not checked",
            Self::OutOfOrder => "out of order",
            Self::RefusedPresent => "refused but present",
            Self::Duplicated => "duplicated",
            Self::Altered => "altered",
            Self::Lost => "lost",
        })
    }
}

/// A verdict on each message of the ledgers.
pub(crate) fn verdicts(facts: &Facts<'_>, violations: &[Violation]) -> BTreeMap<String, Verdict> {
    let said = facts.cases.iter().filter(|(_, case)| case.request.is_said());
    let mut verdicts: BTreeMap<String, Verdict> =
        said.map(|(id, case)| ((*id).to_owned(), at_first_sight(id, case, facts))).collect();
    for violation in violations {
        let (Some(id), Some(worse)) = (&violation.request_id, violation.verdict) else { continue };
        if let Some(verdict) = verdicts.get_mut(id) {
            *verdict = worse.max(*verdict);
        }
    }
    verdicts
}

fn at_first_sight(id: &str, case: &Case<'_>, facts: &Facts<'_>) -> Verdict {
    let present = facts.histories.iter().any(|history| !history.records_of(id, case.request).is_empty());
    match (case.acknowledged.first(), present) {
        (Some(_), true) => Verdict::Kept,
        // Where a history reaches it, its absence is a violation, which makes it lost.
        (Some(_), false) => Verdict::Unchecked,
        (None, true) => Verdict::UnacknowledgedPresent,
        (None, false) if !case.refused.is_empty() || case.was_never_ordered() => Verdict::Refused,
        (None, false) => Verdict::UnacknowledgedAbsent,
    }
}
