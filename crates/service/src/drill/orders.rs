//! What parent and child say to each other, a JSON object a line.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What the child is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// Drop everything from and to these, by name, and nothing else, until the next such demand.
    Cut(BTreeSet<String>),
    /// Break that promise, and no other; none mends everything.
    Break(Option<Breakage>),
}

/// A promise to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breakage {
    /// Writes are reported as durable at once, and stored much later.
    AcknowledgeBeforeStore,
}

/// From the parent: a demand, and the number that its answer carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) demand: Demand,
}

/// From the child.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Said {
    /// This is who I am.
    Name(String),
    /// That is done.
    Done(u64),
    /// That cannot be done, and why.
    Refused(u64, String),
}
