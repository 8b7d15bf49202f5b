//! Doing what a plan says, undoing it, and knowing that it happened: by something else than that it was asked for.

mod disks;
mod flood;
mod garbage;
mod links;
mod members;
mod processes;
mod requests;

use crate::cluster::Cluster;
use crate::deed::Deed;

/// How a deed is undone, which tells what is known of it.
pub type Undo = Box<dyn FnOnce(&mut Cluster) -> Outcome>;

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
pub fn begin(cluster: &mut Cluster, deed: &Deed) -> Result<Undo, Outcome> {
    match deed.clone() {
        Deed::Kill(nodes) => processes::kill(cluster, nodes),
        Deed::Stop(node) => processes::stop(cluster, node),
        Deed::Freeze(node) => processes::freeze(cluster, node),
        Deed::Release { node, previous, kindly } => Err(processes::release(cluster, &node, previous, kindly)),
        Deed::Cut { ways, how, .. } => Ok(links::cut(cluster, &ways, how)),
        Deed::Slow { ways, latency, bytes_per_second } => {
            Ok(links::slow(cluster, &ways, latency, bytes_per_second))
        }
        Deed::Jam { to, from } => Ok(links::jam(cluster, &to, from)),
        Deed::Wipe(node) => disks::wipe(cluster, node),
        Deed::OldCopy { node, copy } => disks::old_copy(cluster, node, copy),
        Deed::FullDisk { node, room } => disks::full(cluster, node, room),
        Deed::ReadOnly(node) => disks::read_only(cluster, node),
        Deed::Dismiss(node) => members::dismiss(cluster, node),
        Deed::Garbage { seed } => garbage::to_everybody(cluster, seed),
        Deed::Flood { to, connections } => flood::connections(cluster, &to, connections),
        Deed::Deluge { seed, connections } => garbage::deluge(cluster, seed, connections),
        Deed::Requests { to, connections } => requests::flood(cluster, &to, connections),
    }
}

pub use disks::keep_copies;
pub use members::want_everybody;

/// Both, one sentence after the other; what is not proven counts.
fn proof(is_proven: bool, what: String) -> Outcome {
    if is_proven { Outcome::Proven(what) } else { Outcome::Unproven(what) }
}
