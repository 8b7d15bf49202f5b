use std::collections::BTreeSet;

use super::registry::Ordinal;

/// Who follows which channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Joins(BTreeSet<(Ordinal, Ordinal)>);

impl Joins {
    /// Notes that `user` follows `channel`; nothing changes if that was so.
    pub(super) fn join(&mut self, user: Ordinal, channel: Ordinal) {
        self.0.insert((user, channel));
    }

    /// Notes that `user` does not follow `channel`; nothing changes if that was so.
    pub(super) fn leave(&mut self, user: Ordinal, channel: Ordinal) {
        self.0.remove(&(user, channel));
    }

    /// The channels that `user` follows, oldest channel first.
    pub(super) fn of(&self, user: Ordinal) -> impl Iterator<Item = Ordinal> {
        self.0.range((user, Ordinal(0))..=(user, Ordinal(u32::MAX))).map(|(_, channel)| *channel)
    }
}
