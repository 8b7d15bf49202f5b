//! One thing that is done to the system, as data: part of a plan, and of the journal that undoes it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api_call::ApiCall;
use crate::snapshot::Pod;

/// One thing to do. It is written into the journal as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// A request to the Kubernetes API.
    Call {
        /// The request.
        call: ApiCall,
    },
    /// A request to a servidor's drill hooks.
    Hook {
        /// Which servidor.
        pod: PodRef,
        /// What to ask, such as `/drill/cut`.
        path: String,
        /// How.
        body: Value,
    },
    /// A command in a container.
    Exec {
        /// Where.
        pod: PodRef,
        /// In which container of it.
        container: String,
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// Has the chat count exactly these servidores, waits until nobody else counts, and only then asks for the rest: more pods or
    /// fewer, and what becomes of their volumes.
    Resize {
        /// Who is to count.
        names: Vec<String>,
        /// What follows, one after another.
        calls: Vec<ApiCall>,
    },
    /// Deletes the pods of a component that were made from an image that cannot start: a StatefulSet waits for them for ever, also when its
    /// template is right again.
    Unstick {
        /// Whose pods.
        component: String,
        /// The image that cannot start.
        image: String,
    },
    /// The command that takes a node away.
    NodeOff {
        /// Which.
        node: String,
    },
    /// The command that brings it back.
    NodeOn {
        /// Which.
        node: String,
    },
}

/// One pod, and no other of its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PodRef {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

impl PodRef {
    /// This pod.
    pub fn of(pod: &Pod) -> Self {
        Self { name: pod.name.clone(), uid: pod.uid.clone() }
    }
}

impl From<ApiCall> for Step {
    fn from(call: ApiCall) -> Self {
        Self::Call { call }
    }
}

/// As exactly as it can be said on a line.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { call } => write!(f, "{call}"),
            Self::Hook { pod, path, body } => write!(f, "hook of {}: POST {path} {body}", pod.name),
            Self::Exec { pod, container, command } => {
                write!(f, "exec in {}/{container}: {}", pod.name, command.join(" "))
            }
            Self::Resize { names, calls } => {
                write!(f, "have {} count and nobody else", names.join(", "))?;
                calls.iter().try_for_each(|call| write!(f, ", then {call}"))
            }
            Self::Unstick { component, image } => {
                write!(f, "delete the {component} pods that are stuck with {image}")
            }
            Self::NodeOff { node } => write!(f, "take node {node} away (--node-off)"),
            Self::NodeOn { node } => write!(f, "bring node {node} back (--node-on)"),
        }
    }
}
