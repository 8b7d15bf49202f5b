//! What a drill came to, in a form that is kept, compared and drawn: the schema of `report.json`.
//!
//! A field is only ever added; whoever reads finds the number of the schema in [`Evidence::schema`], which is raised when a
//! field changes its meaning. Times are whole milliseconds since [`Evidence::started`], by a monotonic clock.

use serde::{Deserialize, Serialize};

/// The schema that this library writes.
pub const SCHEMA: u32 = 1;

/// One drill, from the first request of its load to the last line that was read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The drill's name, such as `leader-kill`.
    pub drill: String,
    /// What the load's names and texts were made from.
    pub seed: u64,
    /// When the load began: RFC 3339, UTC.
    pub started: String,
    /// From then until the verdict.
    pub duration_ms: u64,
    /// The drill in one word.
    pub verdict: Verdict,
    /// Why, one sentence each: what was broken, what could not be known, or what held.
    pub because: Vec<String>,
    /// What happened, in order.
    pub timeline: Vec<Moment>,
    /// What the load was answered, a sample per [`RateSample::WIDTH_MS`], without gaps from the start to its end.
    pub rate: Vec<RateSample>,
    /// How many messages got which verdict.
    pub messages: MessageCounts,
    /// What was measured.
    pub figures: Figures,
    /// Every promise that was broken, at most [`Broken::NAMED`] sentences of each promise.
    pub broken: Vec<Broken>,
    /// What of the fault could not be undone, one sentence each, with what to do about it by hand.
    #[serde(default)]
    pub not_undone: Vec<String>,
}

/// A drill in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The fault happened, and every promise that was checked held.
    Pass,
    /// A promise was broken.
    Fail,
    /// Nothing wrong was found, in evidence that does not suffice.
    Unknown,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When.
    pub at_ms: u64,
    /// What kind of thing.
    pub what: MomentKind,
    /// What exactly, in one line without a full stop.
    pub text: String,
}

/// What kinds of things happen in a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MomentKind {
    /// The fault was caused.
    Fault,
    /// It was seen that the fault is real, by something else than the answer to the call that caused it.
    FaultProven,
    /// No servidor that answers says any more that it coordinates, or the one that did no longer answers.
    CoordinatorLost,
    /// Another servidor says that it coordinates, or the same one in a later epoch.
    NewCoordinator,
    /// A servidor stopped answering, or stopped following the coordinator.
    ServidorLost,
    /// A servidor follows the coordinator again and has applied what was committed.
    ServidorCaughtUp,
    /// The first acknowledgement after the longest silence that followed the fault; where nobody was silent for as long as
    /// 200 ms, of the first message that was sent after it.
    FirstAcknowledgement,
    /// The fault was undone, by the drill or by what repairs the cluster.
    Undone,
    /// All expected servidores answer, follow one coordinator and have applied the same log, for the first time since the
    /// cluster was seen not to be so.
    Recovered,
    /// Anything else worth telling.
    Note,
}

/// What the load was answered within one span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateSample {
    /// When the span begins.
    pub at_ms: u64,
    /// Messages acknowledged in it.
    pub acknowledged: u32,
    /// Messages refused, turned away or given up in it.
    pub failed: u32,
}

impl RateSample {
    /// How long a span is.
    pub const WIDTH_MS: u64 = 100;
}

/// The messages of the load, counted. Every message that was attempted has exactly one verdict, so
/// `attempted = kept + lost + altered + duplicated + out_of_order + refused_present + unacknowledged_present + refused +
/// unknown_outcome + unchecked`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCounts {
    /// How many were sent at all.
    pub attempted: u64,
    /// How many were answered with a yes. Not a verdict: each of them has one of those below.
    pub acknowledged: u64,
    /// How many were answered with a yes while the fault was there: after it was caused, before it was undone.
    pub acknowledged_during_fault: u64,
    /// Acknowledged, and there, once, on every servidor.
    pub kept: u64,
    /// Acknowledged or shown, and not there. Breaks P1.
    pub lost: u64,
    /// There, but not as it was said. Breaks P1.
    #[serde(default)]
    pub altered: u64,
    /// It took effect, or was shown to someone, more than once. Breaks P2 or P8.
    pub duplicated: u64,
    /// It stands, or was shown, before something that it must come after. Breaks P4 or P8.
    pub out_of_order: u64,
    /// Refused, and there all the same. Breaks P10.
    #[serde(default)]
    pub refused_present: u64,
    /// Never acknowledged, and there. Allowed: the answer may have got lost.
    pub unacknowledged_present: u64,
    /// Refused, or turned away each time as certainly never ordered, and not there, as it should be.
    pub refused: u64,
    /// Never acknowledged, and not there; nobody told the client which. Allowed.
    pub unknown_outcome: u64,
    /// Acknowledged, but no history that was read reaches it. Makes the drill unknown.
    #[serde(default)]
    pub unchecked: u64,
}

/// What was measured. A figure is absent where there is nothing to measure: nobody waited, or nothing came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// The longest that any one client went between two acknowledgements, of the pauses that were not over when the fault
    /// was caused. Clients send their next message only once the last is answered, so that this is the wait for one answer
    /// plus at most one period of the client ([`Figures::period_ms`]). A client that was never acknowledged again counts up to the end
    /// of the load.
    pub pause_ms: Option<u64>,
    /// The longest that nobody at all was acknowledged, of the same stretch of time.
    #[serde(default)]
    pub silence_ms: Option<u64>,
    /// How long a client waits between two messages when all is well: what `pause_ms` cannot go below.
    #[serde(default)]
    pub period_ms: u64,
    /// From the fault until another servidor said that it coordinates. Seen by asking again and again, so at most
    /// one question too late.
    pub coordinator_ms: Option<u64>,
    /// From the fault until all expected servidores followed one coordinator and had applied the same log, after having
    /// been seen not to, for the last time. Absent also when they do not at the end.
    pub recovered_ms: Option<u64>,
    /// Where nobody could be served until Kubernetes had made another pod: from when that was ready until the first
    /// acknowledgement, to a [`RateSample`].
    #[serde(default)]
    pub resumed_ms: Option<u64>,
    /// Messages that were answered with an error or not at all, though the client repeated them for as long as it
    /// promises to.
    pub failed_requests: u64,
}

/// A promise that was broken, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Which: `P1` to `P10`.
    pub promise: String,
    /// What happened, in one sentence that names the message, the client, the servidor or the figure.
    pub sentence: String,
}

impl Broken {
    /// How many sentences of one promise are named; one more tells how many there are beyond that.
    pub const NAMED: usize = 20;
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        })
    }
}
