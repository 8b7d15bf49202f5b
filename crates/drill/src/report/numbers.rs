//! What was counted and measured, as rows with a title, in the order in which every report tells them.

use papo_witness::evidence::{Figures, MessageCounts};

use super::units::{count, maybe_span, span};

/// How many messages came out in one way.
pub(super) struct Count {
    pub(super) title: &'static str,
    pub(super) number: u64,
    /// Whether even one of them is one too many.
    pub(super) is_bad: bool,
}

/// One figure.
pub(super) struct Figure {
    pub(super) title: &'static str,
    pub(super) value: String,
}

pub(super) fn counts(messages: &MessageCounts) -> Vec<Count> {
    let fine = |title, number| Count { title, number, is_bad: false };
    let bad = |title, number| Count { title, number, is_bad: true };
    // Named one by one, so that a field that is added cannot be forgotten here.
    let MessageCounts {
        attempted,
        acknowledged,
        acknowledged_during_fault,
        kept,
        lost,
        altered,
        duplicated,
        out_of_order,
        refused_present,
        unacknowledged_present,
        refused,
        unknown_outcome,
        unchecked,
    } = *messages;
    vec![
        fine("attempted", attempted),
        fine("acknowledged", acknowledged),
        fine("acknowledged while the fault was there", acknowledged_during_fault),
        fine("kept: there, once, on every servidor", kept),
        bad("lost", lost),
        bad("altered", altered),
        bad("duplicated", duplicated),
        bad("out of order", out_of_order),
        bad("refused, and there all the same", refused_present),
        bad("could not be checked", unchecked),
        fine("refused, and not there", refused),
        fine("not acknowledged, but there (allowed)", unacknowledged_present),
        fine("not acknowledged, and not there (allowed)", unknown_outcome),
    ]
}

pub(super) fn figures(figures: &Figures) -> Vec<Figure> {
    let row = |title, value| Figure { title, value };
    let Figures {
        pause_ms,
        silence_ms,
        period_ms,
        coordinator_ms,
        recovered_ms,
        resumed_ms,
        failed_requests,
    } = *figures;
    vec![
        row("longest wait of any client", maybe_span(pause_ms)),
        row("longest that nobody was acknowledged", maybe_span(silence_ms)),
        row("a client's period, which is part of its wait", span(period_ms)),
        row("fault to new coordinator", maybe_span(coordinator_ms)),
        row("broker ready again to first acknowledgement", maybe_span(resumed_ms)),
        row("fault to recovered", maybe_span(recovered_ms)),
        row("failed requests", count(failed_requests)),
    ]
}
