use papo_core::chat::TimelineKey;
use papo_core::log::{Entry, Index};

/// Asks for a page of one timeline: with `after` its oldest messages in the range, else its newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageQuery {
    /// The timeline.
    pub key: TimelineKey,
    /// Only messages with a lesser index.
    pub before: Option<Index>,
    /// Only messages with a greater index.
    pub after: Option<Index>,
    /// At most so many.
    pub limit: usize,
}

/// A page of one timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The messages, ascending by index.
    pub entries: Vec<Entry>,
    /// Index of the message before the first of them in this timeline, 0 for none.
    pub previous: Index,
    /// Whether the range holds more: newer ones if the query said `after`, else older ones.
    pub more: bool,
    /// The index up to which operations had been applied.
    pub applied: Index,
}

/// Asks for everything said in some timelines after an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinceQuery {
    /// The timelines.
    pub keys: Vec<TimelineKey>,
    /// Only messages with a greater index.
    pub since: Index,
    /// At most so many.
    pub limit: usize,
}

/// What was said in some timelines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// The messages, ascending by index, each once.
    pub entries: Vec<Entry>,
    /// The index up to which this is complete: go on from here.
    pub up_to: Index,
    /// Whether there is more after that.
    pub more: bool,
}

/// Asks for all accepted operations after an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsQuery {
    /// Only operations with a greater index.
    pub after: Index,
    /// At most so many.
    pub limit: usize,
}

/// Accepted operations, in the order of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// The operations, ascending by index.
    pub entries: Vec<Entry>,
    /// The index up to which this is complete: go on from here.
    pub up_to: Index,
    /// Whether there is more after that.
    pub more: bool,
}
