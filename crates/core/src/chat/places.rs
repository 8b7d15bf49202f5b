use std::collections::BTreeSet;

use super::encoder::Encoder;
use super::outcome::Refusal;
use crate::members::{MAX_MEMBERS, ServerName, is_server_name};

/// Who is wanted among the members, by name. The coordinator works towards it, one change at a time.
///
/// It begins with those who founded the cluster, and is never empty from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    names: BTreeSet<ServerName>,
}

impl Places {
    /// The names, in their order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether a servidor of that name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn found(&mut self, names: impl Iterator<Item = ServerName>) {
        self.names.extend(names);
    }

    /// Wants `name`. Wanting it twice is no mistake.
    pub(super) fn admit(&mut self, name: &str) -> Result<(), Refusal> {
        if self.wants(name) {
            return Ok(());
        }
        if !is_server_name(name) {
            return Err(Refusal::BadServerName);
        }
        if self.names.len() >= MAX_MEMBERS {
            return Err(Refusal::TooManyMembers);
        }
        self.names.insert(name.to_owned());
        Ok(())
    }

    /// Wants `name` no longer. One that was not wanted is no mistake.
    pub(super) fn dismiss(&mut self, name: &str) -> Result<(), Refusal> {
        if self.wants(name) && self.names.len() == 1 {
            return Err(Refusal::LastMember);
        }
        self.names.remove(name);
        Ok(())
    }

    pub(super) fn encode(&self, encoder: &mut Encoder) {
        encoder.number(self.names.len() as u64);
        for name in &self.names {
            encoder.text(name);
        }
    }
}
