//! The timeline, drawn over the rate of acknowledgements.

use maud::{Markup, html as markup};
use papo_witness::evidence::{Evidence, Moment, MomentKind};

use super::flags::{Flag, flags};
use super::rate::{Bin, bins};
use super::scale::{Scale, round_step};
use super::window::Window;
use crate::report::milestones::{Milestone, kind_title, origin_ms};
use crate::report::units::{count, relative};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 944.0;
/// Height of the plot itself, without flags and axis.
const PLOT: f64 = 190.0;
/// Height of one row of flags.
const ROW: f64 = 24.0;
/// Below the plot: the numbers of the axis and its title.
const FOOT: f64 = 44.0;
/// No more columns than this, so that each can be seen.
const COLUMNS: u64 = 200;

/// The drawing. `id` is unique in the page; `title` says what is seen.
pub(super) fn chart(evidence: &Evidence, window: Window, id: &str, title: &str) -> Markup {
    let origin = origin_ms(evidence);
    let x = Scale {
        from: seconds(window.from_ms, origin),
        to: seconds(window.to_ms, origin),
        start: LEFT,
        end: RIGHT,
    };
    let numbered = evidence.timeline.iter().enumerate().map(|(position, moment)| (position + 1, moment));
    let flags =
        flags(numbered.filter(|(_, moment)| window.holds(moment.at_ms)), |at| x.place(seconds(at, origin)));
    let rows = flags.iter().map(|flag| flag.row + 1).max().unwrap_or(0);
    let top = rows as f64 * ROW + 8.0;
    let bottom = top + PLOT;
    let bins = bins(&evidence.rate, window, COLUMNS);
    let highest = bins.iter().map(|bin| bin.acknowledged.max(bin.failed)).fold(0.0, f64::max);
    // The next round number above the highest column, so that the axis ends with a number.
    let step = round_step(highest.max(1.0) / 4.0);
    let y = Scale { from: 0.0, to: (highest.max(1.0) / step).ceil() * step, start: bottom, end: top };
    markup! {
        svg viewBox=(format!("0 0 {WIDTH} {}", bottom + FOOT)) role="img"
            aria-labelledby=(format!("{id}-title {id}-desc")) {
            title id=(format!("{id}-title")) { (title) }
            desc id=(format!("{id}-desc")) { (description(evidence, window, &bins)) }
            (disturbed(evidence, window, &x, origin, top))
            (grid(&y, &x, bottom))
            (rate_area(&bins, &x, &y, origin))
            (failures(&bins, &x, &y, origin))
            line.axis x1=(LEFT) x2=(RIGHT) y1=(px(bottom)) y2=(px(bottom)) {}
            @for flag in &flags { (flag_drawing(flag, bottom)) }
        }
    }
}

fn seconds(at_ms: u64, origin_ms: u64) -> f64 {
    (at_ms as f64 - origin_ms as f64) / 1000.0
}

/// For those who do not see the drawing.
fn description(evidence: &Evidence, window: Window, bins: &[Bin]) -> String {
    let (from, to) =
        (relative(window.from_ms, origin_ms(evidence)), relative(window.to_ms, origin_ms(evidence)));
    let highest = bins.iter().map(|bin| bin.acknowledged).fold(0.0, f64::max).round();
    let moments = evidence.timeline.iter().filter(|moment| window.holds(moment.at_ms));
    let told: Vec<String> = moments.map(|moment| told(moment, origin_ms(evidence))).collect();
    format!(
        "Acknowledged messages a second, from {from} to {to} seconds relative to the fault; at most {highest}. {}",
        told.join("; ")
    )
}

fn told(moment: &Moment, origin: u64) -> String {
    format!("{} s: {}", relative(moment.at_ms, origin), kind_title(moment.what))
}

/// A band from the fault to the first acknowledgement after it.
fn disturbed(evidence: &Evidence, window: Window, x: &Scale, origin: u64, top: f64) -> Markup {
    let from = Milestone::Fault.find(evidence);
    let to = Milestone::FirstAcknowledgement.find(evidence);
    let band = from.zip(to).filter(|(from, to)| window.holds(from.at_ms) || window.holds(to.at_ms));
    let edges = band.map(|(from, to)| [from, to].map(|moment| x.place(seconds(moment.at_ms, origin))));
    markup! {
        @if let Some([from, to]) = edges {
            rect.pause x=(px(from)) y=(px(top)) width=(px((to - from).max(1.0))) height=(PLOT) {}
        }
    }
}

fn grid(y: &Scale, x: &Scale, bottom: f64) -> Markup {
    markup! {
        @for rate in y.ticks(4) {
            line.grid x1=(LEFT) x2=(RIGHT) y1=(px(y.place(rate))) y2=(px(y.place(rate))) {}
            text.tick x=(LEFT - 8.0) y=(px(y.place(rate) + 4.0)) text-anchor="end" { (count(rate.round() as u64)) }
        }
        @for second in x.ticks(10) {
            line.grid x1=(px(x.place(second))) x2=(px(x.place(second))) y1=(px(bottom)) y2=(px(bottom + 5.0)) {}
            text.tick x=(px(x.place(second))) y=(px(bottom + 19.0)) text-anchor="middle" { (tick(second)) }
        }
        text.tick x=(px((LEFT + RIGHT) / 2.0)) y=(px(bottom + 37.0)) text-anchor="middle" { "seconds after the fault" }
    }
}

/// A number without digits that say nothing.
fn tick(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.replace('-', "−") }
}

fn rate_area(bins: &[Bin], x: &Scale, y: &Scale, origin: u64) -> Markup {
    let mut line = String::new();
    for bin in bins {
        let (from, to) = (x.place(seconds(bin.from_ms, origin)), x.place(seconds(bin.to_ms, origin)));
        let height = y.place(bin.acknowledged);
        let pen = if line.is_empty() { 'M' } else { 'L' };
        line.push_str(&format!("{pen}{} {}H{}", px(from), px(height), px(to)));
    }
    markup! {
        @if let Some(first) = bins.first() {
            @let start = px(x.place(seconds(first.from_ms, origin)));
            path.rate-area d=(format!("{line}V{}H{start}Z", px(y.start))) {}
            path.rate-line d=(line) {}
        }
    }
}

fn failures(bins: &[Bin], x: &Scale, y: &Scale, origin: u64) -> Markup {
    markup! {
        @for bin in bins.iter().filter(|bin| bin.failed > 0.0) {
            @let (from, to) = (x.place(seconds(bin.from_ms, origin)), x.place(seconds(bin.to_ms, origin)));
            // Even one failure among thousands has to be seen.
            @let height = (y.start - y.place(bin.failed)).max(4.0);
            rect.failed x=(px(from)) y=(px(y.start - height)) width=(px((to - from).max(2.0))) height=(px(height)) {
                title { (bin.failed.round()) " failed a second" }
            }
        }
    }
}

fn flag_drawing(flag: &Flag<'_>, bottom: f64) -> Markup {
    let y = flag.row as f64 * ROW + 12.0;
    markup! {
        g class=(format!("flag {}", css_class(flag.moment))) {
            line x1=(px(flag.x)) x2=(px(flag.x)) y1=(px(y + 10.0)) y2=(px(bottom)) {}
            circle cx=(px(flag.x)) cy=(px(y)) r="10" {}
            text x=(px(flag.x)) y=(px(y + 4.0)) text-anchor="middle" { (flag.number) }
            title { (kind_title(flag.moment.what)) ": " (flag.moment.text) }
        }
    }
}

/// The colour of a moment, by its kind.
pub(super) fn css_class(moment: &Moment) -> &'static str {
    match moment.what {
        MomentKind::Fault | MomentKind::FaultProven => "fault",
        MomentKind::CoordinatorLost | MomentKind::ServidorLost => "gone",
        MomentKind::NewCoordinator => "reign",
        MomentKind::FirstAcknowledgement => "answer",
        MomentKind::Recovered | MomentKind::Undone | MomentKind::ServidorCaughtUp => "whole",
        MomentKind::Note => "note",
    }
}

/// A place on the drawing, to a tenth of a pixel.
pub(super) fn px(place: f64) -> String {
    let text = format!("{place:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
