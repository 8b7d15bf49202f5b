use std::collections::{BTreeSet, HashMap};

use papo_core::clock::Instant;

use crate::SessionId;

/// When each session wants to be called.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    order: BTreeSet<(Instant, SessionId)>,
    at: HashMap<SessionId, Instant>,
}

impl Agenda {
    /// Replaces what was set for the session.
    pub(super) fn set(&mut self, session: SessionId, at: Option<Instant>) {
        if self.at.get(&session).copied() == at {
            return;
        }
        if let Some(old) = self.at.remove(&session) {
            self.order.remove(&(old, session));
        }
        if let Some(at) = at {
            self.at.insert(session, at);
            self.order.insert((at, session));
        }
    }

    /// When the next session wants to be called.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes one session that is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<SessionId> {
        let (_, session) = *self.order.first().filter(|(at, _)| *at <= now)?;
        self.set(session, None);
        Some(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_due_in_order_and_once() {
        let mut agenda = Agenda::default();
        let at = Instant::from_nanos;
        agenda.set(SessionId(1), Some(at(30)));
        agenda.set(SessionId(2), Some(at(20)));
        agenda.set(SessionId(3), Some(at(10)));
        agenda.set(SessionId(1), Some(at(15)));
        agenda.set(SessionId(3), None);
        assert_eq!(agenda.next(), Some(at(15)));
        assert_eq!(agenda.take_due(at(20)), Some(SessionId(1)));
        assert_eq!(agenda.take_due(at(20)), Some(SessionId(2)));
        assert_eq!(agenda.take_due(at(20)), None);
        assert_eq!(agenda.next(), None);
    }
}
