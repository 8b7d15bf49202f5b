//! A cable that a drill has pulled: nothing passes between this servidor and some others, whatever the sockets do meanwhile.
//!
//! Connections stay open, so that it is noticed as a cut is: by silence. What was in flight is lost; when it is mended, everything is
//! sent and heard again as if nothing had been.

use std::collections::BTreeSet;

/// Whom nothing is sent to and nothing is heard from. Nobody, unless a drill says so.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    from: BTreeSet<String>,
}

impl Cut {
    /// Cuts off these, and nobody else.
    pub(crate) fn set(&mut self, from: BTreeSet<String>) {
        self.from = from;
    }

    /// Whether nothing passes between us and the servidor of that name.
    pub(crate) fn severs(&self, name: &str) -> bool {
        self.from.contains(name)
    }

    /// Whether anybody is cut off.
    pub(crate) fn severs_some(&self) -> bool {
        !self.from.is_empty()
    }
}
