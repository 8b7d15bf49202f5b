//! Another number of servidores.

use papo_witness::Expectations;

use super::choose::{self, ROLLOUT, SOON};
use crate::api_call::ApiCall;
use crate::names::component;
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::snapshot::Snapshot;
use crate::step::Step;
use crate::stop::Stop;

/// So many more: with an even number the chat would survive no more than before.
const MORE: i32 = 2;
/// No chat has more.
const MOST: i32 = 7;

pub(super) fn shrink(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let set = choose::workload(snapshot, component::SERVIDOR)?;
    let (few, many) = (set.replicas, set.replicas + MORE);
    if many > MOST {
        return Err(Stop::Needs(format!("there are {few} servidores, and no more than {MOST} can be")));
    }
    let names =
        |count: i32| -> Vec<String> { (0..count).map(|ordinal| format!("{}-{ordinal}", set.name)).collect() };
    let (before, after) = (names(few), names(many));
    settled(snapshot, &before)?;
    room(snapshot)?;
    let scale = |count: i32| ApiCall::scale(&snapshot.namespace, set, count);
    let resize = |names: &[String], calls: Vec<ApiCall>| Step::Resize { names: names.to_vec(), calls };
    let counted = |names: &[String]| Condition::Members { names: names.to_vec() };
    let ready = |count: i32| Condition::Count {
        component: component::SERVIDOR.to_owned(),
        ready: usize::try_from(count).unwrap_or(0),
    };
    let mut back = vec![scale(few)];
    back.extend(
        new_claims(snapshot, &after).iter().map(|claim| ApiCall::drop_claim(&snapshot.namespace, claim)),
    );
    Ok(Plan {
        sentence: format!("{many} servidores instead of {few}, then {few} again"),
        targets: Vec::new(),
        acts: vec![
            Act::Do(vec![resize(&after, vec![scale(many)])]),
            Act::See(ready(many), ROLLOUT),
            Act::See(counted(&after), SOON),
            Act::Hold,
            Act::Do(vec![resize(&before, vec![scale(few)])]),
            Act::See(counted(&before), SOON),
            Act::See(ready(few), SOON),
        ],
        undo: vec![resize(&before, back)],
        servidores_lost: 0,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    })
}

/// Refuses where the two would wait for a node that there is not.
fn room(snapshot: &Snapshot) -> Result<(), Stop> {
    if !snapshot.scheduling.apart {
        return Ok(());
    }
    let Some(nodes) = &snapshot.scheduling.nodes else {
        return Err(Stop::Rights(
            "list nodes in the whole cluster, to see whether there is room, since no two servidores may share a node"
                .to_owned(),
        ));
    };
    let taken: Vec<&str> = snapshot.of(component::SERVIDOR).filter_map(|pod| pod.node.as_deref()).collect();
    let free = nodes.iter().filter(|node| !taken.contains(&node.as_str())).count();
    if i32::try_from(free).is_ok_and(|free| free < MORE) {
        return Err(Stop::Needs(format!(
            "there is no room for {MORE} more servidores: no two may share a node (servidor.antiAffinity=required), and of the {} nodes that take one {free} are free",
            nodes.len()
        )));
    }
    Ok(())
}

/// Refuses where somebody else is about to change who counts, or nobody can.
fn settled(snapshot: &Snapshot, names: &[String]) -> Result<(), Stop> {
    for status in snapshot.view.answering() {
        if status.wanted.is_empty() {
            return Err(Stop::Needs(format!(
                "{} does not say who is to count: its release cannot take others in",
                status.name
            )));
        }
        if status.wanted.len() != names.len() || !status.wanted.iter().all(|name| names.contains(name)) {
            return Err(Stop::Needs(format!(
                "{} are to count, and not those that there are: see `papo members`",
                status.wanted.join(", ")
            )));
        }
    }
    Ok(())
}

/// The claims that are not there yet, and will be because of those who are new.
fn new_claims(snapshot: &Snapshot, names: &[String]) -> Vec<String> {
    let of_one = snapshot.of(component::SERVIDOR).find_map(|pod| {
        pod.claims.iter().find_map(|claim| claim.strip_suffix(pod.name.as_str()).map(str::to_owned))
    });
    let Some(prefix) = of_one else { return Vec::new() };
    let claims = names.iter().map(|name| format!("{prefix}{name}"));
    claims.filter(|claim| snapshot.claims.iter().all(|there| there.name != *claim)).collect()
}
