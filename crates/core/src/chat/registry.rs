use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::log::{Index, Name};

/// The place of a name in its registry: how many were created before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ordinal(pub(super) u32);

/// Names that were taken, in the order in which they were. Names are never given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Registry {
    names: Vec<Taken>,
    by_display: BTreeMap<Arc<str>, Ordinal>,
    keys: BTreeSet<Arc<str>>,
}

/// A name that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// As it is shown.
    pub(super) display: Arc<str>,
    /// Under which it is unique.
    pub(super) key: Arc<str>,
    /// The entry that took it.
    pub(super) since: Index,
}

impl Registry {
    /// Takes `name`, unless it or one with its key is taken; says whether it did.
    ///
    /// The same display under another key is possible (two servidores with different Unicode tables), and is refused too:
    /// later requests name the display only.
    pub(super) fn take(&mut self, name: &Name, index: Index) -> bool {
        if self.keys.contains(name.key.as_str()) || self.by_display.contains_key(name.display.as_str()) {
            return false;
        }
        let display: Arc<str> = name.display.as_str().into();
        let key = if name.key == name.display { Arc::clone(&display) } else { name.key.as_str().into() };
        let ordinal = Ordinal(u32::try_from(self.names.len()).expect("fewer than 2^32 names"));
        self.by_display.insert(Arc::clone(&display), ordinal);
        self.keys.insert(Arc::clone(&key));
        self.names.push(Taken { display, key, since: index });
        true
    }

    /// The place of the name that is shown exactly as `display`.
    pub(super) fn find(&self, display: &str) -> Option<Ordinal> {
        self.by_display.get(display).copied()
    }

    /// The name in that place.
    pub(super) fn get(&self, ordinal: Ordinal) -> &Taken {
        &self.names[ordinal.0 as usize]
    }

    /// All names as they are shown, in the order in which they were taken.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.names.iter().map(|taken| &*taken.display)
    }
}
