//! The way to the cluster, and what can be wrong with it.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use thiserror::Error;

use crate::stop::Stop;

/// How long the API server may take for an answer. (Watches, port-forwards and commands in pods have limits of their own.)
const PATIENCE: Duration = Duration::from_secs(10);

/// What was said about where the cluster is.
#[derive(Clone, Debug, Default)]
pub struct Where {
    /// A file instead of `$KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// A context instead of the current one.
    pub context: Option<String>,
    /// A namespace instead of the context's.
    pub namespace: Option<String>,
}

/// A cluster, and the namespace in it that the drill is about.
#[derive(Clone)]
pub struct Connection {
    /// Talks to the API server.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
    /// Whether this process runs in a pod of that cluster: then pods are reached directly.
    pub inside: bool,
}

/// Why the API server did not do what it was asked.
#[derive(Debug, Error)]
pub enum Trouble {
    /// What it is about is not there, or no longer the one that was meant.
    #[error("{0}")]
    Gone(String),
    /// Somebody else changed it in the meantime.
    #[error("{0}")]
    Conflict(String),
    /// A disruption budget is against it (429).
    #[error("{0}")]
    Budget(String),
    /// The server says no, for good.
    #[error("{0}")]
    Denied(String),
    /// It does not answer, or not sensibly: worth another try.
    #[error("the API server cannot be reached: {0}")]
    Away(String),
}

/// Connects as `kubectl` does: a kubeconfig if there is one, else the service account of the pod that this runs in.
pub async fn connect(at: &Where) -> Result<Connection, Stop> {
    let (mut config, inside) = configure(at).await?;
    // The client would hide the refusal of an eviction (429) behind retries of its own.
    config.default_retry = false;
    let namespace = at.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config)
        .map_err(|error| Stop::Config(format!("the cluster's configuration cannot be used: {error}")))?;
    Ok(Connection { client, namespace, inside })
}

async fn configure(at: &Where) -> Result<(Config, bool), Stop> {
    let options = KubeConfigOptions { context: at.context.clone(), ..KubeConfigOptions::default() };
    let explicit =
        at.kubeconfig.is_some() || at.context.is_some() || std::env::var_os("KUBECONFIG").is_some();
    let read = match &at.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match read {
        Ok(kubeconfig) => kubeconfig,
        Err(_) if !explicit && let Ok(config) = Config::incluster() => return Ok((config, true)),
        Err(error) => return Err(Stop::Config(format!("no kubeconfig: {error}"))),
    };
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    match Config::from_custom_kubeconfig(kubeconfig, &options).await {
        Ok(config) => Ok((config, false)),
        Err(KubeconfigError::LoadContext(name)) => {
            Err(Stop::Config(format!("there is no context {name} (there is: {})", known.join(", "))))
        }
        Err(error) => Err(Stop::Config(format!("the kubeconfig cannot be used: {error}"))),
    }
}

/// Waits for the API server's answer, but not for ever.
pub async fn asked<T>(answer: impl Future<Output = kube::Result<T>>) -> Result<T, Trouble> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Trouble::Away(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

impl From<kube::Error> for Trouble {
    fn from(error: kube::Error) -> Self {
        let status = match error {
            kube::Error::Api(status) => status,
            other => return Self::Away(innermost(&other)),
        };
        let text = if status.message.is_empty() { status.reason.clone() } else { status.message.clone() };
        match status.code {
            404 | 410 => Self::Gone(text),
            409 => Self::Conflict(text),
            429 => Self::Budget(text),
            500..=599 => Self::Away(text),
            _ => Self::Denied(text),
        }
    }
}

/// The cause of a cause: "connection refused" says more than "service error".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}
