//! What operators do on purpose: drains, restarts, and a release that does not start.

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
    // All but a drill: this may be it.
    let here: Vec<&Pod> = scene
        .pods
        .iter()
        .filter(|one| one.node.as_deref() == Some(node) && !one.leaving && one.component != component::DRILL)
        .collect();
    let servidores = here.iter().filter(|one| one.component == component::SERVIDOR).count();
    if !scene.budgets.iter().any(|budget| budget.component == component::SERVIDOR) {
        return Err(Stop::Refused(
            "no disruption budget protects the servidores from being drained".to_owned(),
        ));
    }
    if servidores > scene.minority() {
        return Err(Stop::Refused(format!(
            "node {node} holds {servidores} servidores: its drain could not end"
        )));
    }
    let second = choose::any(
        scene.of(component::SERVIDOR).filter(|one| one.node.as_deref() != Some(node)).collect(),
        options,
    );
    let second = second.ok_or_else(|| Stop::Refused(format!("all servidores are on node {node}")))?;
    // The others first: the budget is asked once the servidor has left.
    let others: Vec<Step> = here
        .iter()
        .filter(|one| one.component != component::SERVIDOR)
        .map(|one| Call::evict(&scene.namespace, one).into())
        .collect();
    let gone = here.iter().map(|one| PodRef::of(one)).collect();
    let mut acts = vec![
        Act::Do(vec![Call::cordon(node, true).into()]),
        Act::Do(vec![Call::evict(&scene.namespace, pod).into()]),
        Act::Refused(Call::evict(&scene.namespace, second)),
    ];
    if !others.is_empty() {
        acts.push(Act::Do(others));
    }
    acts.extend([Act::See(Condition::Gone(gone), ROLLOUT), Act::Hold]);
    Ok(Plan {
        sentence: format!(
            "cordon node {node} and evict {}; {} must not be evicted too",
            names(&here),
            second.name
        ),
        targets: here.iter().map(|one| PodRef::of(one)).collect(),
        acts,
        undo: vec![Call::cordon(node, false).into()],
        servidores_lost: servidores,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: false,
        over: Over::Undone,
        resumes: None,
    })
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
