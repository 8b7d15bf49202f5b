use std::fmt;

use serde::{Deserialize, Serialize};

use crate::log::{Entry, Operation, RequestId};

use super::encoder::Encoder;

/// The identity of a request across its retries, in 128 bits: a truncated SHA-256 over its author and id.
///
/// Ids that brokers gave are encoded differently from those of clients, so that no client can name one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestKey(u128);

impl RequestKey {
    /// The key of `author`'s request `id`.
    pub fn of(author: &str, id: &RequestId) -> Self {
        let mut encoder = Encoder::default();
        match id {
            RequestId::Client(id) => {
                encoder.byte(0);
                encoder.text(author);
                encoder.text(id);
            }
            RequestId::Broker { incarnation, counter } => {
                encoder.byte(1);
                encoder.text(author);
                encoder.number(*incarnation);
                encoder.number(*counter);
            }
        }
        Self(u128::from_be_bytes(encoder.finish()))
    }

    pub(super) const fn bits(self) -> u128 {
        self.0
    }

    #[cfg(test)]
    pub(super) const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }
}

/// What a request asked for, in 64 bits: a truncated SHA-256 over the operation. Tells a retry from another request under
/// the same id.
///
/// Names count as they were typed, without the key derived from them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(u64);

impl Digest {
    /// The digest of `operation`.
    pub fn of(operation: &Operation) -> Self {
        let mut encoder = Encoder::default();
        encoder.operation(operation);
        Self(u64::from_be_bytes(encoder.finish()))
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

/// Both hashes of an entry. Computing them is most of the work of applying a short message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Which request it is; `None` for entries without a request id, which are never retries.
    pub key: Option<RequestKey>,
    /// What it asks for.
    pub digest: Digest,
}

impl Fingerprint {
    /// The fingerprint of `entry`.
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            key: entry.request_id.as_ref().map(|id| RequestKey::of(&entry.author, id)),
            digest: Digest::of(&entry.operation),
        }
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestKey({self})")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}
