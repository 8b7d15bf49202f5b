//! What a drill is going to do, all of it, before it does anything.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use papo_witness::Expectations;
use serde_json::Value;

use crate::api_call::ApiCall;
use crate::rights::Right;
use crate::snapshot::Kind;
use crate::step::{PodRef, Step};

/// A fault with its targets chosen.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is done to whom, in one sentence for people.
    pub sentence: String,
    /// Pods that must still be the same when it begins.
    pub targets: Vec<PodRef>,
    /// What is done, one after another.
    pub acts: Vec<Act>,
    /// What undoes it, in this order.
    pub undo: Vec<Step>,
    /// How many servidores are gone, or cannot write, at a time.
    pub servidores_lost: usize,
    /// Whether acknowledged messages may be lost: only in the control that is meant to fail.
    pub loses_messages: bool,
    /// What must hold.
    pub expect: Expectations,
    /// Whether the load has a plain client too, as old ones are: what they are promised holds for as long as their broker lives, so
    /// that where brokers go, their failed requests say nothing.
    pub plain_client: bool,
    /// When the fault is over.
    pub over: Over,
    /// Where nobody can be served until Kubernetes has made another pod of a component: which, and how soon after that is ready somebody
    /// has to be served.
    pub resumes: Option<(&'static str, Duration)>,
}

/// One part of a plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Does these at once.
    Do(Vec<Step>),
    /// Waits until something is seen; the fault is not proven if it is not, within the time. The text says what it shows.
    See(Condition, Duration),
    /// Does something whose success proves the fault; the text says what it shows.
    Prove(Step, String),
    /// Tries something, without doing it, that a disruption budget has to refuse.
    Refused(ApiCall),
    /// Asks this servidor, and nobody else, for a write that changes nothing, which it has to refuse: it has no majority.
    RefusesWrites(String),
    /// Deletes what is started instead of these pods, too, until no majority of the servidores has answered for so long.
    KeepAway(Vec<PodRef>, Duration),
    /// Lets the load run on under the fault, for as long as the drill's `--duration` says.
    Hold,
}

/// When a fault is over, for what is expected during it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// When its undoing is done.
    Undone,
    /// When Kubernetes has repaired it and the cluster is whole again.
    Repaired,
    /// When enough servidores for a majority answer again.
    Majority,
}

/// Something that can be seen in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// None of these pods exists any more.
    Gone(Vec<PodRef>),
    /// The containers of a pod were started again in place.
    Restarted {
        /// Which pod.
        pod: PodRef,
        /// How often they had been before.
        above: i32,
    },
    /// The drill hooks of a pod say something of themselves.
    Hook {
        /// Which pod.
        pod: PodRef,
        /// The key of their answer.
        key: &'static str,
        /// Its value.
        is: Value,
    },
    /// A node is ready, or not.
    Node {
        /// Which.
        node: String,
        /// Whether it is to be ready.
        ready: bool,
    },
    /// Every pod of a workload is of its newest template, and ready.
    RolledOut {
        /// What kind of workload.
        kind: Kind,
        /// Its name.
        name: String,
        /// Pods that it must have replaced.
        instead_of: Vec<PodRef>,
    },
    /// So many pods of a component are ready, and there are no others.
    Count {
        /// Which component.
        component: String,
        /// How many.
        ready: usize,
    },
    /// A pod of a component waits for an image that cannot be had.
    Stuck {
        /// Which component.
        component: String,
        /// Which image.
        image: String,
    },
    /// A servidor has another disk than this one.
    NewDisk {
        /// Which servidor.
        servidor: String,
        /// The identity of the disk that it had.
        not: String,
    },
    /// Another servidor than this one coordinates.
    Succeeded {
        /// Who coordinated before.
        coordinator: String,
        /// In which epoch.
        epoch: u64,
    },
    /// A servidor follows nobody and is followed by nobody.
    CutOff {
        /// Which servidor.
        servidor: String,
    },
    /// Exactly these servidores count, as each of them says.
    Members {
        /// Which.
        names: Vec<String>,
    },
}

impl Plan {
    /// Every right that it takes.
    pub fn rights(&self, namespace: &str) -> Vec<Right> {
        let mut rights = Vec::new();
        for act in &self.acts {
            match act {
                Act::Do(steps) => steps.iter().for_each(|step| rights.extend(rights_of(step, namespace))),
                Act::Prove(step, _) => rights.extend(rights_of(step, namespace)),
                Act::Refused(call) => rights.push(call.right()),
                Act::See(Condition::Node { .. }, _) => rights.push(Right::in_cluster("", "nodes", "get")),
                Act::See(Condition::RolledOut { kind, .. }, _) => {
                    let resource = match kind {
                        Kind::StatefulSet => "statefulsets",
                        Kind::Deployment => "deployments",
                    };
                    rights.push(Right::new(namespace, "apps", resource, "get"));
                }
                Act::See(..) | Act::RefusesWrites(_) | Act::KeepAway(..) | Act::Hold => {}
            }
        }
        self.undo.iter().for_each(|step| rights.extend(rights_of(step, namespace)));
        rights
    }

    /// Every request to the API that it makes to cause the fault.
    pub fn calls(&self) -> impl Iterator<Item = &ApiCall> {
        let steps = self.acts.iter().flat_map(|act| match act {
            Act::Do(steps) => steps.as_slice(),
            Act::Prove(step, _) => std::slice::from_ref(step),
            Act::Refused(_) | Act::See(..) | Act::RefusesWrites(_) | Act::KeepAway(..) | Act::Hold => &[],
        });
        steps.flat_map(|step| match step {
            Step::Call { call } => std::slice::from_ref(call),
            Step::Resize { calls, .. } => calls.as_slice(),
            _ => &[],
        })
    }

    /// Every servidor that it has count at some time.
    pub fn servidores(&self) -> BTreeSet<&str> {
        let steps = self.acts.iter().flat_map(|act| match act {
            Act::Do(steps) => steps.as_slice(),
            _ => &[],
        });
        let names = steps.flat_map(|step| match step {
            Step::Resize { names, .. } => names.as_slice(),
            _ => &[],
        });
        names.map(String::as_str).collect()
    }
}

/// Every right that a step takes, besides those to see the pods and to reach them.
pub(crate) fn rights_of(step: &Step, namespace: &str) -> Vec<Right> {
    match step {
        Step::Call { call } => vec![call.right()],
        Step::Resize { calls, .. } => calls.iter().map(ApiCall::right).collect(),
        // As for port-forwarding: it depends on the server's release which of both it asks for.
        Step::Exec { .. } => {
            ["get", "create"].map(|verb| Right::new(namespace, "", "pods/exec", verb)).into()
        }
        Step::Unstick { .. } => vec![Right::new(namespace, "", "pods", "delete")],
        Step::Hook { .. } | Step::NodeOff { .. } | Step::NodeOn { .. } => Vec::new(),
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Do(steps) => {
                let steps: Vec<String> = steps.iter().map(Step::to_string).collect();
                f.write_str(&steps.join("\n  and "))
            }
            Self::See(condition, limit) => {
                write!(f, "wait until {condition} (at most {} s)", limit.as_secs())
            }
            Self::Prove(step, text) => write!(f, "{step}\n  to see that {text}"),
            Self::Refused(call) => write!(f, "dry run that the budget must refuse: {call}"),
            Self::RefusesWrites(servidor) => {
                write!(f, "ask {servidor} itself for a write that changes nothing, which it must refuse")
            }
            Self::KeepAway(pods, span) => {
                let pods: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
                let (pods, seconds) = (pods.join(", "), span.as_secs());
                write!(f, "delete what is started as {pods} until no majority has answered for {seconds} s")
            }
            Self::Hold => f.write_str("let it be for --duration"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(pods) => {
                let pods: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
                write!(
                    f,
                    "{} of that UID {} gone",
                    pods.join(", "),
                    if pods.len() == 1 { "is" } else { "are" }
                )
            }
            Self::Restarted { pod, above } => write!(f, "{} was restarted more than {above} times", pod.name),
            Self::Hook { pod, key, is } => write!(f, "the hooks of {} say {key} is {is}", pod.name),
            Self::Node { node, ready: true } => write!(f, "node {node} is ready"),
            Self::Node { node, ready: false } => write!(f, "node {node} is not ready"),
            Self::RolledOut { name, .. } => write!(f, "every pod of {name} was replaced and is ready"),
            Self::Count { component, ready } => write!(f, "{ready} {component} pods are ready"),
            Self::Stuck { component, image } => write!(f, "a {component} pod waits for the image {image}"),
            Self::NewDisk { servidor, .. } => write!(f, "{servidor} has a new disk"),
            Self::Succeeded { coordinator, .. } => write!(f, "another than {coordinator} coordinates"),
            Self::CutOff { servidor } => write!(f, "{servidor} follows nobody"),
            Self::Members { names } => write!(f, "{} count, and nobody else", names.join(", ")),
        }
    }
}
