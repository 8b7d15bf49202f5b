//! What servidores send each other, as frames: `[header, message]`, MessagePack both.
//!
//! The first byte of the header is the version of the protocol. A servidor says in its greeting what it speaks; a later release speaks
//! the lower version to an older one, so that two releases run side by side. There is one version so far. What cannot be read is
//! counted and dropped: another path, or a repetition, brings what matters.

use std::io::ErrorKind;

use papo_core::log::ClusterId;
use papo_core::members::{DiskId, MemberId};
use papo_core::replica::Message;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use thiserror::Error;

mod validate;

/// The version of the protocol that this release speaks.
pub(crate) const VERSION: u8 = 1;

/// How deep what is read may be nested. An imported message within a batch needs ten; a decoder that follows more of it, because the
/// type of an operation can hold another one, is at the end of its stack long before the bytes are at theirs.
const DEPTH: usize = 24;

/// Who sends a message, and where to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sender {
    /// Name and disk.
    pub(crate) id: MemberId,
    /// The cluster that its log belongs to.
    pub(crate) cluster: Option<ClusterId>,
    /// Where others reach it; only in greetings.
    pub(crate) address: Option<Address>,
}

/// Where a servidor is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    /// For messages to it, as `host:port`.
    pub(crate) peer: String,
    /// For the log it publishes.
    pub(crate) replication: String,
}

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Letter {
    pub(crate) sender: Sender,
    pub(crate) message: Message,
}

/// A message that cannot be read.
#[derive(Debug, Error)]
pub(crate) enum BadLetter {
    #[error("{0} frames instead of 2")]
    Frames(usize),
    #[error("version {0} of the protocol between servidores is not known to this release")]
    Version(u8),
    #[error("not a message between servidores")]
    Malformed(#[from] rmp_serde::decode::Error),
    #[error("bytes follow the end of a message between servidores")]
    Trailing,
    #[error("a message between servidores that contradicts itself")]
    Unsound,
}

impl Sender {
    /// The header's frame.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut header = vec![VERSION];
        rmp_serde::encode::write(&mut header, self).expect("writing to memory does not fail");
        header
    }
}

/// The message's frame.
pub(crate) fn encode(message: &Message) -> Vec<u8> {
    rmp_serde::to_vec(message).expect("writing to memory does not fail")
}

/// Reads the frames of a message.
pub(crate) fn decode(frames: &[Vec<u8>]) -> Result<Letter, BadLetter> {
    let [header, body] = frames else { return Err(BadLetter::Frames(frames.len())) };
    match header.split_first() {
        Some((&VERSION, header)) => {
            let sender = read(header)?;
            let message = read(body)?;
            if validate::is_sound(&message) {
                Ok(Letter { sender, message })
            } else {
                Err(BadLetter::Unsound)
            }
        }
        other => Err(BadLetter::Version(other.map_or(0, |(version, _)| *version))),
    }
}

/// Reads a value, and nothing else.
fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, BadLetter> {
    let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
    reader.set_max_depth(DEPTH);
    let value = T::deserialize(&mut reader)?;
    match IgnoredAny::deserialize(&mut reader) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(end)) if end.kind() == ErrorKind::UnexpectedEof => {
            Ok(value)
        }
        _ => Err(BadLetter::Trailing),
    }
}

impl Sender {
    /// The header of what `id` sends.
    pub(crate) fn new(id: &MemberId, cluster: Option<ClusterId>, address: Option<Address>) -> Self {
        Self { id: MemberId { name: id.name.clone(), disk: DiskId(id.disk.0) }, cluster, address }
    }
}

#[cfg(test)]
mod tests;
