//! The plan of a run: everything that is done to the cluster, as data.
//!
//! A plan is drawn from a seed, and can be thinned: a run of what is left shows whether it still fails. What a plan does not say
//! (how long each message takes, which one is lost) is drawn during the run from [`Plan::seed`].

mod draw;
mod fault;

use serde::{Deserialize, Serialize};

pub use fault::{Fault, Planned, Point, Whom};

use crate::cluster::time::Time;

/// A whole life of a cluster. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Chance during the run.
    pub seed: u64,
    /// The servidores: those that found the cluster, and those that may be admitted later.
    pub servidores: Vec<ServidorPlan>,
    /// What the network does to every message.
    pub network: NetworkPlan,
    /// How long a sync takes, at least and at most.
    pub sync: (u64, u64),
    /// Who asks for what.
    pub clients: Vec<ClientPlan>,
    /// The clients that have real sessions, and the real services between them and the servidores.
    #[serde(default)]
    pub services: Option<ServicesPlan>,
    /// How many writes, and how many reads, may wait at a servidor; as many as usual if nothing is said.
    #[serde(default)]
    pub limit: Option<usize>,
    /// When all faults are over.
    pub chaos: u64,
    /// What goes wrong, in order of time.
    pub faults: Vec<Planned>,
    /// In which order servidores are healed, until those that are well are a majority of every list of members in force.
    pub healing: Vec<usize>,
}

/// One servidor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServidorPlan {
    /// When it is started first.
    pub starts: u64,
    /// Parts per million by which its clocks are fast.
    pub drift: i64,
    /// How wrong its wall clock is, in milliseconds.
    pub offset: i64,
    /// Whether referencia gives it a rank in time.
    pub ranked: bool,
    /// Whether it is one of those that found the cluster.
    #[serde(default = "founds")]
    pub founds: bool,
}

fn founds() -> bool {
    true
}

/// The network, when nothing special is wrong with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkPlan {
    /// How long a message takes, at least and at most.
    pub delay: (u64, u64),
    /// The share of messages that is lost.
    pub loss: f64,
    /// The share of broadcasts that is lost besides.
    pub broadcast_loss: f64,
    /// The share that arrives twice.
    pub duplication: f64,
    /// The share that is held back.
    pub straggling: f64,
    /// For how long, at most.
    pub straggle: u64,
}

/// One client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientPlan {
    /// How many things it asks for.
    pub wishes: usize,
    /// How long it waits between two of them, about.
    pub think: u64,
    /// How many letters its messages have.
    pub wordy: usize,
}

/// Clients with real sessions, behind real brokers and proxies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServicesPlan {
    /// How many.
    pub people: usize,
    /// How many things each asks for.
    pub wishes: usize,
    /// How long it waits between two of them, about.
    pub think: u64,
}

/// The span of virtual time that so many microseconds are.
pub fn us(span: u64) -> Time {
    span * crate::cluster::time::US
}

impl Plan {
    /// The plan that this seed stands for.
    pub fn drawn(seed: u64) -> Self {
        draw::plan(seed)
    }
}
