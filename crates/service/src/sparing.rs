use std::time::{Duration, Instant};

/// Not more often than this.
const EVERY: Duration = Duration::from_secs(1);

/// Decides which of many like events are logged: the first, and then at most one a second, so that a flood of nonsense does not fill
/// the disk. What is left out is in the count of the next one that is logged, and in the metrics.
#[derive(Debug, Default)]
pub struct Sparing {
    told: Option<Instant>,
    untold: u64,
}

impl Sparing {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// It happened once more, now. If it is to be logged: how often it happened since it last was, this time included.
    pub fn count(&mut self) -> Option<u64> {
        self.count_at(Instant::now())
    }

    fn count_at(&mut self, now: Instant) -> Option<u64> {
        self.untold += 1;
        if self.told.is_some_and(|told| now.duration_since(told) < EVERY) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_and_then_one_a_second_with_the_number_of_all() {
        let start = Instant::now();
        let mut sparing = Sparing::new();
        assert_eq!(sparing.count_at(start), Some(1));
        for millis in 1..1000 {
            assert_eq!(sparing.count_at(start + Duration::from_millis(millis)), None);
        }
        assert_eq!(sparing.count_at(start + EVERY), Some(1000));
        assert_eq!(sparing.count_at(start + EVERY * 10), Some(1));
    }
}
