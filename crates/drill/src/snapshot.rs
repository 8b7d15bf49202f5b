//! What there is before a drill: pods, workloads, budgets, and what each servidor says of itself. Faults choose their targets
//! from this, without asking anything more.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ContainerStatus;
use papo_witness::View;

use crate::names::component;

/// How many entries a healthy servidor may be behind while others write.
const LAG: u64 = 1_000;

/// A picture of one install.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Its namespace.
    pub namespace: String,
    /// Its release name.
    pub release: String,
    /// Every pod of it, by name.
    pub pods: Vec<Pod>,
    /// What each servidor said of itself.
    pub view: View,
    /// What makes the pods.
    pub workloads: Vec<Workload>,
    /// Disruption budgets.
    pub budgets: Vec<Budget>,
    /// Volume claims.
    pub claims: Vec<Claim>,
    /// Network policies that allow something.
    pub policies: Vec<Policy>,
    /// Where servidores may be put.
    pub scheduling: Scheduling,
    /// What the drill hooks of each servidor answered; absent where there are none, or nobody asked.
    pub hooks: BTreeMap<String, serde_json::Value>,
    /// Of each servidor that offers hooks which did not answer now: why, in a sentence. Asked again they may.
    pub silent_hooks: Vec<String>,
}

/// Where servidores may be put. Not looked at: what else may keep a pod from a node, such as too little memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scheduling {
    /// Whether no two of them may be on one node.
    pub apart: bool,
    /// The nodes that take one; `None` where nobody looked, or nodes may not be listed.
    pub nodes: Option<Vec<String>>,
}

/// A pod, as far as drills care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its name; for a servidor, its name in the chat too.
    pub name: String,
    /// What tells it from earlier and later pods of that name.
    pub uid: String,
    /// What it is: see [`component`].
    pub component: String,
    /// The node that it runs on.
    pub node: Option<String>,
    /// Its address.
    pub ip: Option<String>,
    /// Whether it is ready.
    pub ready: bool,
    /// Whether its containers run.
    pub running: bool,
    /// Whether it is being deleted.
    pub leaving: bool,
    /// How often its containers were started again.
    pub restarts: i32,
    /// Its first container.
    pub container: String,
    /// The image of that.
    pub image: String,
    /// Why a container of it does not start, such as `ImagePullBackOff`.
    pub waiting: Option<String>,
    /// The claims that it mounts.
    pub claims: Vec<String>,
    /// Whether it names the port of the drill hooks.
    pub offers_hooks: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// What makes pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Which kind of object it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What its pods are.
    pub component: String,
    /// How many pods it is to have.
    pub replicas: i32,
    /// Its first container's name.
    pub container: String,
    /// Its first container's image.
    pub image: String,
}

/// The kinds of [`Workload`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pods with names and volumes.
    StatefulSet,
    /// Pods that are all alike.
    Deployment,
}

/// A disruption budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// Whom it protects.
    pub component: String,
    /// How many of them may be evicted now.
    pub allowed: i32,
}

/// A claim to a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// What tells it from its successor.
    pub uid: String,
}

/// A network policy that allows something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Labels that it asks of pods.
    pub labels: BTreeMap<String, String>,
    /// Its other conditions, as they stand; `Null` without any.
    pub expressions: serde_json::Value,
}

impl Snapshot {
    /// The pods of a component that are not being deleted.
    pub fn of<'a>(&'a self, component: &str) -> impl Iterator<Item = &'a Pod> + use<'a> {
        let component = component.to_owned();
        self.pods.iter().filter(move |pod| pod.component == component && !pod.leaving)
    }

    /// What makes the pods of a component.
    pub fn workload(&self, component: &str) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.component == component)
    }

    /// How many servidores there are to be.
    pub fn servidores(&self) -> usize {
        let wanted = self.workload(component::SERVIDOR).map_or(0, |workload| workload.replicas);
        usize::try_from(wanted).unwrap_or(0)
    }

    /// How many servidores may be lost while the rest is still a majority.
    pub fn minority(&self) -> usize {
        self.servidores().saturating_sub(1) / 2
    }

    /// The pod of the servidor that coordinates.
    pub fn coordinator(&self) -> Option<&Pod> {
        let reign = self.view.coordinator()?;
        self.of(component::SERVIDOR).find(|pod| pod.name == reign.coordinator)
    }

    /// The pods of the servidores that follow.
    pub fn followers(&self) -> Vec<&Pod> {
        let following = self.view.followers();
        self.of(component::SERVIDOR).filter(|pod| following.contains(&pod.name)).collect()
    }

    /// What is not as it should be, one sentence each; empty when all is well.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self.workloads.iter().filter_map(|one| self.missing(one)).collect();
        complaints.extend(self.view.flaw(LAG));
        complaints.extend(self.silent_hooks.iter().cloned());
        complaints
    }

    fn missing(&self, workload: &Workload) -> Option<String> {
        let ready = self.of(&workload.component).filter(|pod| pod.ready).count();
        if usize::try_from(workload.replicas) == Ok(ready) {
            return None;
        }
        Some(format!("{ready} pods of {} are ready, not {}", workload.name, workload.replicas))
    }
}

impl Pod {
    /// Reads a pod off what the API tells.
    pub fn read(pod: &k8s_openapi::api::core::v1::Pod) -> Self {
        let meta = &pod.metadata;
        let labels = meta.labels.clone().unwrap_or_default();
        let spec = pod.spec.clone().unwrap_or_default();
        let status = pod.status.clone().unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let containers: Vec<ContainerStatus> = status.container_statuses.unwrap_or_default();
        let waiting = |one: &ContainerStatus| one.state.as_ref()?.waiting.as_ref()?.reason.clone();
        let runs = |one: &ContainerStatus| one.state.as_ref().is_some_and(|state| state.running.is_some());
        let first = spec.containers.first();
        let mut ports = spec.containers.iter().flat_map(|one| one.ports.iter().flatten());
        let offers_hooks = ports.any(|one| one.container_port == i32::from(crate::names::port::HOOKS));
        let claims = spec.volumes.unwrap_or_default().into_iter();
        Self {
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            component: labels.get(crate::names::COMPONENT_LABEL).cloned().unwrap_or_default(),
            node: spec.node_name,
            ip: status.pod_ip,
            ready: conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True"),
            running: !containers.is_empty() && containers.iter().all(runs),
            leaving: meta.deletion_timestamp.is_some(),
            restarts: containers.iter().map(|one| one.restart_count).sum(),
            container: first.map(|one| one.name.clone()).unwrap_or_default(),
            image: first.and_then(|one| one.image.clone()).unwrap_or_default(),
            waiting: containers.iter().find_map(waiting),
            claims: claims.filter_map(|volume| Some(volume.persistent_volume_claim?.claim_name)).collect(),
            offers_hooks,
            labels,
        }
    }
}
