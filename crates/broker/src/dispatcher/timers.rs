use std::collections::VecDeque;
use std::time::Duration;

use papo_core::clock::Instant;

/// Timers that all run for the same span: what was set first is due first, so that a queue is enough.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    span: Duration,
    queue: VecDeque<(Instant, T)>,
}

impl<T: Copy> Timers<T> {
    pub(crate) fn new(span: Duration) -> Self {
        Self { span, queue: VecDeque::new() }
    }

    /// Sets a timer and returns when it will be due.
    pub(crate) fn set(&mut self, now: Instant, what: T) -> Instant {
        let due = now + self.span;
        self.queue.push_back((due, what));
        due
    }

    /// Takes the next one that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<T> {
        self.queue.pop_front_if(|(due, _)| *due <= now).map(|(_, what)| what)
    }

    /// Forgets those at the front that no longer matter, so that they wake nobody.
    pub(crate) fn trim(&mut self, matters: impl Fn(T) -> bool) {
        while self.queue.pop_front_if(|(_, what)| !matters(*what)).is_some() {}
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.front().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_when_due_and_in_order_and_trimmed_ones_wake_nobody() {
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let mut timers = Timers::new(Duration::from_secs(5));
        for (second, what) in [(1, 'a'), (1, 'b'), (2, 'c')] {
            timers.set(at(second), what);
        }
        assert_eq!(timers.pop_due(at(5)), None);
        timers.trim(|what| what != 'a');
        assert_eq!(timers.next(), Some(at(6)));
        assert_eq!(timers.pop_due(at(6)), Some('b'));
        assert_eq!(timers.pop_due(at(6)), None);
        assert_eq!(timers.pop_due(at(9)), Some('c'));
        assert_eq!(timers.next(), None);
    }
}
