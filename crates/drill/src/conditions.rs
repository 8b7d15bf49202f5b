//! Conditions of a plan, held against the cluster: whether something can be seen there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use papo_witness::View;
use serde_json::Value;

use crate::connect::{Connection, Trouble, asked};
use crate::hook;
use crate::plan::Condition;
use crate::pod_watch::PodWatch;
use crate::snapshot::{Kind, Pod};
use crate::step::PodRef;

/// How often it is looked again.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// What Kubernetes says of an image that it cannot get.
const NO_IMAGE: [&str; 3] = ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"];

/// Holds conditions against the cluster: its API, its pods and its servidores.
#[derive(Clone)]
pub struct ConditionEvaluator {
    /// The cluster.
    pub connection: Connection,
    /// Its pods.
    pub pod_watch: PodWatch,
    /// What the servidores last said.
    pub view: Arc<dyn Fn() -> View + Send + Sync>,
}

impl ConditionEvaluator {
    /// Looks until the condition holds. False if it does not within `limit`.
    pub async fn wait_for(&self, condition: &Condition, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            match self.holds(condition).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(trouble) => tracing::debug!(%trouble, "not seen whether {condition}"),
            }
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Whether it holds now.
    pub async fn holds(&self, condition: &Condition) -> Result<bool, Trouble> {
        Ok(match condition {
            Condition::Gone(pods) => pods.iter().all(|pod| self.pod(pod).is_none()),
            Condition::Restarted { pod, above } => self.pod(pod).is_some_and(|pod| pod.restarts > *above),
            Condition::Hook { pod, key, is } => {
                let pod = self.pod(pod).ok_or_else(|| Trouble::Gone(format!("{} is gone", pod.name)))?;
                let says = hook::look(&self.connection, &pod).await?;
                same(&says[*key], is)
            }
            Condition::Node { node, ready } => self.node_is_ready(node).await? == *ready,
            Condition::RolledOut { kind, name, instead_of } => {
                instead_of.iter().all(|pod| self.pod(pod).is_none())
                    && self.is_rolled_out(*kind, name).await?
            }
            Condition::Count { component, ready } => {
                let pods = self.pod_watch.pods().into_iter();
                let pods: Vec<Pod> = pods.filter(|pod| pod.component == *component && !pod.leaving).collect();
                pods.len() == *ready && pods.iter().all(|pod| pod.ready)
            }
            Condition::Stuck { component, image } => self.pod_watch.pods().iter().any(|pod| {
                let waits = pod.waiting.as_deref().is_some_and(|why| NO_IMAGE.contains(&why));
                pod.component == *component && pod.image == *image && waits
            }),
            Condition::NewDisk { servidor, not } => {
                let view = (self.view)();
                let status = view.servidores.get(servidor).and_then(Option::as_ref);
                status.is_some_and(|status| status.disk != *not)
            }
            Condition::Succeeded { coordinator, epoch } => {
                let reign = (self.view)().coordinator();
                reign.is_some_and(|reign| reign.coordinator != *coordinator && reign.epoch > *epoch)
            }
            Condition::CutOff { servidor } => {
                let view = (self.view)();
                let status = view.servidores.get(servidor).and_then(Option::as_ref);
                status.is_some_and(|status| status.coordinator.is_empty())
            }
            Condition::Members { names } => (self.view)().counts_exactly(names),
        })
    }

    fn pod(&self, pod: &PodRef) -> Option<Pod> {
        self.pod_watch.by_uid(&pod.uid)
    }

    async fn node_is_ready(&self, node: &str) -> Result<bool, Trouble> {
        let nodes: Api<Node> = Api::all(self.connection.client.clone());
        let status = asked(nodes.get(node)).await?.status.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        Ok(conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True"))
    }

    async fn is_rolled_out(&self, kind: Kind, name: &str) -> Result<bool, Trouble> {
        let (client, namespace) = (self.connection.client.clone(), &self.connection.namespace);
        match kind {
            Kind::StatefulSet => {
                let set = asked(Api::<StatefulSet>::namespaced(client, namespace).get(name)).await?;
                let wanted = set.spec.and_then(|spec| spec.replicas).unwrap_or(1);
                let status = set.status.unwrap_or_default();
                Ok(status.observed_generation >= set.metadata.generation
                    && status.updated_replicas == Some(wanted)
                    && status.ready_replicas == Some(wanted)
                    && status.current_revision == status.update_revision)
            }
            Kind::Deployment => {
                let set = asked(Api::<Deployment>::namespaced(client, namespace).get(name)).await?;
                let wanted = set.spec.and_then(|spec| spec.replicas).unwrap_or(1);
                let status = set.status.unwrap_or_default();
                let all = [status.updated_replicas, status.available_replicas, status.replicas];
                Ok(status.observed_generation >= set.metadata.generation
                    && all.iter().all(|count| count.unwrap_or(0) == wanted))
            }
        }
    }
}

/// Lists of names are the same in any order.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().all(|item| other.contains(item))
        }
        _ => one == other,
    }
}
