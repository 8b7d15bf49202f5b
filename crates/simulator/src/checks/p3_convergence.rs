//! P3: all apply the same entries, and have the same state at the same index.

use std::sync::Arc;

use papo_core::chat::StateDigest;
use papo_core::log::{Entry, Index};

use super::{Check, broken};

const P: &str = "P3 convergence";

/// The one log, as far as anybody has applied it, and the state after each of its entries.
#[derive(Clone, Debug, Default)]
pub struct Convergence {
    entries: Vec<Arc<Entry>>,
    digests: Vec<StateDigest>,
}

impl Convergence {
    /// The one log.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// Somebody has applied `entry`; whether that is the first time anybody has.
    ///
    /// # Errors
    /// If another entry was applied at that index, or one was left out.
    pub fn applied(&self, by: &str, entry: &Arc<Entry>) -> Result<bool, super::Violation> {
        match self.entries.get(at(entry.index)) {
            Some(known) if known == entry => Ok(false),
            Some(known) => broken(
                P,
                format!(
                    "{by} applied another entry at {}: {:?} of epoch {}, where others have {:?} of epoch {}",
                    entry.index, entry.operation, entry.epoch, known.operation, known.epoch
                ),
            )
            .map(|()| false),
            None if entry.index == self.entries.len() as Index + 1 => Ok(true),
            None => broken(P, format!("{by} applied {} and left out what is before it", entry.index))
                .map(|()| false),
        }
    }

    /// The log goes on with `entry`, after which the state is `digest`.
    pub fn extend(&mut self, entry: &Arc<Entry>, digest: StateDigest) {
        self.entries.push(Arc::clone(entry));
        self.digests.push(digest);
    }

    /// Somebody has this state at this index.
    ///
    /// # Errors
    /// If it is not what the log makes of it.
    pub fn state(&self, by: &str, applied: Index, digest: StateDigest) -> Check {
        if applied == 0 || self.digests.get(at(applied)) == Some(&digest) {
            return Ok(());
        }
        broken(P, format!("{by} has another state at {applied} than the log makes"))
    }
}

fn at(index: Index) -> usize {
    usize::try_from(index).expect("logs are short").wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{entry, sentence};
    use super::*;

    #[test]
    fn another_entry_or_state_at_an_index_is_found() {
        let mut log = Convergence::default();
        let first = entry(1, 1, 1, 1);
        assert_eq!(log.applied("s1", &first), Ok(true));
        log.extend(&first, StateDigest::default());
        assert_eq!(log.applied("s2", &first), Ok(false));
        assert!(sentence(log.applied("s2", &entry(1, 2, 1, 1)).map(|_| ())).contains("another entry at 1"));
        assert!(sentence(log.applied("s2", &entry(3, 1, 3, 1)).map(|_| ())).contains("left out"));
        assert_eq!(log.state("s2", 1, StateDigest::default()), Ok(()));
        assert!(sentence(log.state("s2", 2, StateDigest::default())).contains("another state at 2"));
    }
}
