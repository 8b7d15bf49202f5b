//! What was applied, on its way to the store's views.
//!
//! Handing over every few records at once would wake the views' thread as often as the log's: under load that is most of what
//! indexing costs. So they gather here for a moment, and are handed over before anybody reads.

use std::time::{Duration, Instant};

use papo_core::chat::Record;
use papo_core::log::Index;
use papo_store::Views;

/// How long a record may wait here. Nobody notices: a read does not wait for it.
const PATIENCE: Duration = Duration::from_millis(50);

/// How many records may wait here.
const MANY: usize = 2048;

/// The views, and what they have not been told yet.
#[derive(Debug)]
pub(crate) struct Indexing {
    views: Views,
    records: Vec<Record>,
    applied: Index,
    since: Option<Instant>,
}

impl Indexing {
    pub(crate) fn new(views: Views) -> Self {
        Self { views, records: Vec::new(), applied: 0, since: None }
    }

    /// `records` are all that was accepted up to `applied`.
    pub(crate) fn add(&mut self, mut records: Vec<Record>, applied: Index) {
        self.records.append(&mut records);
        self.applied = applied;
        self.since.get_or_insert_with(Instant::now);
        if self.records.len() >= MANY {
            self.flush();
        }
    }

    /// The views, told of everything.
    pub(crate) fn views(&mut self) -> &Views {
        self.flush();
        &self.views
    }

    /// Hands over what has waited long enough.
    pub(crate) fn turn(&mut self) {
        if self.since.is_some_and(|since| since.elapsed() >= PATIENCE) {
            self.flush();
        }
    }

    /// When [`Indexing::turn`] is to be called, if ever.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + PATIENCE)
    }

    fn flush(&mut self) {
        if self.since.take().is_some() {
            self.views.index(std::mem::take(&mut self.records), self.applied);
        }
    }
}

impl Drop for Indexing {
    fn drop(&mut self) {
        self.flush();
    }
}
