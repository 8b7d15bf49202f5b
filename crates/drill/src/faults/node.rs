//! Nodes that go away without a word. No API can do that: commands given on the command line do.

use std::time::Duration;

use papo_witness::Expectations;

use super::choose;
use crate::names::component;
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::snapshot::Snapshot;
use crate::step::Step;
use crate::stop::Stop;

/// Kubernetes' own patience with a silent node is some 50 s.
const NOTICED: Duration = Duration::from_secs(150);

pub(super) fn power(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    away(snapshot, options, "cut the power of")
}

pub(super) fn cable(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    away(snapshot, options, "pull the cable of")
}

fn away(snapshot: &Snapshot, options: &Options, verb: &str) -> Result<Plan, Stop> {
    if options.nodes.off.is_none() || options.nodes.on.is_none() {
        return Err(Stop::Usage(
            "give --node-off and --node-on: the commands that take a node away and bring it back, with {node} for its name"
                .to_owned(),
        ));
    }
    let pod = choose::follower(snapshot, options)?;
    let node = pod.node.clone().ok_or_else(|| Stop::NotHealthy(format!("{} is on no node", pod.name)))?;
    let servidores = snapshot.of(component::SERVIDOR).filter(|one| one.node.as_ref() == Some(&node)).count();
    Ok(Plan {
        sentence: format!("{verb} node {node}, where {} follows", pod.name),
        targets: vec![crate::step::PodRef::of(pod)],
        acts: vec![
            Act::Do(vec![Step::NodeOff { node: node.clone() }]),
            Act::See(Condition::Node { node: node.clone(), ready: false }, NOTICED),
            Act::Hold,
        ],
        undo: vec![Step::NodeOn { node }],
        servidores_lost: servidores,
        loses_messages: false,
        // How soon Kubernetes takes the dead node's pods out of its Services is Kubernetes' own time.
        expect: Expectations { pause: options.pause, ..Expectations::default() },
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    })
}
