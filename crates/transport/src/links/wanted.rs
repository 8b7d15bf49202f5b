use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::resolver::{Change, TargetId};

/// Which addresses are wanted. Two names may have the same address: it is wanted until neither has it.
#[derive(Default)]
pub(super) struct Wanted {
    by: BTreeMap<SocketAddr, BTreeSet<TargetId>>,
}

/// What a change means for the addresses of all targets together.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) added: Vec<SocketAddr>,
    pub(super) removed: Vec<SocketAddr>,
}

impl Wanted {
    pub(super) fn apply(&mut self, change: &Change) -> Difference {
        let mut difference = Difference::default();
        for address in &change.added {
            let targets = self.by.entry(*address).or_default();
            if targets.is_empty() {
                difference.added.push(*address);
            }
            targets.insert(change.target);
        }
        for address in &change.removed {
            if self.release(*address, change.target) {
                difference.removed.push(*address);
            }
        }
        difference
    }

    /// A target is followed no more.
    pub(super) fn forget(&mut self, target: TargetId) -> Difference {
        let all: Vec<_> = self.by.keys().copied().collect();
        let removed = all.into_iter().filter(|address| self.release(*address, target)).collect();
        Difference { added: Vec::new(), removed }
    }

    pub(super) fn contains(&self, address: SocketAddr) -> bool {
        self.by.contains_key(&address)
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.by.keys().copied()
    }

    fn release(&mut self, address: SocketAddr, target: TargetId) -> bool {
        let Some(targets) = self.by.get_mut(&address) else { return false };
        targets.remove(&target);
        if targets.is_empty() {
            self.by.remove(&address);
            return true;
        }
        false
    }
}
