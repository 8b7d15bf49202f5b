//! A servidor that the others cannot reach, nor it them.

use serde_json::{Value, json};

use super::choose::{self, SOON};
use super::process::{hooks, order};
use crate::api_call::ApiCall;
use crate::names::{self, component};
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::snapshot::{Pod, Policy, Snapshot};
use crate::step::{PodRef, Step};
use crate::stop::Stop;

pub(super) fn hook(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::coordinator(snapshot)?;
    hooks(snapshot, pod)?;
    let others: Vec<&str> = others(snapshot, pod).map(|other| other.name.as_str()).collect();
    let epoch = snapshot.view.coordinator().map_or(0, |reign| reign.epoch);
    let cut = |from: Value| order(pod, "/drill/cut", json!({"from": from}));
    Ok(Plan {
        sentence: format!("cut {}, which coordinates, off from {}", pod.name, others.join(", ")),
        targets: vec![PodRef::of(pod)],
        acts: vec![
            Act::Do(vec![cut(json!(others))]),
            Act::See(Condition::Hook { pod: PodRef::of(pod), key: "cut", is: json!(others) }, SOON),
            Act::See(Condition::Succeeded { coordinator: pod.name.clone(), epoch }, SOON),
            Act::See(Condition::CutOff { servidor: pod.name.clone() }, SOON),
            Act::RefusesWrites(pod.name.clone()),
            Act::Hold,
        ],
        undo: vec![cut(json!([]))],
        servidores_lost: 1,
        loses_messages: false,
        expect: choose::succession(options),
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    })
}

pub(super) fn policy(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::follower(snapshot, options)?;
    // Policies only ever allow: those that allow servidores to talk must no longer be about this one.
    let allowing: Vec<&Policy> = snapshot.policies.iter().filter(|policy| selects(policy, pod)).collect();
    let except = |policy: &Policy| {
        let mut expressions = policy.expressions.as_array().cloned().unwrap_or_default();
        expressions.push(json!({"key": names::POD_NAME_LABEL, "operator": "NotIn", "values": [pod.name]}));
        Value::Array(expressions)
    };
    let mut acts: Vec<Step> = vec![
        ApiCall::create_policy(
            &snapshot.namespace,
            &snapshot.release,
            names::POLICY,
            &cut_off(snapshot, pod),
        )
        .into(),
    ];
    let mut undo = Vec::new();
    for policy in allowing {
        let reselect =
            |expressions: &Value| ApiCall::reselect_policy(&snapshot.namespace, &policy.name, expressions);
        acts.push(reselect(&except(policy)).into());
        undo.push(reselect(&policy.expressions).into());
    }
    undo.push(ApiCall::delete_policy(&snapshot.namespace, names::POLICY).into());
    let kill = Step::from(ApiCall::kill_pod(&snapshot.namespace, pod));
    Ok(Plan {
        sentence: format!("cut {}, which follows, off by network policies, and delete its pod", pod.name),
        targets: vec![PodRef::of(pod)],
        acts: vec![
            Act::Do(acts),
            Act::Do(vec![kill]),
            Act::See(Condition::Gone(vec![PodRef::of(pod)]), SOON),
            Act::See(Condition::CutOff { servidor: pod.name.clone() }, SOON),
            Act::RefusesWrites(pod.name.clone()),
            Act::Hold,
        ],
        undo,
        servidores_lost: 1,
        loses_messages: false,
        expect: choose::goes_on(options),
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    })
}

/// Everything but servidores, so that it is a partition and not a lost pod.
fn cut_off(snapshot: &Snapshot, pod: &Pod) -> Value {
    let strangers = json!({"podSelector": {"matchExpressions": [
        {"key": names::COMPONENT_LABEL, "operator": "NotIn", "values": [component::SERVIDOR]}]}});
    let elsewhere = json!({"namespaceSelector": {"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [snapshot.namespace]}]}});
    let names_of_hosts = json!({"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]});
    json!({
        "podSelector": {"matchLabels": {names::POD_NAME_LABEL: pod.name}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [strangers, elsewhere]}],
        "egress": [{"to": [strangers, elsewhere]}, names_of_hosts],
    })
}

fn selects(policy: &Policy, pod: &Pod) -> bool {
    policy.labels.iter().all(|(name, value)| pod.labels.get(name) == Some(value))
}

fn others<'a>(snapshot: &'a Snapshot, pod: &'a Pod) -> impl Iterator<Item = &'a Pod> {
    snapshot.of(component::SERVIDOR).filter(move |other| other.name != pod.name)
}
