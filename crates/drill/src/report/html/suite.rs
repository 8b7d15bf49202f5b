//! Many drills: a table of all with their figures, then each in full.

use maud::{Markup, html as markup};
use papo_witness::evidence::Evidence;

use super::drill::{Place, anchor, article, badge};
use super::sparkline::sparkline;
use crate::report::is_as_wanted;
use crate::report::units::{count, maybe_span, span};
use crate::suite::NotHeld;

/// How it went, in a few words.
pub(super) fn title(drills: &[Evidence]) -> String {
    let good = drills.iter().filter(|evidence| is_as_wanted(evidence)).count();
    format!("{good} of {} drills came out as they should", drills.len())
}

pub(super) fn body(drills: &[Evidence], not_held: &[NotHeld]) -> Markup {
    let took = drills.iter().map(|evidence| evidence.duration_ms).sum();
    let kept: u64 = drills.iter().map(|evidence| evidence.messages.kept).sum();
    markup! {
        header {
            h1 { (title(drills)) }
            p.soft {
                @if let Some(first) = drills.first() {
                    "Started " time datetime=(first.started) { (first.started) } ". "
                }
                "Drilled for " (span(took)) "; " (count(kept)) " acknowledged messages were read back from every servidor."
            }
        }
        div.scroll tabindex="0" role="region" aria-label="All drills" { (table(drills)) }
        @if !not_held.is_empty() {
            section {
                h3 { "Not held" }
                table {
                    thead { tr { th scope="col" { "Drill" } th scope="col" { "It needs" } } }
                    tbody {
                        @for one in not_held { tr { th scope="row" { (one.drill) } td { (one.needs) } } }
                    }
                }
            }
        }
        @for (number, evidence) in drills.iter().enumerate() { (article(evidence, number, Place::AmongOthers)) }
    }
}

fn table(drills: &[Evidence]) -> Markup {
    markup! {
        table.drills {
            thead {
                tr {
                    th scope="col" { "Drill" }
                    th scope="col" { "Verdict" }
                    th.number scope="col" { "Longest wait" }
                    th.number scope="col" { "New coordinator" }
                    th.number scope="col" { "Resumed" }
                    th.number scope="col" { "Recovered" }
                    th.number scope="col" { "Acknowledged" }
                    th.number scope="col" { "… in the fault" }
                    th.number scope="col" { "Lost" }
                    th.number scope="col" { "Duplicated" }
                    th.number scope="col" { "Out of order" }
                    th.number scope="col" { "Failed requests" }
                    th.number scope="col" { "Took" }
                    th scope="col" { "Rate" }
                }
            }
            tbody { @for (number, evidence) in drills.iter().enumerate() { (row(number, evidence)) } }
        }
    }
}

fn row(number: usize, evidence: &Evidence) -> Markup {
    let (messages, figures) = (&evidence.messages, &evidence.figures);
    let zero = |number: u64| if number == 0 { "number" } else { "number bad" };
    markup! {
        tr {
            th scope="row" { a href=(format!("#{}", anchor(number))) { (evidence.drill) } }
            td { (badge(evidence)) }
            td.number { (maybe_span(figures.pause_ms)) }
            td.number { (maybe_span(figures.coordinator_ms)) }
            td.number { (maybe_span(figures.resumed_ms)) }
            td.number { (maybe_span(figures.recovered_ms)) }
            td.number { (count(messages.acknowledged)) }
            td.number { (count(messages.acknowledged_during_fault)) }
            td class=(zero(messages.lost)) { (count(messages.lost)) }
            td class=(zero(messages.duplicated)) { (count(messages.duplicated)) }
            td class=(zero(messages.out_of_order)) { (count(messages.out_of_order)) }
            td.number { (count(figures.failed_requests)) }
            td.number { (span(evidence.duration_ms)) }
            td { (sparkline(evidence)) }
        }
    }
}
