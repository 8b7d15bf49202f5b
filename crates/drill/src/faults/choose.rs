//! Choosing targets, and what is said when there is none to choose.

use std::time::Duration;

use papo_witness::Expectations;

use crate::api_call::ApiCall;
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::snapshot::{Pod, Snapshot, Workload};
use crate::step::{PodRef, Step};
use crate::stop::Stop;

/// P7: how long requests may be delayed.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// P7: how soon another servidor coordinates.
pub(super) const SUCCESSION: Duration = Duration::from_secs(1);
/// How long Kubernetes may take to carry out what it accepted.
pub(super) const SOON: Duration = Duration::from_secs(60);
/// How long a whole roll-out may take.
pub(super) const ROLLOUT: Duration = Duration::from_secs(600);

/// The servidor that coordinates.
pub(super) fn coordinator(snapshot: &Snapshot) -> Result<&Pod, Stop> {
    snapshot.coordinator().ok_or_else(|| Stop::NotHealthy("there is no coordinator".to_owned()))
}

/// A servidor that follows, by chance.
pub(super) fn follower<'a>(snapshot: &'a Snapshot, options: &Options) -> Result<&'a Pod, Stop> {
    any(snapshot.followers(), options).ok_or_else(|| Stop::Needs("there is no follower".to_owned()))
}

/// One of several, by chance, the same one for the same seed.
pub(super) fn any<T>(mut among: Vec<T>, options: &Options) -> Option<T> {
    if among.is_empty() {
        return None;
    }
    let chosen = fastrand::Rng::with_seed(options.seed).usize(..among.len());
    Some(among.swap_remove(chosen))
}

/// What makes the pods of a component.
pub(super) fn workload<'a>(snapshot: &'a Snapshot, component: &str) -> Result<&'a Workload, Stop> {
    snapshot
        .workload(component)
        .ok_or_else(|| Stop::Needs(format!("release {} has no {component}", snapshot.release)))
}

/// The budgets of P7, or what the options say instead. What a client's wait owes to the client itself (it says something
/// once in a while, and repeats what got lost after a while) comes on top.
pub(super) fn goes_on(options: &Options) -> Expectations {
    Expectations {
        pause: Some(options.pause.unwrap_or_else(|| PAUSE + own(options))),
        ..Expectations::default()
    }
}

/// How much of a client's wait may be its own doing.
pub(super) fn own(options: &Options) -> Duration {
    let load = options.load();
    load.period() + load.retry
}

/// Besides, another servidor must coordinate soon.
pub(super) fn succession(options: &Options) -> Expectations {
    Expectations { coordinator: Some(options.coordinator.unwrap_or(SUCCESSION)), ..goes_on(options) }
}

/// Deletes pods at once and sees them gone; Kubernetes makes others.
pub(super) fn kill(snapshot: &Snapshot, pods: &[&Pod], sentence: String, expect: Expectations) -> Plan {
    let targets: Vec<PodRef> = pods.iter().map(|pod| PodRef::of(pod)).collect();
    let kills = pods.iter().map(|pod| Step::from(ApiCall::kill_pod(&snapshot.namespace, pod))).collect();
    Plan {
        sentence,
        targets: targets.clone(),
        acts: vec![Act::Do(kills), Act::See(Condition::Gone(targets), SOON)],
        undo: Vec::new(),
        servidores_lost: pods.iter().filter(|pod| pod.component == crate::names::component::SERVIDOR).count(),
        loses_messages: false,
        expect,
        plain_client: true,
        over: Over::Repaired,
        resumes: None,
    }
}

/// Names as in a sentence.
pub(super) fn names(pods: &[&Pod]) -> String {
    pods.iter().map(|pod| pod.name.as_str()).collect::<Vec<_>>().join(", ")
}
