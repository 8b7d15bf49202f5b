//! What is shown: a table for people, and the same as JSON.

use papo_service::columns;
use papo_wire::admin::{Membership, Seat};
use serde::Serialize;

const HEADINGS: [&str; 7] = ["NAME", "STATE", "RANK", "ALIVE", "INDEX", "BEHIND", "ADDRESS"];

/// The members, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    coordinator: &'a str,
    epoch: u64,
    /// Version of the rules in force; members can be changed from 2 on.
    rules: u64,
    commit: u64,
    /// How many members there are, and how many of them every write needs.
    members: usize,
    majority: usize,
    /// Whether the members are those that are wanted.
    settled: bool,
    /// Who told this.
    told_by: &'a str,
    servidores: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    seat: &'a Seat,
    state: &'static str,
    behind: u64,
}

impl<'a> Report<'a> {
    pub(super) fn of(membership: &'a Membership) -> Self {
        let members = membership.seats.iter().filter(|seat| seat.counts).count();
        let row = |seat: &'a Seat| Row {
            seat,
            state: state(seat, &membership.coordinator),
            behind: membership.commit.saturating_sub(seat.index),
        };
        Self {
            coordinator: &membership.coordinator,
            epoch: membership.epoch,
            rules: membership.rules,
            commit: membership.commit,
            members,
            majority: members / 2 + 1,
            settled: membership.leaving().chain(membership.awaited()).next().is_none(),
            told_by: &membership.name,
            servidores: membership.seats.iter().map(row).collect(),
        }
    }
}

/// What a servidor is among the members, in one word.
fn state(seat: &Seat, coordinator: &str) -> &'static str {
    match (seat.counts, seat.wanted, seat.alive) {
        (true, false, _) => "leaving",
        (true, true, true) if seat.name == coordinator => "coordinator",
        (true, true, true) => "member",
        (true, true, false) => "silent",
        (false, true, true) => "joining",
        (false, true, false) => "awaited",
        (false, false, _) => "learner",
    }
}

/// The members as text.
pub(super) fn render(membership: &Membership) -> String {
    let report = Report::of(membership);
    let mut text = headline(&report);
    text.push_str("\n\n");
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(report.servidores.iter().map(cells));
    text.push_str(&columns(lines));
    let leaving: Vec<&str> = membership.leaving().map(|seat| seat.name.as_str()).collect();
    if !leaving.is_empty() {
        text.push_str(&format!("\nTo leave, once the others can go on without: {}\n", leaving.join(", ")));
    }
    let awaited: Vec<&str> = membership.awaited().map(|seat| seat.name.as_str()).collect();
    if !awaited.is_empty() {
        text.push_str(&format!("\nTo be counted, once there with all of the log: {}\n", awaited.join(", ")));
    }
    text
}

fn headline(report: &Report<'_>) -> String {
    let Report { coordinator, epoch, members, majority, .. } = report;
    let count = match members {
        1 => "1 member".to_owned(),
        members => format!("{members} members, of which {majority} must be there for every write"),
    };
    if coordinator.is_empty() {
        return format!("{count}. No coordinator is known to {}.", report.told_by);
    }
    format!("{count}. {coordinator} coordinates in epoch {epoch}.")
}

fn cells(row: &Row<'_>) -> [String; HEADINGS.len()] {
    let Row { seat, state, behind } = row;
    let known = |number: u64| if seat.alive || seat.index > 0 { number.to_string() } else { "-".to_owned() };
    [
        seat.name.clone(),
        (*state).to_owned(),
        if seat.counts { seat.rank.to_string() } else { "-".to_owned() },
        if seat.alive { "yes" } else { "no" }.to_owned(),
        known(seat.index),
        known(*behind),
        if seat.address.is_empty() { "-".to_owned() } else { seat.address.clone() },
    ]
}
