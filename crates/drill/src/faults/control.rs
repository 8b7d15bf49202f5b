//! Controls: nothing at all, which must pass, and a system that is broken on purpose, which must be seen to be.

use k8s_openapi::jiff::Timestamp;
use papo_witness::Expectations;
use serde_json::json;

use super::choose::{self, SOON};
use super::process::{hooks, order};
use crate::api_call::ApiCall;
use crate::names::component;
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::snapshot::{Pod, Snapshot};
use crate::step::{PodRef, Step};
use crate::stop::Stop;

pub(super) fn none(_: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    Ok(Plan {
        sentence: "nothing".to_owned(),
        targets: Vec::new(),
        acts: vec![Act::Hold],
        undo: Vec::new(),
        servidores_lost: 0,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    })
}

pub(super) fn broken(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    const HOW: &str = "acknowledge-before-store";
    let pods: Vec<&Pod> = snapshot.of(component::SERVIDOR).collect();
    for pod in &pods {
        hooks(snapshot, pod)?;
    }
    let all = |path: &str, body: serde_json::Value| -> Vec<Step> {
        pods.iter().map(|pod| order(pod, path, body.clone())).collect()
    };
    let mut acts = vec![Act::Do(all("/drill/break", json!({"how": HOW})))];
    acts.extend(
        pods.iter().map(|pod| {
            Act::See(Condition::Hook { pod: PodRef::of(pod), key: "broken", is: json!(HOW) }, SOON)
        }),
    );
    acts.extend([Act::Hold, Act::Do(all("/drill/crash", json!({})))]);
    acts.extend(
        pods.iter()
            .map(|pod| Act::See(Condition::Restarted { pod: PodRef::of(pod), above: pod.restarts }, SOON)),
    );
    // Brokers and proxies remember indices that are no more, and would forward nothing until the log is that long again.
    let mut undo = all("/drill/break", json!({"how": null}));
    for component in [component::BROKER, component::PROXY] {
        let workload = choose::workload(snapshot, component)?;
        undo.push(ApiCall::restart(&snapshot.namespace, workload, Timestamp::now()).into());
    }
    Ok(Plan {
        sentence: format!("have {} acknowledge before they store, and kill them all", choose::names(&pods)),
        targets: pods.iter().map(|pod| PodRef::of(pod)).collect(),
        acts,
        undo,
        servidores_lost: pods.len(),
        loses_messages: true,
        expect: Expectations { pause: options.pause, ..Expectations::default() },
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    })
}
