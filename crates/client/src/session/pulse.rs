//! Is anybody there, and when to ask for what was missed.

use std::time::Duration;

use papo_core::clock::Instant;

use crate::Timing;

/// After a page with something in it that should have been delivered, or a new path for deliveries, ask again this soon.
const SOON: Duration = Duration::from_millis(250);

/// What a session knows of its connection.
#[derive(Debug)]
pub(super) struct Pulse {
    /// `None` until it is known.
    connected: Option<bool>,
    /// Since when something has been asked without any answer to anything.
    silent_since: Option<Instant>,
    /// When something was last delivered.
    delivered: Instant,
    /// When the last page was complete.
    synced: Instant,
    /// A sync that shall not wait for silence.
    soon: Option<Instant>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            connected: None,
            silent_since: None,
            delivered: Instant::ZERO,
            synced: Instant::ZERO,
            soon: None,
        }
    }

    /// Something was asked.
    pub(super) fn asked(&mut self, now: Instant) {
        self.silent_since.get_or_insert(now);
    }

    /// Something was answered; `waiting` tells whether other answers are still due. True if this is news.
    pub(super) fn answered(&mut self, now: Instant, waiting: bool) -> bool {
        self.silent_since = waiting.then_some(now);
        self.connected.replace(true) != Some(true)
    }

    /// Nothing is being waited for any more.
    pub(super) fn resigned(&mut self) {
        self.silent_since = None;
    }

    /// True if the silence has just become too long.
    pub(super) fn check(&mut self, now: Instant, timing: &Timing) -> bool {
        let silent = self.silent_since.is_some_and(|since| now >= since + timing.lost);
        silent && self.connected.replace(false) != Some(false)
    }

    pub(super) fn delivered(&mut self, now: Instant) {
        self.delivered = now;
    }

    pub(super) fn synced(&mut self, now: Instant) {
        self.synced = now;
    }

    /// Asks for a sync at once.
    pub(super) fn sync_now(&mut self, now: Instant) {
        self.soon = Some(now);
    }

    /// Asks for a sync in a moment.
    pub(super) fn sync_soon(&mut self, now: Instant) {
        let at = now + SOON;
        self.soon = Some(self.soon.map_or(at, |soon| soon.min(at)));
    }

    /// A sync begins.
    pub(super) fn syncing(&mut self) {
        self.soon = None;
    }

    /// When the next sync is due.
    pub(super) fn sync_at(&self, timing: &Timing) -> Instant {
        let quiet = self.delivered.max(self.synced) + timing.quiet;
        let regular = quiet.min(self.synced + timing.busy);
        self.soon.map_or(regular, |soon| soon.min(regular))
    }

    /// When [`Pulse::check`] may have news.
    pub(super) fn lost_at(&self, timing: &Timing) -> Option<Instant> {
        let since = self.silent_since.filter(|_| self.connected != Some(false))?;
        Some(since + timing.lost)
    }
}
