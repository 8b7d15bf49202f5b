//! One drill: the verdict, the figures, the drawing, and everything that was seen and counted.

use maud::{Markup, html as markup};
use papo_witness::evidence::{Evidence, Verdict};

use super::chart::{chart, css_class};
use super::window::Window;
use crate::report::milestones::{Milestone, kind_title, origin_ms};
use crate::report::numbers::{counts, figures};
use crate::report::units::{count, maybe_span, relative, span};
use crate::report::{is_as_wanted, shows_a_loss, wanted};

/// Whether the drill has the page for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Alone,
    AmongOthers,
}

/// The drill in full. `number` makes the ids of its elements unique in the page.
pub(super) fn article(evidence: &Evidence, number: usize, place: Place) -> Markup {
    markup! {
        article #(anchor(number)) {
            header {
                @match place {
                    Place::Alone => h1 { (evidence.drill) " " (badge(evidence)) },
                    Place::AmongOthers => h2 { (evidence.drill) " " (badge(evidence)) },
                }
                @for sentence in &evidence.because { p.because { (sentence) } }
                p.soft {
                    "Started " time datetime=(evidence.started) { (evidence.started) }
                    ", took " (span(evidence.duration_ms)) ", seed " (evidence.seed) "."
                }
            }
            (alarm("Not undone: somebody has to", &evidence.not_undone))
            (broken(evidence))
            (tiles(evidence))
            (drawings(evidence, number))
            (milestones(evidence))
            (everything_seen(evidence))
            div.pair { (messages(evidence)) (all_figures(evidence)) }
        }
    }
}

/// Where the drill is found in a page of many.
pub(super) fn anchor(number: usize) -> String {
    format!("drill-{number}")
}

/// The verdict: a sign and a word, so that nothing depends on seeing its colour.
pub(super) fn badge(evidence: &Evidence) -> Markup {
    let class = if is_as_wanted(evidence) { "good" } else { "bad" };
    let sign = match evidence.verdict {
        Verdict::Pass => "✓",
        Verdict::Fail => "✗",
        Verdict::Unknown => "?",
    };
    markup! {
        span class=(format!("badge {class} {}", evidence.verdict)) {
            span aria-hidden="true" { (sign) } " " (evidence.verdict)
            @if wanted(&evidence.drill) == Verdict::Fail {
                @match evidence.verdict {
                    Verdict::Fail if shows_a_loss(evidence) => ", as it must",
                    Verdict::Fail => ", but no message was lost",
                    Verdict::Pass | Verdict::Unknown => ", but it must fail",
                }
            }
            @if !evidence.not_undone.is_empty() { ", not undone" }
        }
    }
}

fn alarm(title: &str, sentences: &[String]) -> Markup {
    markup! {
        @if !sentences.is_empty() {
            section.alarm {
                h3 { (title) }
                ul { @for sentence in sentences { li { (sentence) } } }
            }
        }
    }
}

fn broken(evidence: &Evidence) -> Markup {
    markup! {
        @if !evidence.broken.is_empty() {
            section.alarm {
                h3 { "Broken promises" }
                table {
                    thead { tr { th scope="col" { "Promise" } th scope="col" { "What happened" } } }
                    tbody {
                        @for broken in &evidence.broken {
                            tr { th scope="row" { (broken.promise) } td { (broken.sentence) } }
                        }
                    }
                }
            }
        }
    }
}

/// The figures that everybody asks for first.
fn tiles(evidence: &Evidence) -> Markup {
    let messages = &evidence.messages;
    let zero = |number: u64| if number == 0 { "tile" } else { "tile bad" };
    markup! {
        dl.tiles {
            div class=(zero(messages.lost)) { dt { "lost" } dd { (count(messages.lost)) } }
            div class=(zero(messages.duplicated)) { dt { "duplicated" } dd { (count(messages.duplicated)) } }
            div class=(zero(messages.out_of_order)) { dt { "out of order" } dd { (count(messages.out_of_order)) } }
            div.tile { dt { "longest wait of a client" } dd { (maybe_span(evidence.figures.pause_ms)) } }
            div.tile { dt { "to new coordinator" } dd { (maybe_span(evidence.figures.coordinator_ms)) } }
            div.tile { dt { "to recovered" } dd { (maybe_span(evidence.figures.recovered_ms)) } }
            div.tile { dt { "acknowledged during the fault" } dd { (count(messages.acknowledged_during_fault)) } }
            div.tile { dt { "failed requests" } dd { (count(evidence.figures.failed_requests)) } }
        }
    }
}

fn drawings(evidence: &Evidence, number: usize) -> Markup {
    let whole = Window::whole(evidence);
    let title = format!("Acknowledged messages a second during {}", evidence.drill);
    let closer = format!("The same, closer: {} while clients waited", evidence.drill);
    markup! {
        section {
            h3 { "Acknowledged messages a second" }
            figure.scroll tabindex="0" aria-label=(title) {
                (chart(evidence, whole, &format!("whole-{number}"), &title))
                @if let Some(pause) = Window::pause(evidence) {
                    figcaption { "The seconds in which it happened:" }
                    (chart(evidence, pause, &format!("pause-{number}"), &closer))
                }
            }
            ul.legend {
                li { span.key.rate-key {} "acknowledged" }
                li { span.key.failed-key {} "failed" }
                li { span.key.pause-key {} "from the fault to the first acknowledgement after it" }
                li { span.key.number-key { "1" } "a moment, listed below" }
            }
        }
    }
}

fn milestones(evidence: &Evidence) -> Markup {
    let origin = origin_ms(evidence);
    markup! {
        section {
            h3 { "In short" }
            ol.milestones {
                @for milestone in Milestone::ALL {
                    @match milestone.find(evidence) {
                        Some(moment) => li class=(css_class(moment)) {
                            strong { (milestone.title()) }
                            span.at { (relative(moment.at_ms, origin)) " s" }
                            span.soft { (moment.text) }
                        },
                        None => li.note {
                            strong { (milestone.title()) }
                            span.at { "–" }
                            span.soft { (milestone.absent()) }
                        },
                    }
                }
            }
        }
    }
}

fn everything_seen(evidence: &Evidence) -> Markup {
    let origin = origin_ms(evidence);
    markup! {
        section {
            h3 { "Everything that was seen" }
            div.scroll tabindex="0" role="region" aria-label="Everything that was seen" {
                table.moments {
                    thead {
                        tr {
                            th scope="col" { "No." }
                            th.number scope="col" { "Seconds after the fault" }
                            th scope="col" { "What" }
                            th scope="col" { "Exactly" }
                        }
                    }
                    tbody {
                        @for (position, moment) in evidence.timeline.iter().enumerate() {
                            tr {
                                td { span class=(format!("dot {}", css_class(moment))) { (position + 1) } }
                                td.number { (relative(moment.at_ms, origin)) }
                                th scope="row" { (kind_title(moment.what)) }
                                td { (moment.text) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn messages(evidence: &Evidence) -> Markup {
    markup! {
        section {
            h3 { "Messages" }
            table {
                tbody {
                    @for row in counts(&evidence.messages) {
                        tr class=(if row.is_bad && row.number > 0 { "bad" } else { "" }) {
                            th scope="row" { (row.title) }
                            td.number { (count(row.number)) }
                        }
                    }
                }
            }
        }
    }
}

fn all_figures(evidence: &Evidence) -> Markup {
    markup! {
        section {
            h3 { "Figures" }
            table {
                tbody {
                    @for row in figures(&evidence.figures) {
                        tr { th scope="row" { (row.title) } td.number { (row.value) } }
                    }
                }
            }
        }
    }
}
