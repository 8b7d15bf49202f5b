//! Does the steps of a plan.

use std::process::Stdio;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod as ApiPod;
use kube::Api;
use kube::api::AttachParams;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::api_call::{ApiCall, Verb};
use crate::connect::{Connection, Trouble, asked};
use crate::hook;
use crate::members::Members;
use crate::pod_watch::PodWatch;
use crate::snapshot::Pod;
use crate::step::{PodRef, Step};

/// How long a command in a container, or one that switches a node, may take, and servidores until they are gone.
const COMMAND: Duration = Duration::from_secs(120);

/// The commands that take nodes away and bring them back, with `{node}` for the node's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeCommands {
    /// Takes it away.
    pub off: Option<String>,
    /// Brings it back.
    pub on: Option<String>,
}

/// Does steps; clones do them in the same cluster.
#[derive(Clone)]
pub struct Executor {
    /// The cluster.
    pub connection: Connection,
    /// Its pods.
    pub pod_watch: PodWatch,
    /// For nodes.
    pub nodes: NodeCommands,
    /// For who counts.
    pub members: Members,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Done,
    /// There was no need any more; why.
    Moot(String),
}

impl Executor {
    /// Does a step. [`Trouble::Gone`] and [`Trouble::Conflict`] mean that its target is no longer the one that was chosen.
    pub async fn execute(&self, step: &Step) -> Result<Done, Trouble> {
        match step {
            Step::Call { call } => self.ask(call, false).await?,
            Step::Hook { pod, path, body } => {
                hook::order(&self.connection, &self.same(pod)?, path, body).await?;
            }
            Step::Exec { pod, container, command } => self.exec(&self.same(pod)?, container, command).await?,
            Step::Resize { names, calls } => self.resize(names, calls).await?,
            Step::Unstick { component, image } => return self.unstick(component, image).await,
            Step::NodeOff { node } => run(self.nodes.off.as_deref(), "--node-off", node).await?,
            Step::NodeOn { node } => run(self.nodes.on.as_deref(), "--node-on", node).await?,
        }
        Ok(Done::Done)
    }

    /// Undoes: the same, but a target that is gone took what was done to it with it.
    pub async fn undo(&self, step: &Step) -> Result<Done, Trouble> {
        match self.execute(step).await {
            Err(Trouble::Gone(why)) => Ok(Done::Moot(why)),
            other => other,
        }
    }

    /// Asks the API for a change, or whether it would do it.
    pub async fn ask(&self, call: &ApiCall, dry_run: bool) -> Result<(), Trouble> {
        let answer = self.connection.client.request::<Value>(call.request(dry_run));
        asked(answer).await.map(drop)
    }

    /// The pod as it is now, if it is still the same.
    fn same(&self, pod: &PodRef) -> Result<Pod, Trouble> {
        self.pod_watch
            .by_uid(&pod.uid)
            .ok_or_else(|| Trouble::Gone(format!("{} is no longer that pod", pod.name)))
    }

    async fn exec(&self, pod: &Pod, container: &str, command: &[String]) -> Result<(), Trouble> {
        let api: Api<ApiPod> = Api::namespaced(self.connection.client.clone(), &self.connection.namespace);
        let params = AttachParams::default().container(container).stdin(false).stdout(true).stderr(true);
        let mut process = asked(api.exec(&pod.name, command, &params)).await?;
        let status = process.take_status();
        let mut said = String::new();
        let (mut out, mut err) = (process.stdout(), process.stderr());
        let talk = async {
            let mut both = (String::new(), String::new());
            let read_out = async {
                match out.as_mut() {
                    Some(out) => out.read_to_string(&mut both.0).await.map(drop),
                    None => Ok(()),
                }
            };
            let read_err = async {
                match err.as_mut() {
                    Some(err) => err.read_to_string(&mut both.1).await.map(drop),
                    None => Ok(()),
                }
            };
            let read = tokio::join!(read_out, read_err);
            if let (Err(error), _) | (_, Err(error)) = read {
                tracing::debug!(%error, "the output of a command was cut short");
            }
            said = both.1;
            match status {
                Some(status) => status.await,
                None => None,
            }
        };
        let status = tokio::time::timeout(COMMAND, talk).await;
        let about = || format!("{} in {}", command.join(" "), pod.name);
        match status {
            Ok(Some(status)) if status.status.as_deref() == Some("Success") => Ok(()),
            Ok(Some(status)) => Err(Trouble::Denied(format!(
                "{}: {} {}",
                about(),
                status.message.unwrap_or_default(),
                said.trim()
            ))),
            Ok(None) => Err(Trouble::Away(format!("{}: it was cut off", about()))),
            Err(_) => Err(Trouble::Away(format!("{}: no end within {} s", about(), COMMAND.as_secs()))),
        }
    }

    async fn resize(&self, names: &[String], calls: &[ApiCall]) -> Result<(), Trouble> {
        self.members.set(names, COMMAND).await?;
        for call in calls {
            match self.ask(call, false).await {
                // Nobody has to take it away any more.
                Err(Trouble::Gone(_)) if call.verb == Verb::Delete => {}
                other => other?,
            }
        }
        Ok(())
    }

    async fn unstick(&self, component: &str, image: &str) -> Result<Done, Trouble> {
        let pods = self.pod_watch.pods().into_iter();
        let stuck: Vec<Pod> = pods.filter(|pod| pod.component == component && pod.image == image).collect();
        for pod in &stuck {
            match self.ask(&ApiCall::kill_pod(&self.connection.namespace, pod), false).await {
                // Somebody else was faster.
                Ok(()) | Err(Trouble::Gone(_) | Trouble::Conflict(_)) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        if stuck.is_empty() { Ok(Done::Moot("no pod is stuck".to_owned())) } else { Ok(Done::Done) }
    }
}

async fn run(command: Option<&str>, option: &str, node: &str) -> Result<(), Trouble> {
    let Some(command) = command else {
        return Err(Trouble::Denied(format!("node {node}: it takes {option} to say how")));
    };
    let command = command.replace("{node}", node);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // Not the drill's own process group: Ctrl-C is for the drill, which then undoes.
    shell.process_group(0);
    let ended = match tokio::time::timeout(COMMAND, shell.output()).await {
        Ok(ended) => ended.map_err(|error| Trouble::Denied(format!("{command}: {error}")))?,
        Err(_) => return Err(Trouble::Away(format!("{command}: no end within {} s", COMMAND.as_secs()))),
    };
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(Trouble::Denied(format!(
        "{command}: {}: {}",
        ended.status,
        said.trim().lines().last().unwrap_or_default()
    )))
}
