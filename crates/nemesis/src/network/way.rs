use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// Everything that one process sends to another. Clones are the same way.
#[derive(Clone, Debug)]
pub struct Way(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rule: watch::Sender<Rule>,
    bytes: AtomicU64,
    delayed: AtomicU64,
    held: AtomicU64,
    broken: AtomicU64,
}

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// They pass.
    Open,
    /// Each piece is held for `latency`, and one after the other passes at this rate.
    Slow {
        /// How long at least. What comes meanwhile is the next piece, of at most 64 KiB.
        latency: Duration,
        /// How many bytes a second; `None` is as many as there are.
        bytes_per_second: Option<u32>,
    },
    /// They wait, and so does whoever sends them, once the system's buffers are full; neither side is told anything. New connections
    /// are accepted and led on, and as silent.
    Stopped,
    /// Connections are closed, and new ones closed at once.
    Broken,
}

/// What happened on a way so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Bytes that arrived.
    pub bytes: u64,
    /// Pieces that arrived late because of [`Rule::Slow`].
    pub delayed: u64,
    /// Times that somebody sent something on a connection, and it had to wait because of [`Rule::Stopped`].
    pub held: u64,
    /// Connections that were closed because of [`Rule::Broken`].
    pub broken: u64,
}

impl Way {
    /// What becomes of bytes from now on.
    pub fn set(&self, rule: Rule) {
        self.0.rule.send_replace(rule);
    }

    /// What happened so far.
    pub fn passed(&self) -> Passed {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Inner { bytes, delayed, held, broken, .. } = &*self.0;
        Passed { bytes: read(bytes), delayed: read(delayed), held: read(held), broken: read(broken) }
    }

    pub(super) fn rule(&self) -> watch::Receiver<Rule> {
        self.0.rule.subscribe()
    }

    pub(super) fn note_bytes(&self, count: usize) {
        self.0.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn note_delayed(&self) {
        self.0.delayed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_held(&self) {
        self.0.held.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_broken(&self) {
        self.0.broken.fetch_add(1, Ordering::Relaxed);
    }
}

impl Default for Way {
    /// An open one.
    fn default() -> Self {
        let count = AtomicU64::default;
        let rule = watch::Sender::new(Rule::Open);
        Self(Arc::new(Inner { rule, bytes: count(), delayed: count(), held: count(), broken: count() }))
    }
}

impl std::ops::Sub for Passed {
    type Output = Self;

    /// What happened since `before`.
    fn sub(self, before: Self) -> Self {
        Self {
            bytes: self.bytes - before.bytes,
            delayed: self.delayed - before.delayed,
            held: self.held - before.held,
            broken: self.broken - before.broken,
        }
    }
}
