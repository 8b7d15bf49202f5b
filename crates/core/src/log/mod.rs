//! The replicated log: what an entry is, and what is asked of the disk.
//!
//! The log is the one order in which everything happened. An [`Entry`] stands at an [`Index`] and was ordered in an [`Epoch`];
//! two logs that hold the same [`Position`] (both of these) are equal up to there, which is the log matching property of Raft
//! (Ongaro 2014, section 3.5). [`LogWindow`] keeps the newest part in memory: all that may still be dropped, and what those who
//! are a little behind will ask for. A [`Write`] is what a disk is asked to do, one after another.
//!
//! # What is not done
//!
//! It is never compacted, for it is the history that people read. What has left the window is read back from the disk.

mod entry;
mod operation;
mod persist;
mod window;

pub use entry::{Entry, Epoch, Index, Position, RequestId};
pub use operation::{ClusterId, Genesis, Name, Operation};
pub use persist::{Promise, Write};
pub use window::{LogWindow, Merged};
