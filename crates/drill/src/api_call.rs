//! A change asked of the Kubernetes API, as data.
//!
//! The same value is printed in a plan, tried as a server-side dry run, carried out, and kept in the journal: what was shown is
//! what happens.

use std::fmt;

use http::Request;
use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::names;
use crate::rights::Right;
use crate::snapshot::{Kind, Pod, Workload};

/// One request that changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiCall {
    /// What kind of change.
    pub verb: Verb,
    /// Which object (or collection): an absolute path without a query.
    pub path: String,
    /// The body, as JSON.
    pub body: Value,
}

/// The kinds of change that a drill asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// `POST`
    Create,
    /// `PUT`: the whole object, of the version that it names.
    Replace,
    /// `PATCH` with a JSON merge patch (RFC 7396).
    Merge,
    /// `PATCH` with a strategic merge patch: lists are merged by name.
    Strategic,
    /// `DELETE`
    Delete,
}

impl ApiCall {
    /// Kills a pod at once, and only this very pod: a successor of the same name has another UID.
    pub fn kill_pod(namespace: &str, pod: &Pod) -> Self {
        Self::delete(
            format!("/api/v1/namespaces/{namespace}/pods/{}", pod.name),
            json!({"gracePeriodSeconds": 0, "preconditions": {"uid": pod.uid}}),
        )
    }

    /// Asks for a pod to leave, as `kubectl drain` does: the disruption budget may refuse.
    pub fn evict(namespace: &str, pod: &Pod) -> Self {
        Self {
            verb: Verb::Create,
            path: format!("/api/v1/namespaces/{namespace}/pods/{}/eviction", pod.name),
            body: json!({
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": pod.name, "namespace": namespace},
                "deleteOptions": {"preconditions": {"uid": pod.uid}},
            }),
        }
    }

    /// Deletes a claim, and with it the volume. Kubernetes waits with it until no pod uses it.
    pub fn delete_claim(namespace: &str, claim: &str, uid: &str) -> Self {
        Self::delete(
            format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}"),
            json!({"preconditions": {"uid": uid}}),
        )
    }

    /// Deletes whichever claim has this name: one that the drill has brought about. That it is gone already is as good.
    pub fn drop_claim(namespace: &str, claim: &str) -> Self {
        Self::delete(format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}"), json!({}))
    }

    /// Lets no (or again any) new pod onto a node.
    pub fn cordon(node: &str, cordoned: bool) -> Self {
        // `null` takes the field away, as `kubectl uncordon` does.
        let value = if cordoned { json!(true) } else { Value::Null };
        Self {
            verb: Verb::Merge,
            path: format!("/api/v1/nodes/{node}"),
            body: json!({"spec": {"unschedulable": value}}),
        }
    }

    /// Replaces all pods of a workload in its own order, as `kubectl rollout restart` does.
    pub fn restart(namespace: &str, workload: &Workload, now: Timestamp) -> Self {
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": now.to_string()});
        Self {
            verb: Verb::Merge,
            path: workload_path(namespace, workload),
            body: json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}),
        }
    }

    /// Gives the first container of a workload another image.
    pub fn set_image(namespace: &str, workload: &Workload, image: &str) -> Self {
        let containers = json!([{"name": workload.container, "image": image}]);
        Self {
            verb: Verb::Strategic,
            path: workload_path(namespace, workload),
            body: json!({"spec": {"template": {"spec": {"containers": containers}}}}),
        }
    }

    /// Gives a workload another number of replicas.
    pub fn scale(namespace: &str, workload: &Workload, replicas: i32) -> Self {
        Self {
            verb: Verb::Merge,
            path: format!("{}/scale", workload_path(namespace, workload)),
            body: json!({"spec": {"replicas": replicas}}),
        }
    }

    /// Makes a network policy. `spec` is that of a `NetworkPolicy`.
    pub fn create_policy(namespace: &str, release: &str, name: &str, spec: &Value) -> Self {
        let labels = json!({
            names::NAME_LABEL: names::NAME,
            names::INSTANCE_LABEL: release,
            names::COMPONENT_LABEL: names::component::DRILL,
        });
        Self {
            verb: Verb::Create,
            path: policies_path(namespace),
            body: json!({
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": name, "namespace": namespace, "labels": labels},
                "spec": spec,
            }),
        }
    }

    /// Takes a network policy away.
    pub fn delete_policy(namespace: &str, name: &str) -> Self {
        Self::delete(format!("{}/{name}", policies_path(namespace)), json!({}))
    }

    /// Changes whom a network policy is about. `selector` is that of `spec.podSelector.matchExpressions`.
    pub fn reselect_policy(namespace: &str, name: &str, expressions: &Value) -> Self {
        Self {
            verb: Verb::Merge,
            path: format!("{}/{name}", policies_path(namespace)),
            body: json!({"spec": {"podSelector": {"matchExpressions": expressions}}}),
        }
    }

    fn delete(path: String, body: Value) -> Self {
        Self { verb: Verb::Delete, path, body }
    }

    /// The request. With `dry_run` the server checks everything (rights, admission, preconditions) and changes nothing.
    ///
    /// Of a `DELETE` with a body the server reads only the body's options, and no longer the query: a dry run that stood there
    /// alone would delete.
    pub fn request(&self, dry_run: bool) -> Request<Vec<u8>> {
        let (method, content) = match self.verb {
            Verb::Create => ("POST", "application/json"),
            Verb::Replace => ("PUT", "application/json"),
            Verb::Merge => ("PATCH", "application/merge-patch+json"),
            Verb::Strategic => ("PATCH", "application/strategic-merge-patch+json"),
            Verb::Delete => ("DELETE", "application/json"),
        };
        let query = if dry_run { "?dryRun=All" } else { "" };
        let mut body = self.body.clone();
        if dry_run && self.verb == Verb::Delete {
            body["dryRun"] = json!(["All"]);
        }
        Request::builder()
            .method(method)
            .uri(format!("{}{query}", self.path))
            .header("content-type", content)
            .body(body.to_string().into_bytes())
            .expect("names of Kubernetes objects make a path")
    }

    /// The right that it takes.
    pub fn right(&self) -> Right {
        let verb = match self.verb {
            Verb::Create => "create",
            Verb::Replace => "update",
            Verb::Merge | Verb::Strategic => "patch",
            Verb::Delete => "delete",
        };
        Right::of_path(verb, &self.path)
    }
}

/// As in a log of the API server: `DELETE /api/v1/namespaces/... {"preconditions":...}`.
impl fmt::Display for ApiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match self.verb {
            Verb::Create => "POST",
            Verb::Replace => "PUT",
            Verb::Merge | Verb::Strategic => "PATCH",
            Verb::Delete => "DELETE",
        };
        write!(f, "{method} {} {}", self.path, self.body)
    }
}

fn workload_path(namespace: &str, workload: &Workload) -> String {
    let kind = match workload.kind {
        Kind::StatefulSet => "statefulsets",
        Kind::Deployment => "deployments",
    };
    format!("/apis/apps/v1/namespaces/{namespace}/{kind}/{}", workload.name)
}

fn policies_path(namespace: &str) -> String {
    format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies")
}
