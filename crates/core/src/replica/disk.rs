//! The disk as the core knows it: one ordered queue, of which a beginning is durable.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Instant;
use crate::log::{Epoch, Index, Write};
use crate::members::ServerName;
use crate::replica::WriteId;

/// A promise that becomes effective once it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MadePromise {
    pub(super) epoch: Epoch,
    pub(super) to: ServerName,
}

#[derive(Debug)]
struct Queued {
    id: WriteId,
    since: Instant,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The log was cut after the first index, and then reached to the second.
    Append {
        after: Index,
        last: Index,
    },
    Promise(MadePromise),
    Identity,
}

/// What was handed to the disk and is not yet known to be durable.
#[derive(Debug)]
pub(super) struct DiskQueue {
    queue: VecDeque<Queued>,
    next: WriteId,
    durable: Index,
    refuses: bool,
}

impl DiskQueue {
    pub(super) fn new(durable: Index) -> Self {
        Self { queue: VecDeque::new(), next: 1, durable, refuses: false }
    }

    /// Up to where the log in memory is on the disk.
    pub(super) fn durable(&self) -> Index {
        self.durable
    }

    pub(super) fn refuses(&mut self, refuses: bool) {
        self.refuses = refuses;
    }

    /// Queues a write; returns its number.
    pub(super) fn push(&mut self, now: Instant, write: &Write) -> WriteId {
        let kind = match write {
            Write::Append { after, entries, .. } => {
                self.durable = self.durable.min(*after);
                Kind::Append { after: *after, last: after + entries.len() as Index }
            }
            Write::Promise(promise) => {
                Kind::Promise(MadePromise { epoch: promise.epoch, to: promise.candidate.clone() })
            }
            Write::RenewDisk(_) => Kind::Identity,
        };
        let id = self.next;
        self.next += 1;
        self.queue.push_back(Queued { id, since: now, kind });
        id
    }

    /// Notes that all writes up to `id` are durable; returns the promises among them.
    pub(super) fn completed(&mut self, id: WriteId) -> Vec<MadePromise> {
        let mut promises = Vec::new();
        while self.queue.front().is_some_and(|queued| queued.id <= id) {
            match self.queue.pop_front().expect("there is a front").kind {
                Kind::Append { last, .. } => self.durable = last,
                Kind::Promise(promise) => promises.push(promise),
                Kind::Identity => {}
            }
        }
        // What a later write cuts off is durable but not part of the log any more.
        for queued in &self.queue {
            if let Kind::Append { after, .. } = queued.kind {
                self.durable = self.durable.min(after);
            }
        }
        promises
    }

    /// Whether the disk has not finished a write for longer than `patience`, or said that it cannot.
    pub(super) fn stuck(&self, now: Instant, patience: Duration) -> bool {
        self.refuses || self.queue.front().is_some_and(|queued| now.since(queued.since) > patience)
    }

    /// Whether everything is durable.
    pub(super) fn idle(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Lamport, WallTime};
    use crate::log::{Entry, Operation};
    use std::sync::Arc;

    fn append(after: Index, count: Index) -> Write {
        let entry = |index| {
            Arc::new(Entry {
                index,
                epoch: 1,
                lamport: Lamport::default(),
                time: WallTime::EPOCH,
                author: String::new(),
                request_id: None,
                operation: Operation::Empty,
            })
        };
        Write::Append { after, entries: (after + 1..=after + count).map(entry).collect(), committed: 0 }
    }

    #[test]
    fn what_a_queued_write_cuts_off_is_not_durable() {
        let mut disk = DiskQueue::new(0);
        let first = disk.push(Instant::ZERO, &append(0, 10));
        let second = disk.push(Instant::ZERO, &append(4, 1));
        disk.completed(first);
        assert_eq!(disk.durable(), 4, "entries 5 to 10 are on the disk, but not in the log");
        disk.completed(second);
        assert_eq!(disk.durable(), 5);
    }

    #[test]
    fn a_promise_is_reported_with_what_was_queued_before_it() {
        let mut disk = DiskQueue::new(0);
        disk.push(Instant::ZERO, &append(0, 3));
        let promise = crate::log::Promise { epoch: 7, candidate: "b".to_owned() };
        let id = disk.push(Instant::ZERO, &Write::Promise(promise));
        assert_eq!(disk.completed(id), [MadePromise { epoch: 7, to: "b".to_owned() }]);
        assert_eq!(disk.durable(), 3);
    }

    #[test]
    fn a_disk_is_stuck_when_its_oldest_write_is() {
        let mut disk = DiskQueue::new(0);
        disk.push(Instant::ZERO, &append(0, 1));
        let later = Instant::ZERO + Duration::from_secs(2);
        assert!(disk.stuck(later, Duration::from_secs(1)));
        disk.completed(1);
        assert!(!disk.stuck(later, Duration::from_secs(1)));
    }
}
