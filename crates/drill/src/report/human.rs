use std::fmt::{self, Write as _};

use papo_witness::evidence::{Evidence, Verdict};

use super::clean::{all_cleaned, cleaned};
use super::milestones::{Milestone, kind_title, origin_ms};
use super::numbers::{counts, figures};
use super::units::{count, maybe_span, relative, span};
use super::{is_as_wanted, shows_a_loss, wanted};
use crate::suite::NotHeld;

/// One drill on one page, for a terminal.
pub fn human(evidence: &Evidence) -> String {
    let evidence = cleaned(evidence);
    let mut page = String::new();
    tell(&mut page, &evidence).expect("writing into a string does not fail");
    page
}

/// Many drills as one table, those that were not held, and a page for each that did not come out as it should.
pub fn suite_human(drills: &[Evidence], not_held: &[NotHeld]) -> String {
    let drills: Vec<Evidence> = drills.iter().map(cleaned).collect();
    let mut page = String::new();
    tell_suite(&mut page, &drills, &all_cleaned(not_held)).expect("writing into a string does not fail");
    page
}

fn tell(page: &mut String, evidence: &Evidence) -> fmt::Result {
    writeln!(page, "{}: {}", evidence.drill, verdict(evidence))?;
    for because in &evidence.because {
        writeln!(page, "  {because}")?;
    }
    writeln!(
        page,
        "\nstarted {}, took {}, seed {}",
        evidence.started,
        span(evidence.duration_ms),
        evidence.seed
    )?;
    milestones(page, evidence)?;
    timeline(page, evidence)?;
    told_messages(page, evidence)?;
    told_figures(page, evidence)?;
    list(page, "Broken promises", evidence.broken.iter().map(|b| format!("{}  {}", b.promise, b.sentence)))?;
    list(page, "NOT UNDONE: somebody has to", evidence.not_undone.iter().cloned())
}

/// The verdict in capitals, with a word on it where the drill has to fail.
fn verdict(evidence: &Evidence) -> String {
    let verdict = evidence.verdict.to_string().to_uppercase();
    match (wanted(&evidence.drill), evidence.verdict) {
        (Verdict::Pass, _) => verdict,
        (_, Verdict::Fail) if shows_a_loss(evidence) => {
            format!("{verdict}, as it must: this is the negative control")
        }
        (_, Verdict::Fail) => format!("{verdict}, but it must lose messages, and none was seen to be lost"),
        (_, _) => format!("{verdict}, but it must fail: the checks did not notice a broken promise"),
    }
}

fn milestones(page: &mut String, evidence: &Evidence) -> fmt::Result {
    writeln!(page, "\nIn seconds after the fault")?;
    for milestone in Milestone::ALL {
        let title = milestone.title();
        match milestone.find(evidence) {
            Some(moment) => {
                let at = relative(moment.at_ms, origin_ms(evidence));
                writeln!(page, "  {at:>9}  {title:<27}  {}", moment.text)?;
            }
            None => writeln!(page, "  {:>9}  {title:<27}  {}", "–", milestone.absent())?,
        }
    }
    Ok(())
}

fn timeline(page: &mut String, evidence: &Evidence) -> fmt::Result {
    writeln!(page, "\nEverything that was seen")?;
    for moment in &evidence.timeline {
        let at = relative(moment.at_ms, origin_ms(evidence));
        writeln!(page, "  {at:>9}  {:<27}  {}", kind_title(moment.what), moment.text)?;
    }
    Ok(())
}

fn told_messages(page: &mut String, evidence: &Evidence) -> fmt::Result {
    writeln!(page, "\nMessages")?;
    for row in counts(&evidence.messages) {
        writeln!(page, "  {:>9}  {}", count(row.number), row.title)?;
    }
    Ok(())
}

fn told_figures(page: &mut String, evidence: &Evidence) -> fmt::Result {
    writeln!(page, "\nFigures")?;
    for row in figures(&evidence.figures) {
        writeln!(page, "  {:>9}  {}", row.value, row.title)?;
    }
    Ok(())
}

fn list(page: &mut String, title: &str, lines: impl Iterator<Item = String>) -> fmt::Result {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        writeln!(page, "\n{title}")?;
    }
    for line in lines {
        writeln!(page, "  {line}")?;
    }
    Ok(())
}

fn tell_suite(page: &mut String, drills: &[Evidence], not_held: &[NotHeld]) -> fmt::Result {
    let good = drills.iter().filter(|evidence| is_as_wanted(evidence)).count();
    writeln!(page, "{good} of {} drills came out as they should.\n", drills.len())?;
    let width = drills.iter().map(|evidence| evidence.drill.chars().count()).max().unwrap_or(0).max(5);
    writeln!(
        page,
        "  {:<width$}  {:<7}  {:>10}  {:>11}  {:>10}  {:>10}  {:>10}  {:>5}  {:>6}  {:>6}",
        "DRILL",
        "VERDICT",
        "PAUSE",
        "COORDINATOR",
        "RESUMED",
        "RECOVERED",
        "ACK.DURING",
        "LOST",
        "DOUBLE",
        "FAILED"
    )?;
    for evidence in drills {
        let figures = &evidence.figures;
        writeln!(
            page,
            "{} {:<width$}  {:<7}  {:>10}  {:>11}  {:>10}  {:>10}  {:>10}  {:>5}  {:>6}  {:>6}",
            if is_as_wanted(evidence) { ' ' } else { '!' },
            evidence.drill,
            evidence.verdict.to_string(),
            maybe_span(figures.pause_ms),
            maybe_span(figures.coordinator_ms),
            maybe_span(figures.resumed_ms),
            maybe_span(figures.recovered_ms),
            evidence.messages.acknowledged_during_fault,
            evidence.messages.lost,
            evidence.messages.duplicated,
            figures.failed_requests,
        )?;
    }
    list(page, "Not held", not_held.iter().map(|one| format!("{}: it needs: {}", one.drill, one.needs)))?;
    for evidence in drills.iter().filter(|evidence| !is_as_wanted(evidence)) {
        writeln!(page, "\n{}", "=".repeat(72))?;
        tell(page, evidence)?;
    }
    Ok(())
}
