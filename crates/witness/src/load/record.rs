use std::collections::BTreeSet;
use std::time::Duration;

use papo_audit::{Ledger, RequestId};

/// What a load came to. All times are those of the drill's [`crate::Timeline`].
#[derive(Clone, Debug, Default)]
pub struct LoadRecord {
    /// What its names and texts were made from.
    pub seed: u64,
    /// Everything that happened to its clients.
    pub ledger: Ledger,
    /// Where on the timeline the ledger begins: add this to the times of its entries.
    pub began: Duration,
    /// When the clients were told to say nothing new any more. Pauses count up to here.
    pub stopped: Duration,
    /// How long a client waits between two messages when all is well.
    pub period: Duration,
    /// Clients that talk through sessions: those whose pauses are measured.
    pub speakers: BTreeSet<String>,
    /// Messages that were answered with an error, or not at all, though the client repeated them for as long as it promises to.
    pub failures: Vec<FailedRequest>,
    /// What befell the load itself, a sentence each: who could not log in, whose session was no longer accepted, who was not
    /// connected at the end, so that nothing can be said about what they were shown.
    pub troubles: Vec<String>,
}

/// A message that a client gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRequest {
    /// When.
    pub at: Duration,
    /// Which.
    pub request_id: RequestId,
    /// What it was answered last.
    pub reason: String,
}
