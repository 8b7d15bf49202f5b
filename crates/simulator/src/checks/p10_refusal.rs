//! P10: who is refused is refused for good, in time; and nothing piles up.

use super::{Check, Key, broken, named};

const P: &str = "P10 refusal";

/// What clients were told has certainly had no effect.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    refused: Vec<Key>,
}

impl Refusals {
    /// Everybody that was asked said that this write certainly had no effect.
    pub fn refused(&mut self, key: Key) {
        self.refused.push(key);
    }

    /// The run is over; `took_effect` knows what is in the log.
    ///
    /// # Errors
    /// If something that was refused took effect.
    pub fn end(&self, took_effect: impl Fn(&Key) -> bool) -> Check {
        match self.refused.iter().find(|key| took_effect(key)) {
            Some(key) => broken(P, format!("{} was refused as not ordered, and took effect", named(key))),
            None => Ok(()),
        }
    }
}

/// `who` has so many of `what` waiting.
///
/// # Errors
/// If that is more than there may ever be.
pub fn bounded(who: &str, what: &str, waiting: usize, limit: usize) -> Check {
    if waiting > limit {
        return broken(P, format!("an unbounded queue: {who} has {waiting} {what}, the limit is {limit}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{key, sentence};
    use super::*;

    #[test]
    fn refused_and_done_all_the_same_is_found() {
        let mut refusals = Refusals::default();
        refusals.refused(key("a"));
        assert_eq!(refusals.end(|_| false), Ok(()));
        assert!(sentence(refusals.end(|_| true)).contains("request a of ana was refused as not ordered"));
    }

    #[test]
    fn what_piles_up_is_found() {
        assert_eq!(bounded("s1", "writes", 10, 10), Ok(()));
        assert!(sentence(bounded("s1", "writes", 11, 10)).contains("unbounded queue: s1 has 11 writes"));
    }
}
