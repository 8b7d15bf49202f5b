//! What befalls processes.

use std::time::Duration;

use papo_processes::Ended;

use super::{Outcome, Undo, proof};
use crate::cluster::Cluster;
use crate::network::Node;

pub(super) fn kill(cluster: &mut Cluster, nodes: Vec<Node>) -> Result<Undo, Outcome> {
    let killed: Vec<bool> = nodes.iter().map(|node| cluster.kill9(node) == Some(Ended::Killed)).collect();
    Ok(Box::new(move |cluster| {
        for node in &nodes {
            cluster.start(node);
        }
        let count = killed.iter().filter(|killed| **killed).count();
        proof(count == nodes.len(), format!("{count} of {} ended by the signal", nodes.len()))
    }))
}

pub(super) fn stop(cluster: &mut Cluster, node: Node) -> Result<Undo, Outcome> {
    let ended = cluster.stop(&node);
    Ok(Box::new(move |cluster| {
        cluster.start(&node);
        // That it ended well is no proof but a promise: whether it did is complained about there.
        proof(ended.is_some(), format!("it ended: {ended:?}"))
    }))
}

pub(super) fn freeze(cluster: &mut Cluster, node: Node) -> Result<Undo, Outcome> {
    cluster.note_deaths();
    cluster.freeze(&node);
    Ok(Box::new(move |cluster| {
        let state = cluster.state(&node);
        cluster.thaw(&node);
        proof(state == Some('T'), format!("until then its state was {}", state.unwrap_or('?')))
    }))
}

pub(super) fn release(cluster: &mut Cluster, node: &str, previous: bool, kindly: bool) -> Outcome {
    if cluster.previous().is_none() {
        return Outcome::Skipped("there are no programs of a previous release: --previous DIR".to_owned());
    }
    if kindly {
        cluster.stop(node);
    } else {
        cluster.kill9(node);
    }
    cluster.set_release(node, previous);
    cluster.start(node);
    // A process is another program's until it has replaced itself.
    std::thread::sleep(Duration::from_millis(50));
    let program = cluster.runs_program(node);
    let folder = program.as_deref().and_then(|program| program.parent());
    let wanted = cluster.previous().map(|previous| previous.canonicalize());
    let is_previous = matches!((folder, wanted), (Some(folder), Some(Ok(wanted))) if folder == wanted);
    let told = program.map_or_else(|| "none".to_owned(), |program| program.display().to_string());
    proof(is_previous == previous, format!("it runs {told}"))
}
