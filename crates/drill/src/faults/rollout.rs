//! What operators do on purpose: drains, restarts, and a release that does not start.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use papo_witness::Expectations;

use super::choose::{self, ROLLOUT, names};
use crate::call::Call;
use crate::names::component;
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::scene::{Pod, Scene, Workload};
use crate::step::{PodRef, Step};
use crate::stop::Stop;

pub(super) fn drain(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::coordinator(scene)?;
    let node = pod.node.as_deref().ok_or_else(|| Stop::NotHealthy(format!("{} is on no node", pod.name)))?;
    let is_here = |one: &Pod| one.node.as_deref() == Some(node);
    let servidores: Vec<&Pod> = scene.of(component::SERVIDOR).collect();
    if servidores.iter().all(|one| is_here(one)) {
        return Err(Stop::Needs(format!("all servidores are on node {node}")));
    }
    let allowed = allowed(scene)?;
    // The coordinator first, then who shares its node. A budget that allows more is tried to its end: only then does it refuse.
    let (here, elsewhere): (Vec<&Pod>, Vec<&Pod>) =
        servidores.into_iter().filter(|one| one.uid != pod.uid).partition(|one| is_here(one));
    let mut order: Vec<&Pod> = [pod].into_iter().chain(here).chain(shuffled(elsewhere, options)).collect();
    if order.len() <= allowed {
        return Err(Stop::Needs(format!("the disruption budget lets all {} servidores go", order.len())));
    }
    let kept = order[allowed];
    order.truncate(allowed);
    let front = front(scene, node);
    let evicted: Vec<&Pod> = order.iter().chain(&front).copied().collect();
    let evict = |one: &&Pod| Step::from(Call::evict(&scene.namespace, one));
    let mut acts = vec![Act::Do(vec![Call::cordon(node, true).into()])];
    acts.extend(order.iter().map(|one| Act::Do(vec![evict(one)])));
    acts.push(Act::Refused(Call::evict(&scene.namespace, kept)));
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
        undo: vec![Call::cordon(node, false).into()],
        servidores_lost: allowed,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: false,
        over: Over::Undone,
        resumes: None,
    })
}

/// How many servidores may be evicted now.
fn allowed(scene: &Scene) -> Result<usize, Stop> {
    let budget = scene.budgets.iter().find(|budget| budget.component == component::SERVIDOR);
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
fn front<'a>(scene: &'a Scene, node: &str) -> Vec<&'a Pod> {
    let mut left: BTreeMap<&str, i32> =
        scene.budgets.iter().map(|budget| (budget.component.as_str(), budget.allowed)).collect();
    let here = scene.pods.iter().filter(|one| one.node.as_deref() == Some(node) && !one.leaving);
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

pub(super) fn restart(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let now = Timestamp::now();
    let mut acts = Vec::new();
    let mut restarted = Vec::new();
    for component in [component::SERVIDOR, component::BROKER, component::PROXY] {
        let workload = choose::workload(scene, component)?;
        acts.push(Act::Do(vec![Call::restart(&scene.namespace, workload, now).into()]));
        acts.push(Act::See(rolled_out(scene, workload), ROLLOUT));
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

pub(super) fn bad(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let workload = choose::workload(scene, component::SERVIDOR)?;
    let image = impossible(&workload.image);
    let stuck = Condition::Stuck { component: workload.component.clone(), image: image.clone() };
    Ok(Plan {
        sentence: format!("roll the image {image}, which cannot be had, out to {}", workload.name),
        targets: Vec::new(),
        acts: vec![
            Act::Do(vec![Call::set_image(&scene.namespace, workload, &image).into()]),
            Act::See(stuck, ROLLOUT),
            Act::Hold,
        ],
        undo: vec![
            Call::set_image(&scene.namespace, workload, &workload.image).into(),
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

fn rolled_out(scene: &Scene, workload: &Workload) -> Condition {
    Condition::RolledOut {
        kind: workload.kind,
        name: workload.name.clone(),
        instead_of: scene.of(&workload.component).map(PodRef::of).collect(),
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
