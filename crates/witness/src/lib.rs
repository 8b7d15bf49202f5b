//! The witness of a drill: it stands outside of the cluster under test, talks, watches, reads everything back, and judges.
//! It breaks nothing and knows nothing of Kubernetes; whoever does says [`Reach`] how to get in, and [`Fault`] what was done.
//!
//! The course of a drill, every step of it on one [`Timeline`]:
//!
//! 1. [`check_health`]: nothing is broken that is not whole. It tells the index that the history is read from at the end.
//! 2. [`Watch::start`] looks at every servidor all the time; [`Load::start`] lets clients talk and keeps the ledger.
//!    [`Load::wait_for_more`] until messages flow.
//! 3. The fault: [`Timeline::mark`] it, cause it, prove it, wait, undo it; mark each.
//! 4. [`Load::finish`], then [`read_back`] from every servidor, then [`Watch::finish`].
//! 5. [`judge`] gives a verdict on each message and on the whole, as [`evidence::Evidence`].
//!
//! How a pause is measured: clients send their next message only after the last was answered, so one that waits counts once,
//! however long. What is told is each client's longest stretch between two acknowledgements, and of those the longest; it includes the
//! client's own period (told beside it) and its own delay before it repeats what got lost ([`LoadSettings::retry`]).
//!
//! Not done here: P9 (clocks). Promises about things that nobody asked for during the drill (a second login of one name, a
//! bad frame) are not tried. A drill leaves its users and channels behind.

mod ask;
pub mod evidence;
mod health;
mod judge;
mod load;
pub mod notes;
mod panel;
mod reach;
mod read_back;
mod timeline;
mod view;
mod watch;

pub use ask::Asker;
pub use health::{Health, NotHealthy, check_health};
pub use judge::{Expectations, Fault, Judgement, Proof, Service, Trial, judge};
pub use load::{FailedRequest, Load, LoadError, LoadRecord, LoadSettings, NotServed};
pub use reach::Reach;
pub use read_back::{ReadBack, read_back};
pub use timeline::Timeline;
pub use view::{Reign, View};
pub use watch::{Watch, WatchError, Watched};
