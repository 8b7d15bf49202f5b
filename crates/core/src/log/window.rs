//! The log as the core holds it: the epochs of all of it, and the entries of its recent end.
//!
//! What is older is on the disk only, and is asked for when somebody has to catch up. The epochs of the whole log are kept as
//! runs, of which there is one per reign: enough to compare any position with that of another log.
//!
//! Not done: compaction. The log is the history.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Entry, Epoch, Index, Position};
use crate::clock::{Lamport, WallTime};

/// How many applied entries stay in memory for those who are a little behind.
const KEEP_ENTRIES: usize = 4096;

/// How many bytes of message text those may hold together, about.
const KEEP_BYTES: usize = 4 << 20;

/// The log in memory.
#[derive(Clone, Debug, Default)]
pub struct LogWindow {
    epochs: Vec<Position>,
    last: Position,
    tail: VecDeque<Arc<Entry>>,
    tail_bytes: usize,
}

/// What [`LogWindow::merge`] changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// All entries were there already.
    Nothing,
    /// Everything beyond `after` was dropped, and `entries` appended.
    Changed {
        /// The last index that was kept.
        after: Index,
        /// What follows it now.
        entries: Vec<Arc<Entry>>,
        /// Entries that were dropped from beyond `after`, in order; those that were not in memory any more are missing.
        dropped: Vec<Arc<Entry>>,
    },
}

impl LogWindow {
    /// The last position, the default for an empty log.
    pub fn last(&self) -> Position {
        self.last
    }

    /// Lamport clock and time of the last entry: what the next one must pass. It is always in memory.
    pub fn last_stamps(&self) -> (Lamport, WallTime) {
        self.tail.back().map_or((Lamport::default(), WallTime::EPOCH), |entry| (entry.lamport, entry.time))
    }

    /// The epoch of the entry at `index`: 0 for index 0, `None` beyond the end.
    pub fn epoch_at(&self, index: Index) -> Option<Epoch> {
        if index == 0 {
            return Some(0);
        }
        if index > self.last.index {
            return None;
        }
        let run = self.epochs.partition_point(|start| start.index <= index);
        Some(self.epochs[run - 1].epoch)
    }

    /// Whether the log holds exactly this position.
    pub fn holds(&self, position: Position) -> bool {
        self.epoch_at(position.index) == Some(position.epoch)
    }

    /// The position at `index`, which must be in the log.
    pub fn position_at(&self, index: Index) -> Position {
        let epoch = self.epoch_at(index).expect("asked for a position within the log");
        Position { epoch, index }
    }

    /// The entry at `index`, if it is in memory.
    pub fn get(&self, index: Index) -> Option<&Arc<Entry>> {
        let first = self.first_in_memory();
        if index < first { None } else { self.tail.get(usize::try_from(index - first).ok()?) }
    }

    /// Entries from `from` on, at most `max` and about `max_bytes` of them, at least one; `None` if `from` is not in memory any more.
    pub fn slice(&self, from: Index, max: usize, max_bytes: usize) -> Option<Vec<Arc<Entry>>> {
        let first = self.first_in_memory();
        if from < first {
            return None;
        }
        let skip = usize::try_from(from - first).ok()?;
        let mut bytes = 0;
        Some(
            self.tail
                .iter()
                .skip(skip)
                .take(max)
                .take_while(|entry| {
                    let fits = bytes == 0 || bytes < max_bytes;
                    bytes += weight(entry);
                    fits
                })
                .cloned()
                .collect(),
        )
    }

    /// Appends the next entry.
    ///
    /// # Panics
    /// If it does not follow the last one.
    pub fn append(&mut self, entry: Arc<Entry>) {
        assert_eq!(entry.index, self.last.index + 1, "entries are appended in order");
        assert!(entry.epoch >= self.last.epoch, "epochs never fall along the log");
        if entry.epoch > self.last.epoch {
            self.epochs.push(entry.position());
        }
        self.last = entry.position();
        self.tail_bytes += weight(&entry);
        self.tail.push_back(entry);
    }

    /// Takes over `entries`, which follow `previous` in the log of whoever is to be believed.
    ///
    /// What is there already stays. At the first entry that differs, it and all behind it is dropped (Ongaro 2014, §3.5),
    /// never anything up to `committed`.
    ///
    /// # Panics
    /// If `previous` is not in this log, or the log of the other side differs below `committed`: then two coordinators
    /// were obeyed, and going on would only spread it.
    pub fn merge(&mut self, previous: Position, entries: &[Arc<Entry>], committed: Index) -> Merged {
        assert!(self.holds(previous), "entries are merged where the logs are known to be the same");
        let fresh = entries.iter().position(|entry| !self.holds(entry.position()));
        let Some(fresh) = fresh else { return Merged::Nothing };
        let after = entries[fresh].index - 1;
        let dropped = self.truncate(after, committed);
        let entries = entries[fresh..].to_vec();
        for entry in &entries {
            self.append(Arc::clone(entry));
        }
        Merged::Changed { after, entries, dropped }
    }

    fn truncate(&mut self, after: Index, committed: Index) -> Vec<Arc<Entry>> {
        if after >= self.last.index {
            return Vec::new();
        }
        assert!(after >= committed, "a committed entry would be dropped: index {} of {committed}", after + 1);
        let first = self.first_in_memory();
        assert!(after + 1 >= first, "what is not committed is always in memory");
        let keep = usize::try_from(after + 1 - first).expect("the tail is in memory");
        let dropped = self.tail.split_off(keep);
        self.tail_bytes -= dropped.iter().map(|entry| weight(entry)).sum::<usize>();
        self.epochs.retain(|start| start.index <= after);
        self.last = Position { index: after, epoch: self.epochs.last().map_or(0, |start| start.epoch) };
        dropped.into()
    }

    /// What the entries in memory weigh, in bytes, about.
    pub fn bytes_in_memory(&self) -> usize {
        self.tail_bytes
    }

    /// Lets go of old entries up to `applied`, but for those that are kept for the ones a little behind.
    pub fn trim(&mut self, applied: Index) {
        while let Some(oldest) = self.tail.front() {
            let surplus = self.tail.len() > KEEP_ENTRIES || self.tail_bytes > KEEP_BYTES;
            if !surplus || oldest.index >= applied || self.tail.len() == 1 {
                return;
            }
            self.tail_bytes -= weight(oldest);
            self.tail.pop_front();
        }
    }

    fn first_in_memory(&self) -> Index {
        self.tail.front().map_or(self.last.index + 1, |entry| entry.index)
    }
}

/// Bytes that an entry occupies, about.
fn weight(entry: &Entry) -> usize {
    entry.operation.weight()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Operation;

    fn entry(index: Index, epoch: Epoch) -> Arc<Entry> {
        Arc::new(Entry {
            index,
            epoch,
            lamport: Lamport::new(index),
            time: WallTime::EPOCH,
            author: String::new(),
            request_id: None,
            operation: Operation::Empty,
        })
    }

    fn log(epochs: &[Epoch]) -> LogWindow {
        let mut log = LogWindow::default();
        for (index, epoch) in (1..).zip(epochs) {
            log.append(entry(index, *epoch));
        }
        log
    }

    #[test]
    fn epochs_are_found_in_runs() {
        let log = log(&[1, 1, 2, 2, 5]);
        assert_eq!(
            (0..=6).map(|i| log.epoch_at(i)).collect::<Vec<_>>(),
            [Some(0), Some(1), Some(1), Some(2), Some(2), Some(5), None]
        );
    }

    #[test]
    fn what_is_there_already_stays_even_if_less_is_sent() {
        let mut log = log(&[1, 1, 1, 1]);
        assert_eq!(
            log.merge(Position { epoch: 1, index: 1 }, &[entry(2, 1), entry(3, 1)], 0),
            Merged::Nothing
        );
        assert_eq!(log.last().index, 4);
    }

    #[test]
    fn a_differing_suffix_is_dropped_at_the_first_difference() {
        let mut log = log(&[1, 1, 2, 2]);
        let merged = log.merge(Position { epoch: 1, index: 1 }, &[entry(2, 1), entry(3, 3)], 2);
        let Merged::Changed { after, entries, dropped } = merged else { panic!("something changed") };
        assert_eq!((after, entries.len(), dropped.len()), (2, 1, 2));
        assert_eq!(log.last(), Position { epoch: 3, index: 3 });
        assert_eq!(log.epoch_at(2), Some(1));
    }

    #[test]
    #[should_panic(expected = "a committed entry would be dropped")]
    fn a_committed_entry_is_never_dropped() {
        log(&[1, 1, 2]).merge(Position { epoch: 1, index: 1 }, &[entry(2, 3)], 2);
    }

    #[test]
    fn the_last_entry_stays_in_memory_whatever_is_trimmed() {
        let mut log = LogWindow::default();
        for index in 1..=10_000 {
            log.append(entry(index, 1));
        }
        log.trim(10_000);
        assert_eq!(log.get(10_000).map(|e| e.index), Some(10_000));
        assert_eq!(log.get(1), None);
        assert_eq!(log.slice(1, 10, 1 << 20), None);
        assert_eq!(log.slice(9_999, 10, 1 << 20).map(|e| e.len()), Some(2));
    }
}
