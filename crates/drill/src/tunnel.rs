//! An address on this machine that leads to a kind of pod for as long as the drill lives, though pods come and go.
//!
//! A tunnel is a listener on 127.0.0.1. Each connection to it is led to a pod that serves at that moment: through the API's
//! port-forwarding from outside of the cluster, directly from inside. It ends when its pod does, and whoever connects again gets
//! another. So the load outside sees what a client of a Service sees.
//!
//! Not done here: noticing that a node is silent. Such a connection stays open until the client gives it up.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod as ApiPod;
use kube::Api;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::connect::{Connection, Trouble};
use crate::pod_watch::PodWatch;
use crate::snapshot::Pod;

/// How long reaching one pod may take before the next is tried.
const DIAL: Duration = Duration::from_secs(1);
/// How long a connection waits for a pod that serves, before it is closed again.
const GRACE: Duration = Duration::from_millis(500);

/// Where connections lead.
#[derive(Clone, Debug)]
pub enum Toward {
    /// To any ready pod of a component, in turn.
    Any(&'static str),
    /// To the pod of this name, ready or not.
    Named(String),
}

/// A way to a port of pods. It closes when dropped.
pub struct Tunnel {
    address: SocketAddr,
    listener: JoinHandle<()>,
}

/// Both directions of a connection to a pod.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Route {
    connection: Connection,
    pod_watch: PodWatch,
    toward: Toward,
    port: u16,
    turn: AtomicUsize,
}

impl Tunnel {
    /// Listens. `turn` is where to begin among several pods, so that two tunnels to one component do not lead to the same pod.
    ///
    /// # Errors
    /// The system has no port left on the loopback.
    pub async fn open(
        connection: &Connection,
        pod_watch: &PodWatch,
        toward: Toward,
        port: u16,
        turn: usize,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let route = Arc::new(Route {
            connection: connection.clone(),
            pod_watch: pod_watch.clone(),
            toward,
            port,
            turn: AtomicUsize::new(turn),
        });
        let listener = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((client, _)) => drop(tokio::spawn(route.clone().lead(client))),
                    Err(error) => {
                        tracing::warn!(%error, "a tunnel could not take a connection");
                        tokio::time::sleep(GRACE).await;
                    }
                }
            }
        });
        Ok(Self { address, listener })
    }

    /// Where to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Route {
    async fn lead(self: Arc<Self>, mut client: TcpStream) {
        let Some((pod, mut way)) = self.reach().await else { return };
        let uid = pod.uid.clone();
        if let Err(error) = client.set_nodelay(true) {
            tracing::debug!(%error, "small packets may wait");
        }
        tokio::select! {
            ended = copy_bidirectional(&mut client, &mut way) => {
                tracing::debug!(pod = pod.name, ?ended, "a connection ended");
            }
            () = self.pod_watch.gone(&uid) => tracing::debug!(pod = pod.name, "a connection lost its pod"),
        }
    }

    /// A connection to the first pod that can be reached, of those that serve now or soon.
    async fn reach(&self) -> Option<(Pod, Box<dyn Stream>)> {
        self.pod_watch.until(GRACE, |pods| pods.iter().any(|pod| self.serves(pod))).await;
        for pod in self.candidates() {
            match tokio::time::timeout(DIAL, dial(&self.connection, &pod, self.port)).await {
                Ok(Ok(way)) => return Some((pod, way)),
                Ok(Err(trouble)) => tracing::debug!(pod = pod.name, %trouble, "no way to a pod"),
                Err(_) => tracing::debug!(pod = pod.name, "no way to a pod in time"),
            }
        }
        None
    }

    fn candidates(&self) -> Vec<Pod> {
        let mut pods: Vec<Pod> = self.pod_watch.pods().into_iter().filter(|pod| self.serves(pod)).collect();
        if !pods.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % pods.len();
            pods.rotate_left(turn);
        }
        pods
    }

    fn serves(&self, pod: &Pod) -> bool {
        match &self.toward {
            Toward::Any(component) => pod.component == *component && pod.ready && !pod.leaving,
            Toward::Named(name) => pod.name == *name && pod.running,
        }
    }
}

/// Connects to a port of a pod.
///
/// # Errors
/// The pod is gone, or cannot be reached.
pub async fn dial(connection: &Connection, pod: &Pod, port: u16) -> Result<Box<dyn Stream>, Trouble> {
    if connection.inside {
        let ip = pod.ip.as_deref().ok_or_else(|| Trouble::Gone(format!("{} has no address", pod.name)))?;
        let ip: std::net::IpAddr =
            ip.parse().map_err(|_| Trouble::Away(format!("{ip} is no address of {}", pod.name)))?;
        let stream = TcpStream::connect((ip, port)).await;
        let stream = stream.map_err(|error| Trouble::Away(format!("{}: {error}", pod.name)))?;
        return Ok(Box::new(stream));
    }
    let api: Api<ApiPod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let mut forwarder = api.portforward(&pod.name, &[port]).await?;
    let stream = forwarder.take_stream(port);
    let stream = stream.ok_or_else(|| Trouble::Away(format!("{} forwards no port", pod.name)))?;
    Ok(Box::new(stream))
}
