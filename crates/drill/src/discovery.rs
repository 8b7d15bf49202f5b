//! Discovery of an install: which release there is, what belongs to it, and what the servidores say.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod as ApiPod, PodSpec};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::ListParams;
use kube::core::NamespaceResourceScope;
use kube::{Api, Resource, ResourceExt};
use papo_witness::{Reach, View};
use serde::de::DeserializeOwned;

use crate::connect::{Connection, Trouble, asked};
use crate::faults::LooksAt;
use crate::hook;
use crate::names::{self, component, port};
use crate::pod_watch::PodWatch;
use crate::scheduling::{are_kept_apart, takes};
use crate::snapshot::{Budget, Claim, Kind, Policy, Scheduling, Snapshot, Workload};
use crate::stop::Stop;
use crate::tunnel::{Toward, Tunnel};

/// How long the first list of pods may take.
const FIRST_LIST: Duration = Duration::from_secs(10);
/// How many ways there are to brokers, and to proxies: two, so that a client that loses one has another.
const WAYS: usize = 2;

/// An install that can be looked at, with ways into it.
pub struct Site {
    /// The cluster.
    pub connection: Connection,
    /// The release.
    pub release: String,
    /// Its pods.
    pub pod_watch: PodWatch,
    /// Where its services are reached from here.
    pub reach: Reach,
    _tunnels: Vec<Tunnel>,
}

/// Which release is meant: the one that is named, or the only one that there is.
///
/// # Errors
/// [`Stop::Refused`] where there is none, [`Stop::Usage`] where there are several, [`Stop::Config`] without an API server.
pub async fn release(connection: &Connection, named: Option<&str>) -> Result<String, Stop> {
    let of_papo = ListParams::default().labels(&format!("{}={}", names::NAME_LABEL, names::NAME));
    let pods: Api<ApiPod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let pods = asked(pods.list(&of_papo)).await.map_err(|trouble| unreachable(&trouble))?;
    let label = |pod: &ApiPod, label: &str| pod.labels().get(label).cloned();
    let releases: BTreeSet<String> = pods
        .iter()
        .filter(|pod| label(pod, names::COMPONENT_LABEL).as_deref() == Some(component::SERVIDOR))
        .filter_map(|pod| label(pod, names::INSTANCE_LABEL))
        .collect();
    let namespace = &connection.namespace;
    let all = releases.iter().cloned().collect::<Vec<_>>().join(", ");
    match (named, releases.len()) {
        (Some(named), _) if releases.contains(named) => Ok(named.to_owned()),
        (_, 0) => Err(Stop::Refused(format!("there is no Papo in namespace {namespace}"))),
        (Some(named), _) => {
            Err(Stop::Refused(format!("there is no release {named} in namespace {namespace}, but {all}")))
        }
        (None, 1) => Ok(all),
        (None, _) => Err(Stop::Usage(format!(
            "there are several releases in namespace {namespace}: {all}; say which with --release"
        ))),
    }
}

impl Site {
    /// Opens ways into an install.
    pub async fn open(connection: Connection, release: String) -> Result<Self, Stop> {
        let pod_watch = PodWatch::start(&connection, &release);
        if !pod_watch.until(FIRST_LIST, |pods| !pods.is_empty()).await {
            return Err(Stop::Config("the pods cannot be watched".to_owned()));
        }
        let (workloads, _) =
            workloads(&connection, &release).await.map_err(|trouble| unreachable(&trouble))?;
        let servidores = workloads
            .iter()
            .filter(|one| one.component == component::SERVIDOR && one.kind == Kind::StatefulSet)
            .flat_map(|one| (0..one.replicas).map(move |ordinal| format!("{}-{ordinal}", one.name)));
        let mut reach = Reach::default();
        let mut tunnels = Vec::new();
        let mut open = async |toward, port, turn| {
            let tunnel = Tunnel::open(&connection, &pod_watch, toward, port, turn).await;
            let tunnel = tunnel.map_err(|error| no_port(&error))?;
            let address = tunnel.address();
            tunnels.push(tunnel);
            Ok::<_, Stop>(address)
        };
        for turn in 0..WAYS {
            reach.brokers.push(open(Toward::Any(component::BROKER), port::CLIENT, turn).await?);
            reach.proxies.push(open(Toward::Any(component::PROXY), port::SUBSCRIBER, turn).await?);
        }
        for name in servidores {
            let address = open(Toward::Named(name.clone()), port::REPLICA, 0).await?;
            reach.servidores.insert(name, address);
        }
        Ok(Self { connection, release, pod_watch, reach, _tunnels: tunnels })
    }

    /// One that is reached by ways of somebody else's making: for tests.
    pub fn of(connection: Connection, release: &str, pod_watch: PodWatch, reach: Reach) -> Self {
        Self { connection, release: release.to_owned(), pod_watch, reach, _tunnels: Vec::new() }
    }

    /// Ways to those of these servidores that are not there yet.
    pub async fn ways(
        &self,
        names: &BTreeSet<&str>,
    ) -> Result<(BTreeMap<String, SocketAddr>, Vec<Tunnel>), Stop> {
        let (mut ways, mut tunnels) = (BTreeMap::new(), Vec::new());
        for name in names.iter().filter(|name| !self.reach.servidores.contains_key(**name)) {
            let toward = Toward::Named((*name).to_owned());
            let tunnel = Tunnel::open(&self.connection, &self.pod_watch, toward, port::REPLICA, 0).await;
            let tunnel = tunnel.map_err(|error| no_port(&error))?;
            ways.insert((*name).to_owned(), tunnel.address());
            tunnels.push(tunnel);
        }
        Ok((ways, tunnels))
    }

    /// What there is. `view` is what the servidores said.
    pub async fn snapshot(&self, view: View, looks_at: LooksAt) -> Result<Snapshot, Stop> {
        self.look(view, looks_at).await.map_err(|trouble| unreachable(&trouble))
    }

    async fn look(&self, view: View, looks_at: LooksAt) -> Result<Snapshot, Trouble> {
        let (connection, release) = (&self.connection, &self.release);
        let (workloads, servidores) = workloads(connection, release).await?;
        let mut snapshot = Snapshot {
            namespace: connection.namespace.clone(),
            release: release.clone(),
            pods: self.pod_watch.pods(),
            view,
            workloads,
            budgets: budgets(connection, release).await?,
            claims: claims(connection).await?,
            ..Snapshot::default()
        };
        snapshot.pods.sort_by(|a, b| a.name.cmp(&b.name));
        match looks_at {
            LooksAt::Nothing => {}
            LooksAt::Policies => snapshot.policies = policies(connection, release).await?,
            LooksAt::Hooks => self.look_at_hooks(&mut snapshot).await,
            LooksAt::Nodes => snapshot.scheduling = scheduling(connection, &servidores).await?,
            LooksAt::Everything => {
                // Who may not list policies is told so by the rights of the drill that takes them.
                snapshot.policies = if_allowed(policies(connection, release).await)?.unwrap_or_default();
                snapshot.scheduling = scheduling(connection, &servidores).await?;
                self.look_at_hooks(&mut snapshot).await;
            }
        }
        Ok(snapshot)
    }

    async fn look_at_hooks(&self, snapshot: &mut Snapshot) {
        let (mut hooks, mut silent) = (BTreeMap::new(), Vec::new());
        for pod in snapshot.of(component::SERVIDOR) {
            match hook::look(&self.connection, pod).await {
                Ok(answer) => drop(hooks.insert(pod.name.clone(), answer)),
                Err(Trouble::Gone(why)) => tracing::debug!(pod = pod.name, why, "no drill hooks"),
                // Where none are offered, a network policy may keep everybody from that port: then nothing ever says so.
                Err(trouble) if !pod.offers_hooks => {
                    tracing::debug!(pod = pod.name, %trouble, "no drill hooks");
                }
                Err(trouble) => {
                    silent.push(format!("the drill hooks of {} cannot be asked: {trouble}", pod.name));
                }
            }
        }
        (snapshot.hooks, snapshot.silent_hooks) = (hooks, silent);
    }
}

/// What makes the pods of a release, and what its servidores are made from.
async fn workloads(connection: &Connection, release: &str) -> Result<(Vec<Workload>, PodSpec), Trouble> {
    let read = |kind,
                name: String,
                labels: &BTreeMap<String, String>,
                replicas: Option<i32>,
                pods: Option<PodSpec>| {
        let first = pods.and_then(|spec| spec.containers.into_iter().next()).unwrap_or_default();
        Workload {
            kind,
            name,
            component: labels.get(names::COMPONENT_LABEL).cloned().unwrap_or_default(),
            replicas: replicas.unwrap_or(1),
            container: first.name,
            image: first.image.unwrap_or_default(),
        }
    };
    let mut found = Vec::new();
    let mut servidores = PodSpec::default();
    for one in list::<StatefulSet>(connection, Some(release)).await? {
        let (name, labels, spec) = (one.name_any(), one.labels().clone(), one.spec.unwrap_or_default());
        if labels.get(names::COMPONENT_LABEL).map(String::as_str) == Some(component::SERVIDOR) {
            servidores = spec.template.spec.clone().unwrap_or_default();
        }
        found.push(read(Kind::StatefulSet, name, &labels, spec.replicas, spec.template.spec));
    }
    for one in list::<Deployment>(connection, Some(release)).await? {
        let (name, labels, spec) = (one.name_any(), one.labels().clone(), one.spec.unwrap_or_default());
        found.push(read(Kind::Deployment, name, &labels, spec.replicas, spec.template.spec));
    }
    Ok((found, servidores))
}

/// Nodes are only listed where it matters: the right to do so is one on the whole cluster.
async fn scheduling(connection: &Connection, servidores: &PodSpec) -> Result<Scheduling, Trouble> {
    if !are_kept_apart(servidores) {
        return Ok(Scheduling::default());
    }
    let api: Api<Node> = Api::all(connection.client.clone());
    let nodes = if_allowed(asked(api.list(&ListParams::default())).await)?;
    let names = nodes.map(|nodes| {
        nodes.iter().filter(|node| takes(node, servidores)).map(ResourceExt::name_any).collect()
    });
    Ok(Scheduling { apart: true, nodes: names })
}

/// `None` for what the server does not let this account see.
fn if_allowed<T>(answer: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Trouble::Denied(why)) => {
            tracing::debug!(why, "not looked at");
            Ok(None)
        }
        Err(trouble) => Err(trouble),
    }
}

async fn budgets(connection: &Connection, release: &str) -> Result<Vec<Budget>, Trouble> {
    let budgets = list::<PodDisruptionBudget>(connection, Some(release)).await?;
    let read = |budget: PodDisruptionBudget| Budget {
        name: budget.name_any(),
        component: budget.labels().get(names::COMPONENT_LABEL).cloned().unwrap_or_default(),
        allowed: budget.status.map_or(0, |status| status.disruptions_allowed),
    };
    Ok(budgets.into_iter().map(read).collect())
}

async fn claims(connection: &Connection) -> Result<Vec<Claim>, Trouble> {
    // All of the namespace: a StatefulSet's claims need not have its labels. Pods say which are theirs.
    let claims = list::<PersistentVolumeClaim>(connection, None).await?;
    Ok(claims.iter().map(|one| Claim { name: one.name_any(), uid: one.uid().unwrap_or_default() }).collect())
}

async fn policies(connection: &Connection, release: &str) -> Result<Vec<Policy>, Trouble> {
    let policies = list::<NetworkPolicy>(connection, Some(release)).await?;
    let allows = |policy: &NetworkPolicy| {
        let spec = policy.spec.as_ref();
        spec.is_some_and(|spec| {
            spec.ingress.as_ref().is_some_and(|rules| !rules.is_empty())
                || spec.egress.as_ref().is_some_and(|rules| !rules.is_empty())
        })
    };
    let read = |policy: NetworkPolicy| {
        let name = policy.name_any();
        let selector = policy.spec.and_then(|spec| spec.pod_selector).unwrap_or_default();
        let expressions =
            selector.match_expressions.and_then(|expressions| serde_json::to_value(expressions).ok());
        Policy {
            name,
            labels: selector.match_labels.unwrap_or_default(),
            expressions: expressions.unwrap_or_default(),
        }
    };
    Ok(policies.into_iter().filter(allows).map(read).collect())
}

async fn list<K>(connection: &Connection, release: Option<&str>) -> Result<Vec<K>, Trouble>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let mut params = ListParams::default();
    if let Some(release) = release {
        params = params.labels(&names::selector(release));
    }
    Ok(asked(api.list(&params)).await?.items)
}

fn no_port(error: &std::io::Error) -> Stop {
    Stop::Config(format!("no port is free on 127.0.0.1: {error}"))
}

fn unreachable(trouble: &Trouble) -> Stop {
    Stop::Config(trouble.to_string())
}
