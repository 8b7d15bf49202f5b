//! Was every promise kept? Two kinds of evidence answer that, and neither is the word of the system under test.
//!
//! * A [`Ledger`] is what an observer *outside* the cluster wrote down while it happened: what was attempted, what was
//!   answered, what was shown, what was read, in the order in which the observer saw it. A [`Recorder`] keeps it, and can
//!   write each line to a file before going on, so that a crash of the tester loses nothing.
//! * A [`HistoryDump`] is what one servidor says afterwards, read straight from it.
//!
//! [`audit`] holds one against the other and returns a [`Report`]: each broken promise named in a sentence ([`Violation`]),
//! and a [`Verdict`] on each message. There is one checker for each promise, in `checks/`:
//!
//! | promise | goes red when |
//! |---|---|
//! | [`Promise::Durable`] (P1) | something acknowledged or shown is missing from a history, or says something else there |
//! | [`Promise::Once`] (P2) | one request took effect twice, or got two different answers |
//! | [`Promise::Convergence`] (P3) | two servidores tell the same index differently |
//! | [`Promise::Order`] (P4) | index, Lamport clock or time does not grow; an effect precedes its cause; a page changed in its middle |
//! | [`Promise::Session`] (P5) | a read went backwards, or does not hold the reader's own write |
//! | [`Promise::Names`] (P6) | two first logins, or two channel creations, won the same name |
//! | [`Promise::Delivery`] (P8) | a follower was shown something twice, out of order, by mistake, or not at all |
//! | [`Promise::Refusal`] (P10) | something refused took effect |
//!
//! Indices are positions in the replicated log, from 1. The library is pure: no sockets, no clock of its own except the
//! recorder's stopwatch, no randomness.
//!
//! Not done here: P7 (availability) and P9 (clocks) are measurements over time, not statements about a history, and belong
//! to whoever measures. Request ids are taken to be unique among all ledgers of one audit. A ledger is trusted: an observer
//! that writes down an answer it did not get will find violations that did not happen.

mod checks;
mod event;
mod evidence;
mod history;
mod ledger;
mod names;
mod recorder;
mod report;
mod verdict;

pub use checks::{Promise, Violation, check};
pub use event::{Entry, Event, Request, RequestId, Topic};
pub use evidence::Evidence;
pub use history::{ExportPage, HistoryDump, Record, Scope, StateDigest, What};
pub use ledger::{Ledger, LoadError};
pub use recorder::{JournalError, Recorder};
pub use report::{Conclusion, Report, audit};
pub use verdict::{Verdict, VerdictCounts};
