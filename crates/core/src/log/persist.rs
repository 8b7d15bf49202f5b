use std::sync::Arc;

use crate::log::{Entry, Epoch, Index};
use crate::members::{DiskId, ServerName};

/// What the core asks the disk to do. Writes are carried out in the order in which they were given: when one is reported
/// durable, so are all before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Drops every entry beyond `after`, then appends `entries`, in one transaction: a crash shows either all of it or nothing.
    Append {
        /// The last index to keep.
        after: Index,
        /// Consecutive entries from `after + 1`.
        entries: Vec<Arc<Entry>>,
        /// The highest index known to be committed. Stored along with the entries, as a lower bound: after a restart
        /// everything up to there may be applied without asking anybody.
        committed: Index,
    },
    /// Notes a promise: from now on nothing of an epoch below this is obeyed.
    Promise(Promise),
    /// Gives the disk a new identity, because its holder was found to have forgotten what it once promised.
    RenewDisk(DiskId),
}

/// The highest epoch promised, and to whom. An epoch is promised once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promise {
    /// The epoch.
    pub epoch: Epoch,
    /// The candidate it was promised to; empty before the first promise.
    pub candidate: ServerName,
}
