//! The pods of an install, kept up to date by a watch.
//!
//! Not done here: telling apart that nothing changes from that the API server is away. The picture then stays as it was, and the
//! watch goes on when the server is back.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod as ApiPod;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::connect::Connection;
use crate::names;
use crate::snapshot::Pod;

/// All pods of one install, by UID, as of now. Clones are the same watch, which ends with the last of them.
#[derive(Clone)]
pub struct PodWatch {
    pods: watch::Receiver<Pods>,
    _task: Arc<Task>,
}

type Pods = Arc<BTreeMap<String, Pod>>;

struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl PodWatch {
    /// Starts to watch. There are no pods until the first list is there: see [`PodWatch::until`].
    pub fn start(connection: &Connection, release: &str) -> Self {
        let api: Api<ApiPod> = Api::namespaced(connection.client.clone(), &connection.namespace);
        let config = watcher::Config::default().labels(&names::selector(release));
        let (sender, pods) = watch::channel(Pods::default());
        let task = tokio::spawn(async move {
            let mut events = pin!(watcher::watcher(api, config).default_backoff());
            let mut fresh = BTreeMap::new();
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) => take(event, &mut fresh, &sender),
                    Err(error) => tracing::debug!(%error, "the watch of the pods was interrupted"),
                }
            }
        });
        Self { pods, _task: Arc::new(Task(task)) }
    }

    /// One of given pods, which never change: for tests.
    pub fn fixed(pods: impl IntoIterator<Item = Pod>) -> Self {
        let pods: BTreeMap<_, _> = pods.into_iter().map(|pod| (pod.uid.clone(), pod)).collect();
        let (_, pods) = watch::channel(Arc::new(pods));
        Self { pods, _task: Arc::new(Task(tokio::spawn(async {}))) }
    }

    /// The pods as of now.
    pub fn pods(&self) -> Vec<Pod> {
        self.pods.borrow().values().cloned().collect()
    }

    /// A pod by its UID.
    pub fn by_uid(&self, uid: &str) -> Option<Pod> {
        self.pods.borrow().get(uid).cloned()
    }

    /// The pod that has a name now: of several, the one that is not being deleted.
    pub fn by_name(&self, name: &str) -> Option<Pod> {
        let pods = self.pods.borrow();
        let named = pods.values().filter(|pod| pod.name == name);
        named.min_by_key(|pod| pod.leaving).cloned()
    }

    /// Waits until `condition` holds of the pods. False if it does not within `limit`.
    pub async fn until(&self, limit: Duration, condition: impl Fn(&[Pod]) -> bool) -> bool {
        let mut pods = self.pods.clone();
        let holds = |pods: &Pods| condition(&pods.values().cloned().collect::<Vec<_>>());
        matches!(tokio::time::timeout(limit, pods.wait_for(holds)).await, Ok(Ok(_)))
    }

    /// Returns as soon as the pod is no more.
    pub async fn gone(&self, uid: &str) {
        let mut pods = self.pods.clone();
        // When nobody watches any more, nobody can say.
        if pods.wait_for(|pods| !pods.contains_key(uid)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn take(event: Event<ApiPod>, fresh: &mut BTreeMap<String, Pod>, sender: &watch::Sender<Pods>) {
    let entry = |pod: &ApiPod| (pod.uid().unwrap_or_default(), Pod::read(pod));
    match event {
        Event::Init => fresh.clear(),
        Event::InitApply(pod) => {
            let (uid, pod) = entry(&pod);
            fresh.insert(uid, pod);
        }
        Event::InitDone => drop(sender.send_replace(Arc::new(std::mem::take(fresh)))),
        Event::Apply(pod) => sender.send_modify(|pods| {
            let (uid, pod) = entry(&pod);
            Arc::make_mut(pods).insert(uid, pod);
        }),
        Event::Delete(pod) => sender.send_modify(|pods| {
            Arc::make_mut(pods).remove(&entry(&pod).0);
        }),
    }
}
