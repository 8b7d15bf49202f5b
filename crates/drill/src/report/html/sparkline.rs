//! A drill's rate, small enough for a cell of a table.

use maud::{Markup, html as markup};
use papo_witness::evidence::{Evidence, MomentKind};

use super::chart::px;
use super::rate::bins;
use super::window::Window;

const WIDTH: f64 = 110.0;
const HEIGHT: f64 = 26.0;
const COLUMNS: u64 = 55;

/// Decoration: the table says the same in numbers.
pub(super) fn sparkline(evidence: &Evidence) -> Markup {
    let window = Window::whole(evidence);
    let bins = bins(&evidence.rate, window, COLUMNS);
    let highest = bins.iter().map(|bin| bin.acknowledged).fold(1.0, f64::max);
    let mut line = String::new();
    for (position, bin) in bins.iter().enumerate() {
        let x = position as f64 * WIDTH / bins.len() as f64;
        let next = (position + 1) as f64 * WIDTH / bins.len() as f64;
        let y = HEIGHT - 1.0 - bin.acknowledged / highest * (HEIGHT - 2.0);
        let pen = if position == 0 { 'M' } else { 'L' };
        line.push_str(&format!("{pen}{} {}H{}", px(x), px(y), px(next)));
    }
    let span = window.span() as f64;
    let faults = evidence.timeline.iter().filter(|moment| moment.what == MomentKind::Fault);
    markup! {
        svg.spark viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) width=(WIDTH) height=(HEIGHT) aria-hidden="true" {
            @if !line.is_empty() { path.rate-line d=(line) {} }
            @for fault in faults {
                @let x = px(fault.at_ms as f64 / span * WIDTH);
                line.spark-fault x1=(x) x2=(x) y1="0" y2=(HEIGHT) {}
            }
        }
    }
}
