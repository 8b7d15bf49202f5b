//! What befalls processes.

use std::time::Duration;

use papo_processes::Ended;

use super::{Outcome, Undo, proof};
use crate::network::Node;
use crate::town::Town;

pub(super) fn kill(town: &mut Town, nodes: Vec<Node>) -> Result<Undo, Outcome> {
    let killed: Vec<bool> = nodes.iter().map(|node| town.kill9(node) == Some(Ended::Killed)).collect();
    Ok(Box::new(move |town| {
        for node in &nodes {
            town.start(node);
        }
        let count = killed.iter().filter(|killed| **killed).count();
        proof(count == nodes.len(), format!("{count} of {} ended by the signal", nodes.len()))
    }))
}

pub(super) fn stop(town: &mut Town, node: Node) -> Result<Undo, Outcome> {
    let ended = town.stop(&node);
    Ok(Box::new(move |town| {
        town.start(&node);
        // That it ended well is no proof but a promise: whether it did is complained about there.
        proof(ended.is_some(), format!("it ended: {ended:?}"))
    }))
}

pub(super) fn freeze(town: &mut Town, node: Node) -> Result<Undo, Outcome> {
    town.note_deaths();
    town.freeze(&node);
    Ok(Box::new(move |town| {
        let state = town.state(&node);
        town.thaw(&node);
        proof(state == Some('T'), format!("until then its state was {}", state.unwrap_or('?')))
    }))
}

pub(super) fn release(town: &mut Town, node: &str, previous: bool, kindly: bool) -> Outcome {
    if town.previous().is_none() {
        return Outcome::Skipped("there are no programs of a previous release: --previous DIR".to_owned());
    }
    if kindly {
        town.stop(node);
    } else {
        town.kill9(node);
    }
    town.set_release(node, previous);
    town.start(node);
    // A process is another program's until it has replaced itself.
    std::thread::sleep(Duration::from_millis(50));
    let program = town.runs_program(node);
    let folder = program.as_deref().and_then(|program| program.parent());
    let wanted = town.previous().map(|previous| previous.canonicalize());
    let is_previous = matches!((folder, wanted), (Some(folder), Some(Ok(wanted))) if folder == wanted);
    let told = program.map_or_else(|| "none".to_owned(), |program| program.display().to_string());
    proof(is_previous == previous, format!("it runs {told}"))
}
