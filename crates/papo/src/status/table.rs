//! The table for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use papo_service::columns;
use papo_wire::reply::Status;

use super::{Overview, Row};

const HEADINGS: [&str; 9] = ["NAME", "RANK", "ROLE", "EPOCH", "APPLIED", "BEHIND", "CLOCK", "DISK", "UP"];

/// The overview as text. `now` is for telling how long ago something was.
pub(super) fn render(overview: &Overview, now: SystemTime) -> String {
    let mut text = headline(overview, now);
    text.push_str("\n\n");
    let furthest = overview.servidores.iter().filter_map(|row| row.status.as_ref()).map(|s| s.commit).max();
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(overview.servidores.iter().map(|row| cells(row, furthest.unwrap_or(0))));
    text.push_str(&columns(lines));
    for problem in &overview.problems {
        text.push_str(&format!("\n! {problem}"));
    }
    if !overview.problems.is_empty() {
        text.push('\n');
    }
    text
}

fn headline(overview: &Overview, now: SystemTime) -> String {
    let Overview { coordinator, coordinator_since, epoch, .. } = overview;
    if coordinator.is_empty() {
        return "No coordinator: nothing can be written until a majority of the servidores agree on one."
            .to_owned();
    }
    let ago = papo_wire::timestamp::parse(coordinator_since).and_then(|since| {
        let since = UNIX_EPOCH + Duration::from_nanos(u64::try_from(since.as_nanos()).ok()?);
        now.duration_since(since).ok()
    });
    let ago = ago.map(|ago| format!(" ({} ago)", span(ago))).unwrap_or_default();
    format!("{coordinator} coordinates since {coordinator_since}{ago}, in epoch {epoch}.")
}

fn cells(row: &Row, furthest: u64) -> [String; HEADINGS.len()] {
    let Some(status) = &row.status else {
        let dash = || "-".to_owned();
        return [
            row.name.clone(),
            dash(),
            "no answer".to_owned(),
            dash(),
            dash(),
            dash(),
            dash(),
            dash(),
            dash(),
        ];
    };
    [
        row.name.clone(),
        status.rank.to_string(),
        status.role.as_str().to_owned(),
        status.epoch.to_string(),
        status.applied.to_string(),
        furthest.saturating_sub(status.applied).to_string(),
        clock(status),
        format!("{} of {}", bytes(status.disk_bytes), bytes(status.disk_bytes + status.disk_free_bytes)),
        span(Duration::from_millis(status.uptime_ms)),
    ]
}

fn clock(status: &Status) -> String {
    let micros = |nanos: f64| nanos / 1000.0;
    format!("{:+.0} ± {:.0} µs", micros(status.clock_offset_ns as f64), micros(status.clock_bound_ns as f64))
}

fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 10.0 && unit > 0 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", span.as_secs_f64()),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_told_in_the_unit_that_fits() {
        assert_eq!(
            ["0 B", "999 B", "1.0 kB", "12 kB", "3.4 GB"],
            [0, 999, 1000, 12_300, 3_400_000_000].map(bytes).each_ref().map(String::as_str)
        );
        let spans = [1.25, 90.0, 5000.0, 100_000.0].map(|s| span(Duration::from_secs_f64(s)));
        assert_eq!(spans, ["1.2 s", "1 min", "1 h 23 min", "1 d 3 h"]);
    }
}
