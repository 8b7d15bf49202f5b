//! What clients ask.
//!
//! [`Request::decode`] is the way in for every byte a client sends: bounds first ([`crate::limits`]), then one pass over the
//! outer map and one over `data`, with nothing built but the texts that are kept.
//!
//! What is only advice of the sender (its clock, its time) never makes a request fail; what decides about its effect
//! (names, texts, `request_id`, positions) does.

mod bad;
mod body;
mod decode;
mod encode;

pub use bad::{BadRequest, Flaw};
pub use body::{Body, Conversation, Import, Imported, Page};
pub use decode::service_of;

use papo_core::clock::{Lamport, WallTime};
use papo_core::log::Index;

use crate::Service;

/// A request that can be carried out, as far as can be told without the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The same for every retry; `None` from clients that send none, for which the broker's id stands in.
    pub request_id: Option<String>,
    /// The highest index that the client has seen; the answer must reflect at least that. 0 for none.
    pub seen: Index,
    /// The sender's Lamport clock; 0 where it is missing, negative or beyond [`Lamport::LIMIT`].
    pub clock: Lamport,
    /// The sender's time, where it sent one that can be read.
    pub timestamp: Option<WallTime>,
    /// What the client was given when it logged in. Not checked here.
    pub session: Option<String>,
    /// What is asked.
    pub body: Body,
}

impl Request {
    /// A request for `body` and nothing else.
    pub const fn new(body: Body) -> Self {
        Self { request_id: None, seen: 0, clock: Lamport::new(0), timestamp: None, session: None, body }
    }

    /// The service that is asked for.
    pub const fn service(&self) -> Service {
        self.body.service()
    }
}
