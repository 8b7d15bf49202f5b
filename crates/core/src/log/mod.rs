//! The replicated log: what an entry is, and what is asked of the disk.

mod entry;
mod operation;
mod persist;
mod window;

pub use entry::{Entry, Epoch, Index, Position, RequestId};
pub use operation::{ClusterId, Genesis, Name, Operation};
pub use persist::{Promise, Write};
pub use window::{LogWindow, Merged};
