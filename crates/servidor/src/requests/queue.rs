//! Reads on their way to the disk.
//!
//! The thread that has the disk's views takes whatever it is given, in turn, however long that takes. Were it given everything,
//! an overload would make its queue grow until every answer comes too late for whoever waits for it. So it is given some reads at a
//! time; the others wait here, as many as make sense, and those that nobody waits for any more are not done.

use std::collections::VecDeque;

use papo_core::clock::Instant;

/// How many reads the disk is given at a time: enough that it has something to do until the loop turns again.
const AT_A_TIME: usize = 64;

/// How many more may wait. Whoever comes then is better served elsewhere.
const WAITING: usize = 1024;

/// What is to be done with the read that comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<T> {
    /// The disk is to be asked; [`Queue::finished`] is to be called when it has answered.
    Read(T),
    /// Its time is over.
    TooLate(T),
}

/// Reads that wait, and how many the disk has.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: VecDeque<(Instant, T)>,
    handed: usize,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self { waiting: VecDeque::new(), handed: 0 }
    }

    /// Whether there is no room for another read.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING
    }

    /// Lets `read` wait for its turn, until `deadline`.
    pub(super) fn add(&mut self, deadline: Instant, read: T) {
        self.waiting.push_back((deadline, read));
    }

    /// What comes next, if the disk is not busy enough.
    pub(super) fn next(&mut self, now: Instant) -> Option<Next<T>> {
        if self.handed >= AT_A_TIME {
            return None;
        }
        let (deadline, read) = self.waiting.pop_front()?;
        if deadline <= now {
            return Some(Next::TooLate(read));
        }
        self.handed += 1;
        Some(Next::Read(read))
    }

    /// The disk has answered.
    pub(super) fn finished(&mut self) {
        self.handed -= 1;
    }

    /// Whether no read waits, here or at the disk.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.handed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Instant = Instant::from_nanos(1_000);
    const LATER: Instant = Instant::from_nanos(2_000);

    fn full() -> Queue<usize> {
        let mut queue = Queue::new();
        for read in 0.. {
            if queue.is_full() {
                break;
            }
            queue.add(if read % 2 == 0 { SOON } else { LATER }, read);
        }
        queue
    }

    #[test]
    fn no_more_reads_wait_than_make_sense() {
        let mut queue = full();
        assert_eq!(queue.waiting.len(), WAITING);
        assert_eq!(queue.next(Instant::ZERO), Some(Next::Read(0)));
        assert!(!queue.is_full(), "one has left");
    }

    #[test]
    fn the_disk_is_given_some_reads_at_a_time_and_in_turn() {
        let mut queue = full();
        let given: Vec<_> = std::iter::from_fn(|| queue.next(Instant::ZERO)).collect();
        assert_eq!(given, (0..AT_A_TIME).map(Next::Read).collect::<Vec<_>>());
        queue.finished();
        assert_eq!(queue.next(Instant::ZERO), Some(Next::Read(AT_A_TIME)));
        assert_eq!(queue.next(Instant::ZERO), None);
    }

    #[test]
    fn a_read_whose_time_is_over_is_not_done_and_takes_nobodys_place() {
        let mut queue = full();
        let given: Vec<_> = std::iter::from_fn(|| queue.next(SOON)).collect();
        let done = given.iter().filter(|next| matches!(next, Next::Read(_))).count();
        assert_eq!(done, AT_A_TIME, "those that are too late are passed over");
        for next in given {
            let (Next::Read(read) | Next::TooLate(read)) = next;
            assert_eq!(matches!(next, Next::TooLate(_)), read % 2 == 0, "{read}");
        }
    }

    #[test]
    fn it_is_empty_once_the_disk_has_answered_all() {
        let mut queue = Queue::new();
        assert!(queue.is_empty());
        queue.add(SOON, 1);
        assert!(!queue.is_empty());
        assert_eq!(queue.next(Instant::ZERO), Some(Next::Read(1)));
        assert!(!queue.is_empty(), "the disk has it");
        queue.finished();
        assert!(queue.is_empty());
    }
}
