use std::fmt;

use serde::{Deserialize, Serialize};

use crate::log::{Entry, Operation};

use super::encoder::Encoder;
use super::fingerprint::Fingerprint;
use super::outcome::Outcome;
use super::places::Places;

/// A hash over everything applied so far and what each entry came to.
///
/// Two replicas at the same index that show the same digest applied the same log and reached the same verdicts; two that
/// show different ones did not. (Up to collisions of 64 bits of SHA-256 in one entry, or 128 in the chain.)
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StateDigest([u8; 16]);

impl StateDigest {
    /// The digest after one more entry. `repeated` tells a retry from the request that it repeats.
    pub(super) fn extend(
        self,
        entry: &Entry,
        fingerprint: &Fingerprint,
        outcome: Outcome,
        repeated: bool,
    ) -> Self {
        let mut encoder = Encoder::default();
        encoder.chain(&self.0);
        encoder.number(entry.index);
        encoder.number(entry.epoch);
        encoder.number(entry.lamport.get());
        encoder.number(entry.time.as_nanos().cast_unsigned());
        encoder.byte(outcome.code() | u8::from(repeated) << 7);
        encoder.number(fingerprint.digest.bits());
        match fingerprint.key {
            Some(key) => encoder.chain(&key.bits().to_be_bytes()),
            None => encoder.text(&entry.author),
        }
        if let Some(key) = name_key(&entry.operation) {
            encoder.text(key);
        }
        Self(encoder.finish())
    }

    /// The digest where an entry said who is wanted among the members: over that, too.
    pub(super) fn with(self, places: &Places) -> Self {
        let mut encoder = Encoder::default();
        encoder.chain(&self.0);
        places.encode(&mut encoder);
        Self(encoder.finish())
    }

    /// The digest as it is compared and stored.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The part of an operation that decides on its effect without being part of what was asked for.
fn name_key(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Login { user: name } | Operation::Channel { channel: name } => Some(&name.key),
        Operation::Imported { operation, .. } => match &**operation {
            Operation::Login { user: name } | Operation::Channel { channel: name } => Some(&name.key),
            _ => None,
        },
        _ => None,
    }
}

impl fmt::Display for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateDigest({self})")
    }
}
