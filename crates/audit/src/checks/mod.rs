//! One checker for each promise. Each is a function of the facts and returns every violation it finds.

mod convergence;
mod delivery;
mod durable;
mod names;
mod once;
mod order;
mod refusal;
mod session;

use serde::Serialize;

use crate::event::RequestId;
use crate::evidence::{Evidence, Facts};
use crate::verdict::Verdict;

/// A promise of the system that this library can check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Promise {
    /// P1: what was acknowledged is there, as it was said.
    #[serde(rename = "P1")]
    Durable,
    /// P2: a request takes effect once and gets one answer.
    #[serde(rename = "P2")]
    Once,
    /// P3: every servidor tells the same history.
    #[serde(rename = "P3")]
    Convergence,
    /// P4: one order, in which clocks grow and causes come first.
    #[serde(rename = "P4")]
    Order,
    /// P5: nobody reads backwards, and everybody reads their own writes.
    #[serde(rename = "P5")]
    Session,
    /// P6: a name has one winner.
    #[serde(rename = "P6")]
    Names,
    /// P8: a follower is shown everything, once, in order.
    #[serde(rename = "P8")]
    Delivery,
    /// P10: what was refused did not happen.
    #[serde(rename = "P10")]
    Refusal,
}

impl Promise {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Durable,
        Self::Once,
        Self::Convergence,
        Self::Order,
        Self::Session,
        Self::Names,
        Self::Delivery,
        Self::Refusal,
    ];
}

impl std::fmt::Display for Promise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Durable => "P1 durable",
            Self::Once => "P2 once",
            Self::Convergence => "P3 convergence",
            Self::Order => "P4 causal order",
            Self::Session => "P5 session",
            Self::Names => "P6 unique names",
            Self::Delivery => "P8 delivery",
            Self::Refusal => "P10 refusal",
        })
    }
}

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// What happened, in one sentence that names the message, the client or the servidor.
    pub sentence: String,
    /// The request it happened to, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// What that makes of the request, where it makes something of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

impl Violation {
    fn new(promise: Promise, sentence: String) -> Self {
        Self { promise, sentence, request_id: None, verdict: None }
    }

    fn of(mut self, request_id: &str, verdict: Verdict) -> Self {
        self.request_id = Some(request_id.to_owned());
        self.verdict = Some(verdict);
        self
    }

    fn of_record(self, record: &crate::history::Record, verdict: Verdict) -> Self {
        match &record.request_id {
            Some(id) => self.of(id, verdict),
            None => self,
        }
    }
}

/// Checks one promise.
pub fn check(promise: Promise, evidence: &Evidence<'_>) -> Vec<Violation> {
    check_facts(promise, &Facts::gather(evidence))
}

pub(crate) fn check_facts(promise: Promise, facts: &Facts<'_>) -> Vec<Violation> {
    match promise {
        Promise::Durable => durable::check(facts),
        Promise::Once => once::check(facts),
        Promise::Convergence => convergence::check(facts),
        Promise::Order => order::check(facts),
        Promise::Session => session::check(facts),
        Promise::Names => names::check(facts),
        Promise::Delivery => delivery::check(facts),
        Promise::Refusal => refusal::check(facts),
    }
}
