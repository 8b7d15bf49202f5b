use std::collections::HashMap;
use std::time::Duration;

use papo_core::clock::Instant;
use papo_core::log::Index;

use super::rate::{Bucket, RateLimit};

/// A connection that neither asks nor is answered for this long may be forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// How many connections one generation remembers: some 100 bytes each.
const GENERATION: usize = 50_000;

/// What is known of a client's connection.
#[derive(Clone, Copy, Debug, Default)]
struct Connection {
    /// The highest index it was answered with: no later answer may show less (P5).
    seen: Index,
    bucket: Bucket,
}

/// The memory of client connections, bounded in time and number.
///
/// ZeroMQ does not say when a client is gone, so connections are forgotten by disuse: there are two generations, whoever is
/// used moves to the young one, and when that is full or old enough it replaces the old one, whose rest is forgotten. Every step
/// costs the same, and a flood of new connections cannot push out one that is in use.
#[derive(Debug)]
pub(crate) struct Connections {
    young: HashMap<Box<[u8]>, Connection>,
    old: HashMap<Box<[u8]>, Connection>,
    young_since: Instant,
    generation: usize,
}

impl Connections {
    pub(crate) fn new() -> Self {
        Self::with_generation(GENERATION)
    }

    fn with_generation(generation: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_since: Instant::ZERO, generation }
    }

    /// Counts a request of this connection; false where it asks faster than `limit` allows.
    pub(crate) fn admit(&mut self, now: Instant, id: &[u8], limit: Option<RateLimit>) -> bool {
        let connection = self.touch(now, id);
        limit.is_none_or(|limit| connection.bucket.take(now, limit))
    }

    /// The highest index this connection was answered with, 0 if none: the least that its next answer must reflect.
    pub(crate) fn seen(&self, id: &[u8]) -> Index {
        self.young.get(id).or_else(|| self.old.get(id)).map_or(0, |connection| connection.seen)
    }

    /// Notes that the connection was answered with what `index` reflects.
    pub(crate) fn answered(&mut self, now: Instant, id: &[u8], index: Index) {
        let connection = self.touch(now, id);
        connection.seen = connection.seen.max(index);
    }

    /// How many connections are remembered.
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    fn touch(&mut self, now: Instant, id: &[u8]) -> &mut Connection {
        if !self.young.contains_key(id) {
            self.age(now);
            let connection = self.old.remove(id).unwrap_or_default();
            self.young.insert(id.into(), connection);
        }
        self.young.get_mut(id).expect("it is there or was just inserted")
    }

    fn age(&mut self, now: Instant) {
        if self.young.len() >= self.generation || now.since(self.young_since) >= FORGET_AFTER {
            self.old = std::mem::take(&mut self.young);
            self.young_since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_connection_is_never_shown_less_than_it_was_answered() {
        let mut connections = Connections::new();
        connections.answered(seconds(1), b"a", 7);
        connections.answered(seconds(2), b"a", 5);
        assert_eq!(connections.seen(b"a"), 7);
        assert_eq!(connections.seen(b"b"), 0);
    }

    #[test]
    fn a_flood_of_connections_is_bounded_and_does_not_displace_one_in_use() {
        let mut connections = Connections::with_generation(10);
        connections.answered(seconds(1), b"in use", 7);
        for stranger in 0..1000u32 {
            connections.admit(seconds(2), &stranger.to_le_bytes(), None);
            if stranger % 5 == 0 {
                connections.admit(seconds(2), b"in use", None);
                assert_eq!(connections.seen(b"in use"), 7);
            }
            assert!(connections.len() <= 20);
        }
    }

    #[test]
    fn an_idle_connection_is_forgotten_in_the_end() {
        let mut connections = Connections::new();
        connections.answered(seconds(1), b"idle", 7);
        for turn in 1..=3 {
            connections.admit(seconds(turn * 700), &turn.to_le_bytes(), None);
        }
        assert_eq!(connections.seen(b"idle"), 0);
        assert_eq!(connections.len(), 2);
    }

    #[test]
    fn the_rate_limit_counts_each_connection_for_itself() {
        let limit = RateLimit::new(1, 1);
        let mut connections = Connections::new();
        assert!(connections.admit(seconds(1), b"a", limit));
        assert!(!connections.admit(seconds(1), b"a", limit));
        assert!(connections.admit(seconds(1), b"b", limit));
        assert!(connections.admit(seconds(2), b"a", limit));
    }
}
