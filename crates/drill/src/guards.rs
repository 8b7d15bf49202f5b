//! What speaks against a drill, looked at before anything is done.

use crate::options::Options;
use crate::plan::Plan;
use crate::snapshot::Snapshot;
use crate::stop::Stop;

/// Refuses a drill on a system that is not well: its faults would add to others, and its verdict would mean nothing.
pub fn healthy(snapshot: &Snapshot) -> Result<(), Stop> {
    let complaints = snapshot.complaints();
    if complaints.is_empty() { Ok(()) } else { Err(Stop::NotHealthy(complaints.join("; "))) }
}

/// Refuses what costs more than it is allowed to.
pub fn affordable(plan: &Plan, snapshot: &Snapshot, options: &Options) -> Result<(), Stop> {
    let (lost, minority) = (plan.servidores_lost, snapshot.minority());
    if lost > minority && !options.allow_majority_loss {
        return Err(Stop::Needs(format!(
            "it takes {lost} of {} servidores at once, which leaves no majority; --allow-majority-loss allows it",
            snapshot.servidores()
        )));
    }
    if plan.loses_messages && !options.allow_message_loss {
        return Err(Stop::Needs(
            "it makes the system lose messages that it acknowledged, also other people's; --allow-message-loss allows it"
                .to_owned(),
        ));
    }
    Ok(())
}
