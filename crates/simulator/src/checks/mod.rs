//! What each promise says about the recorded history. One file a promise; each check names what is broken in a sentence.
//!
//! The checkers know nothing of the cluster: they are told what was seen from outside (what is on a disk, what a client was
//! told), and each has hand-made bad histories of its own on which it must go red, and some have random ones (`properties`).

pub mod agreement;
pub mod p10_refusal;
pub mod p11_growth;
pub mod p1_durable;
pub mod p2_once;
pub mod p3_convergence;
pub mod p4_causal;
pub mod p5_session;
pub mod p6_names;
pub mod p7_availability;
pub mod p8_delivery;
pub mod p9_clock;
#[cfg(test)]
mod properties;

use std::fmt;

use papo_core::log::RequestId;

/// The key of a request: author and id.
pub type Key = (String, RequestId);

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub promise: &'static str,
    /// What happened.
    pub sentence: String,
}

/// What a check comes to.
pub type Check = Result<(), Violation>;

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.sentence)
    }
}

/// Goes on if the promise was kept.
///
/// # Panics
/// If it was broken, with the sentence: the run ends where the promise was broken.
#[track_caller]
pub fn require(check: Check) {
    if let Err(violation) = check {
        panic!("{violation}");
    }
}

/// A violation of `promise`.
pub(crate) fn broken(promise: &'static str, sentence: impl Into<String>) -> Check {
    Err(Violation { promise, sentence: sentence.into() })
}

/// A request as it is named in sentences.
pub(crate) fn named((author, id): &Key) -> String {
    match id {
        RequestId::Client(id) => format!("request {id} of {author}"),
        RequestId::Broker { incarnation, counter } => format!("request {incarnation}.{counter} of {author}"),
    }
}

#[cfg(test)]
mod testing {
    use std::sync::Arc;

    use papo_core::chat::{Delivery, Said, To};
    use papo_core::clock::{Lamport, WallTime};
    use papo_core::log::{Entry, Index, Operation, RequestId};

    use super::{Check, Key};

    pub(super) fn key(id: &str) -> Key {
        ("ana".to_owned(), RequestId::Client(id.to_owned()))
    }

    pub(super) fn entry(index: u64, epoch: u64, lamport: u64, time: i64) -> Arc<Entry> {
        Arc::new(Entry {
            index,
            epoch,
            lamport: Lamport::new(lamport),
            time: WallTime::from_nanos(time),
            author: String::new(),
            request_id: None,
            operation: Operation::Empty,
        })
    }

    pub(super) fn sentence(check: Check) -> String {
        check.expect_err("this history is bad").to_string()
    }

    /// A message in a channel, and the one before it there.
    pub(super) fn said(index: Index, previous: Index) -> Delivery {
        let said = Said {
            index,
            time: WallTime::EPOCH,
            clock: Lamport::default(),
            from: "ana".to_owned(),
            to: To::Channel("geral".to_owned()),
            message: "oi".to_owned(),
            request_id: None,
        };
        Delivery { said, previous }
    }
}
