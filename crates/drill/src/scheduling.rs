//! Which nodes take a servidor: what the scheduler would say, as far as it can be read off the pods' template.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, PodSpec, Taint, Toleration};

use crate::names::{COMPONENT_LABEL, component};

/// The label of nodes by which pods are kept apart.
const HOST: &str = "kubernetes.io/hostname";

/// Whether no two of these servidores may be on one node.
pub fn are_kept_apart(pods: &PodSpec) -> bool {
    let rules = pods.affinity.as_ref().and_then(|affinity| affinity.pod_anti_affinity.as_ref());
    let rules = rules.and_then(|rules| rules.required_during_scheduling_ignored_during_execution.as_ref());
    rules.into_iter().flatten().any(|rule| {
        let labels = rule.label_selector.as_ref().and_then(|selector| selector.match_labels.as_ref());
        let of_servidores = labels.and_then(|labels| labels.get(COMPONENT_LABEL)).map(String::as_str);
        rule.topology_key == HOST && of_servidores == Some(component::SERVIDOR)
    })
}

/// Whether a node takes such a pod: it is ready and not cordoned, has the labels that are asked for, and no taint that is not
/// tolerated.
pub fn takes(node: &Node, pods: &PodSpec) -> bool {
    let spec = node.spec.clone().unwrap_or_default();
    let status = node.status.clone().unwrap_or_default();
    let ready =
        status.conditions.into_iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True");
    let keeps_out = |taint: &Taint| taint.effect == "NoSchedule" || taint.effect == "NoExecute";
    let tolerations = pods.tolerations.clone().unwrap_or_default();
    let tolerated = |taint: &Taint| tolerations.iter().any(|toleration| tolerates(toleration, taint));
    let taints = spec.taints.unwrap_or_default();
    let labels = node.metadata.labels.clone().unwrap_or_default();
    ready
        && spec.unschedulable != Some(true)
        && taints.iter().filter(|taint| keeps_out(taint)).all(tolerated)
        && has(&labels, pods.node_selector.as_ref())
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = toleration.effect.as_deref().unwrap_or_default();
    let key = toleration.key.as_deref().unwrap_or_default();
    let exists = toleration.operator.as_deref() == Some("Exists");
    (effect.is_empty() || effect == taint.effect)
        && (key == taint.key || (key.is_empty() && exists))
        && (exists
            || toleration.value.as_deref().unwrap_or_default() == taint.value.as_deref().unwrap_or_default())
}

fn has(labels: &BTreeMap<String, String>, wanted: Option<&BTreeMap<String, String>>) -> bool {
    wanted.into_iter().flatten().all(|(name, value)| labels.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pods(more: &Value) -> PodSpec {
        let mut spec = json!({"containers": []});
        let (whole, part) = (spec.as_object_mut().expect("a map"), more.as_object().expect("a map").clone());
        whole.extend(part);
        serde_json::from_value(spec).expect("pods")
    }

    fn node(spec: &Value) -> Node {
        let ready = json!([{"type": "Ready", "status": "True"}]);
        let node = json!({"metadata": {"name": "n1", "labels": {"disk": "fast"}}, "spec": spec, "status": {"conditions": ready}});
        serde_json::from_value(node).expect("a node")
    }

    #[test]
    fn only_a_rule_that_must_be_kept_keeps_servidores_apart() {
        let term = |component: &str, key: &str| json!({"topologyKey": key, "labelSelector": {"matchLabels": {COMPONENT_LABEL: component}}});
        let required = |term: Value| {
            let rule = json!({"requiredDuringSchedulingIgnoredDuringExecution": [term]});
            pods(&json!({"affinity": {"podAntiAffinity": rule}}))
        };
        assert!(are_kept_apart(&required(term("servidor", HOST))));
        assert!(!are_kept_apart(&required(term("broker", HOST))));
        assert!(!are_kept_apart(&required(term("servidor", "topology.kubernetes.io/zone"))));
        let preferred = json!([{"weight": 100, "podAffinityTerm": term("servidor", HOST)}]);
        let rule = json!({"preferredDuringSchedulingIgnoredDuringExecution": preferred});
        assert!(!are_kept_apart(&pods(&json!({"affinity": {"podAntiAffinity": rule}}))));
        assert!(!are_kept_apart(&pods(&json!({}))));
    }

    #[test]
    fn a_node_that_keeps_pods_out_takes_none() {
        let any = pods(&json!({}));
        assert!(takes(&node(&json!({})), &any));
        assert!(!takes(&node(&json!({"unschedulable": true})), &any));
        assert!(!takes(&Node::default(), &any), "it is not ready");
        assert!(takes(&node(&json!({})), &pods(&json!({"nodeSelector": {"disk": "fast"}}))));
        assert!(!takes(&node(&json!({})), &pods(&json!({"nodeSelector": {"disk": "slow"}}))));
    }

    #[test]
    fn a_taint_keeps_out_who_does_not_tolerate_it() {
        let tainted =
            |effect: &str| node(&json!({"taints": [{"key": "role", "value": "db", "effect": effect}]}));
        let with = |toleration: Value| pods(&json!({"tolerations": [toleration]}));
        assert!(!takes(&tainted("NoSchedule"), &pods(&json!({}))));
        assert!(takes(&tainted("PreferNoSchedule"), &pods(&json!({}))));
        for (toleration, tolerated) in [
            (json!({"operator": "Exists"}), true),
            (json!({"key": "role", "operator": "Exists", "effect": "NoSchedule"}), true),
            (json!({"key": "role", "value": "db"}), true),
            (json!({"key": "role", "value": "web"}), false),
            (json!({"key": "role", "operator": "Exists", "effect": "NoExecute"}), false),
            (json!({"key": "other", "operator": "Exists"}), false),
        ] {
            assert_eq!(takes(&tainted("NoSchedule"), &with(toleration.clone())), tolerated, "{toleration}");
        }
    }
}
