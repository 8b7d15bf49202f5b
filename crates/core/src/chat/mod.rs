//! The chat as a deterministic function of the log: names, channels, messages, who follows what, and which requests
//! were already carried out.
//!
//! [`ChatState::apply`] takes the committed entries one after the other. It is the only place where a request is
//! judged: whether a name is free, whether a channel exists, whether this is a retry. Every replica applies the same
//! entries and so comes to the same verdicts (Schneider 1990); [`ChatState::digest`] shows whether it did. A refusal is
//! a verdict too: it is remembered under the request's id, and is what a retry gets.
//!
//! Who is *wanted* among the members is decided here as well ([`Places`]), because it is a request like any other. Who *counts* is not:
//! that is about the log (see [`crate::members`]).
//!
//! What is kept here is what verdicts and quick answers need: names, tips of topics, joins, recent request ids. Of
//! texts nothing is kept: [`Applied`] tells what was said once, and the store reads it again from the log.
//!
//! Not done here: whether names, ids and texts are well-formed is checked where a request enters; whether someone may
//! speak under a name is checked there too, by [`ChatState::verify_session`]. Names and topics are never removed.

mod apply;
mod digest;
mod encoder;
mod fingerprint;
mod joins;
mod outcome;
mod places;
mod recent;
mod registry;
mod said;
mod sessions;
mod state;
mod table;
mod topics;

#[cfg(test)]
mod tests;

pub use apply::Applied;
pub use digest::StateDigest;
pub use fingerprint::{Digest, RequestKey};
pub use outcome::{Outcome, Refusal};
pub use places::Places;
pub use recent::Recalled;
pub use said::{Delivery, Record, Said, TimelineKey, To};
pub use state::{ChatState, RULES};
