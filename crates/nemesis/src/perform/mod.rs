//! Doing what a plan says, undoing it, and knowing that it happened: by something else than that it was asked for.

mod disks;
mod flood;
mod garbage;
mod links;
mod members;
mod processes;
mod requests;

use crate::deed::Deed;
use crate::town::Town;

/// How a deed is undone, which tells what is known of it.
pub type Undo = Box<dyn FnOnce(&mut Town) -> Outcome>;

/// What is known of a deed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It happened, and by what that is known.
    Proven(String),
    /// It may not have happened, and why.
    Unproven(String),
    /// It was not done, and why.
    Skipped(String),
}

/// Does it. `Err` when there is nothing to undo.
pub fn begin(town: &mut Town, deed: &Deed) -> Result<Undo, Outcome> {
    match deed.clone() {
        Deed::Kill(nodes) => processes::kill(town, nodes),
        Deed::Stop(node) => processes::stop(town, node),
        Deed::Freeze(node) => processes::freeze(town, node),
        Deed::Release { node, previous, kindly } => Err(processes::release(town, &node, previous, kindly)),
        Deed::Cut { ways, how, .. } => Ok(links::cut(town, &ways, how)),
        Deed::Slow { ways, latency, bytes_per_second } => {
            Ok(links::slow(town, &ways, latency, bytes_per_second))
        }
        Deed::Jam { to, from } => Ok(links::jam(town, &to, from)),
        Deed::Wipe(node) => disks::wipe(town, node),
        Deed::OldCopy { node, copy } => disks::old_copy(town, node, copy),
        Deed::FullDisk { node, room } => disks::full(town, node, room),
        Deed::ReadOnly(node) => disks::read_only(town, node),
        Deed::Dismiss(node) => members::dismiss(town, node),
        Deed::Garbage { seed } => garbage::to_everybody(town, seed),
        Deed::Flood { to, connections } => flood::connections(town, &to, connections),
        Deed::Deluge { seed, connections } => garbage::deluge(town, seed, connections),
        Deed::Requests { to, connections } => requests::flood(town, &to, connections),
    }
}

pub use disks::keep_copies;
pub use members::want_everybody;

/// Both, one sentence after the other; what is not proven counts.
fn proof(is_proven: bool, what: String) -> Outcome {
    if is_proven { Outcome::Proven(what) } else { Outcome::Unproven(what) }
}
