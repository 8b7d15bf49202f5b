//! What operators do on purpose: drains, restarts, and a release that does not start.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use papo_witness::Expectations;

use super::choose::{self, ROLLOUT, names};
use crate::api_call::ApiCall;
use crate::names::component;
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::snapshot::{Pod, Snapshot, Workload};
use crate::step::{PodRef, Step};
use crate::stop::Stop;

pub(super) fn drain(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::coordinator(snapshot)?;
    let node = pod.node.as_deref().ok_or_else(|| Stop::NotHealthy(format!("{} is on no node", pod.name)))?;
    let is_here = |one: &Pod| one.node.as_deref() == Some(node);
    let servidores: Vec<&Pod> = snapshot.of(component::SERVIDOR).collect();
    if servidores.iter().all(|one| is_here(one)) {
        return Err(Stop::Needs(format!("all servidores are on node {node}")));
    }
    let allowed = allowed(snapshot)?;
    // The coordinator first, then who shares its node. A budget that allows more is tried to its end: only then does it refuse.
    let (here, elsewhere): (Vec<&Pod>, Vec<&Pod>) =
        servidores.into_iter().filter(|one| one.uid != pod.uid).partition(|one| is_here(one));
    let mut order: Vec<&Pod> = [pod].into_iter().chain(here).chain(shuffled(elsewhere, options)).collect();
    if order.len() <= allowed {
        return Err(Stop::Needs(format!("the disruption budget lets all {} servidores go", order.len())));
    }
    let kept = order[allowed];
    order.truncate(allowed);
    let front = front(snapshot, node);
    let evicted: Vec<&Pod> = order.iter().chain(&front).copied().collect();
    let evict = |one: &&Pod| Step::from(ApiCall::evict(&snapshot.namespace, one));
    let mut acts = vec![Act::Do(vec![ApiCall::cordon(node, true).into()])];
    acts.extend(order.iter().map(|one| Act::Do(vec![evict(one)])));
    acts.push(Act::Refused(ApiCall::evict(&snapshot.namespace, kept)));
    // The others after that: the budget is asked as soon as the servidores have left.
    if !front.is_empty() {
        acts.push(Act::Do(front.iter().map(evict).collect()));
    }
    let gone: Vec<PodRef> = evicted.iter().map(|one| PodRef::of(one)).collect();
    acts.extend([Act::See(Condition::Gone(gone.clone()), ROLLOUT), Act::Hold]);
    Ok(Plan {
        sentence: format!(
            "cordon node {node} and evict {}; {} must not be evicted too",
            names(&evicted),
            kept.name
        ),
        targets: gone,
        acts,
        undo: vec![ApiCall::cordon(node, false).into()],
        servidores_lost: allowed,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: false,
        over: Over::Undone,
        resumes: None,
    })
}

/// How many servidores may be evicted now.
fn allowed(snapshot: &Snapshot) -> Result<usize, Stop> {
    let budget = snapshot.budgets.iter().find(|budget| budget.component == component::SERVIDOR);
    let budget = budget.ok_or_else(|| {
        Stop::Needs("no disruption budget protects the servidores from being drained".to_owned())
    })?;
    match usize::try_from(budget.allowed) {
        Ok(allowed) if allowed > 0 => Ok(allowed),
        // Kubernetes may not have seen yet that all are ready again.
        _ => Err(Stop::NotHealthy(format!("the disruption budget {} lets no servidor go now", budget.name))),
    }
}

fn shuffled<'a>(mut pods: Vec<&'a Pod>, options: &Options) -> Vec<&'a Pod> {
    fastrand::Rng::with_seed(options.seed).shuffle(&mut pods);
    pods
}

/// The other pods of a node, as far as their budgets let them go at once: `kubectl drain` would wait for the rest.
fn front<'a>(snapshot: &'a Snapshot, node: &str) -> Vec<&'a Pod> {
    let mut left: BTreeMap<&str, i32> =
        snapshot.budgets.iter().map(|budget| (budget.component.as_str(), budget.allowed)).collect();
    let here = snapshot.pods.iter().filter(|one| one.node.as_deref() == Some(node) && !one.leaving);
    // All but a drill: this may be it.
    let movable =
        here.filter(|one| one.component != component::SERVIDOR && one.component != component::DRILL);
    movable
        .filter(|one| match left.get_mut(one.component.as_str()) {
            Some(allowed) => {
                *allowed -= 1;
                *allowed >= 0
            }
            None => true,
        })
        .collect()
}

pub(super) fn restart(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let now = Timestamp::now();
    let mut acts = Vec::new();
    let mut restarted = Vec::new();
    for component in [component::SERVIDOR, component::BROKER, component::PROXY] {
        let workload = choose::workload(snapshot, component)?;
        acts.push(Act::Do(vec![ApiCall::restart(&snapshot.namespace, workload, now).into()]));
        acts.push(Act::See(rolled_out(snapshot, workload), ROLLOUT));
        restarted.push(workload.name.as_str());
    }
    Ok(Plan {
        sentence: format!("restart every pod of {}, in order", restarted.join(", ")),
        targets: Vec::new(),
        acts,
        // An annotation in the templates stays, as after any `kubectl rollout restart`.
        undo: Vec::new(),
        servidores_lost: 1,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: false,
        over: Over::Repaired,
        resumes: None,
    })
}

pub(super) fn bad(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let workload = choose::workload(snapshot, component::SERVIDOR)?;
    let image = impossible(&workload.image);
    let stuck = Condition::Stuck { component: workload.component.clone(), image: image.clone() };
    Ok(Plan {
        sentence: format!("roll the image {image}, which cannot be had, out to {}", workload.name),
        targets: Vec::new(),
        acts: vec![
            Act::Do(vec![ApiCall::set_image(&snapshot.namespace, workload, &image).into()]),
            Act::See(stuck, ROLLOUT),
            Act::Hold,
        ],
        undo: vec![
            ApiCall::set_image(&snapshot.namespace, workload, &workload.image).into(),
            Step::Unstick { component: workload.component.clone(), image },
        ],
        servidores_lost: 1,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    })
}

fn rolled_out(snapshot: &Snapshot, workload: &Workload) -> Condition {
    Condition::RolledOut {
        kind: workload.kind,
        name: workload.name.clone(),
        instead_of: snapshot.of(&workload.component).map(PodRef::of).collect(),
    }
}

/// The same repository with a tag that nobody gives.
fn impossible(image: &str) -> String {
    let slash = image.rfind('/').map_or(0, |at| at + 1);
    let end = image[slash..].find([':', '@']).map_or(image.len(), |at| slash + at);
    format!("{}:drill-cannot-start", &image[..end])
}

#[cfg(test)]
mod tests {
    use super::impossible;

    #[test]
    fn only_the_tag_of_an_image_changes() {
        for (image, bad) in [
            ("papo", "papo:drill-cannot-start"),
            ("papo:dev", "papo:drill-cannot-start"),
            ("registry.example:5000/chat/papo:1.2", "registry.example:5000/chat/papo:drill-cannot-start"),
            ("example.org/papo@sha256:abc", "example.org/papo:drill-cannot-start"),
        ] {
            assert_eq!(impossible(image), bad);
        }
    }
}
