use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// A kind is told of not more often than this.
const EVERY: Duration = Duration::from_secs(1);

/// Decides which of many like events are logged: of each kind the first, and then one line a second for all that came since, so that
/// a flood of nonsense does not fill the disk, hides nothing else, and its end is told as well.
///
/// Whoever has one calls [`Sparing::tell_overdue`] now and then. There are as many lines a second as kinds: a kind is a label of ours,
/// never what somebody sent. And no more than two events a second of a kind are put into words.
#[derive(Debug)]
pub struct Sparing {
    tell: fn(Line),
    kinds: BTreeMap<&'static str, History>,
}

/// A line to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The kind of event.
    pub kind: &'static str,
    /// How often it happened since the last line about this kind.
    pub count: u64,
    /// One of them, in words.
    pub what: String,
}

#[derive(Debug)]
struct History {
    told: Instant,
    untold: u64,
    /// The first of those that were not told.
    first: String,
}

impl Sparing {
    /// Nothing has happened yet; `tell` logs a line.
    pub fn new(tell: fn(Line)) -> Self {
        Self { tell, kinds: BTreeMap::new() }
    }

    /// It happened once more, now. Tells so, if this is the time for it.
    pub fn happened(&mut self, kind: &'static str, what: impl Display) {
        self.happened_at(Instant::now(), kind, what).into_iter().for_each(self.tell);
    }

    /// Tells of what happened and was not told, a second after the last line of its kind.
    pub fn tell_overdue(&mut self) {
        self.overdue_at(Instant::now()).into_iter().for_each(self.tell);
    }

    fn happened_at(&mut self, now: Instant, kind: &'static str, what: impl Display) -> Option<Line> {
        let Some(history) = self.kinds.get_mut(kind) else {
            self.kinds.insert(kind, History { told: now, untold: 0, first: String::new() });
            return Some(Line { kind, count: 1, what: what.to_string() });
        };
        history.untold += 1;
        if history.is_due(now) {
            return Some(Line { what: what.to_string(), ..history.line(now, kind) });
        }
        if history.untold == 1 {
            history.first = what.to_string();
        }
        None
    }

    fn overdue_at(&mut self, now: Instant) -> Vec<Line> {
        let due = self.kinds.iter_mut().filter(|(_, history)| history.is_due(now));
        due.map(|(kind, history)| history.line(now, kind)).collect()
    }
}

impl History {
    fn is_due(&self, now: Instant) -> bool {
        self.untold > 0 && now.duration_since(self.told) >= EVERY
    }

    fn line(&mut self, now: Instant, kind: &'static str) -> Line {
        self.told = now;
        Line { kind, count: std::mem::take(&mut self.untold), what: std::mem::take(&mut self.first) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &'static str, count: u64, what: &str) -> Line {
        Line { kind, count, what: what.to_owned() }
    }

    #[test]
    fn the_first_is_told_and_then_one_a_second_with_the_number_of_all() {
        let start = Instant::now();
        let mut sparing = Sparing::new(drop);
        assert_eq!(sparing.happened_at(start, "a", 0), Some(line("a", 1, "0")));
        for millis in 1..1000 {
            assert_eq!(sparing.happened_at(start + Duration::from_millis(millis), "a", millis), None);
        }
        assert_eq!(sparing.happened_at(start + EVERY, "a", 1000), Some(line("a", 1000, "1000")));
        assert_eq!(sparing.happened_at(start + EVERY * 10, "a", 1), Some(line("a", 1, "1")));
    }

    #[test]
    fn the_end_of_a_flood_is_told_once() {
        let start = Instant::now();
        let mut sparing = Sparing::new(drop);
        for _ in 0..3 {
            sparing.happened_at(start, "a", "x");
        }
        assert_eq!(sparing.overdue_at(start + EVERY / 2), vec![]);
        assert_eq!(sparing.overdue_at(start + EVERY), vec![line("a", 2, "x")]);
        assert_eq!(sparing.overdue_at(start + EVERY * 2), vec![]);
    }

    #[test]
    fn a_flood_of_one_kind_hides_no_other() {
        let start = Instant::now();
        let mut sparing = Sparing::new(drop);
        for _ in 0..300 {
            sparing.happened_at(start, "a", "x");
        }
        assert_eq!(sparing.happened_at(start, "b", "y"), Some(line("b", 1, "y")));
        sparing.happened_at(start, "b", "z");
        assert_eq!(sparing.overdue_at(start + EVERY), vec![line("a", 299, "x"), line("b", 1, "z")]);
    }
}
