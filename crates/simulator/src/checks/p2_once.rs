//! P2: however often a request is tried, it takes effect once and has one answer.

use std::collections::HashMap;

use papo_core::chat::Outcome;
use papo_core::log::Index;

use super::{Check, Key, broken, named};

const P: &str = "P2 once";

/// What each request came to, where it was settled first.
#[derive(Clone, Debug, Default)]
pub struct Once {
    settled: HashMap<Key, (Index, Outcome)>,
}

impl Once {
    /// What a request came to, and where.
    pub fn settled(&self, key: &Key) -> Option<(Index, Outcome)> {
        self.settled.get(key).copied()
    }

    /// An entry with this key was applied at `index`, as a copy of the one at `repeats` or as the first.
    ///
    /// # Errors
    /// If it took effect twice, or came to something else than the first time.
    pub fn applied(&mut self, key: Key, index: Index, repeats: Option<Index>, outcome: Outcome) -> Check {
        match (self.settled(&key), repeats) {
            (None, None) => {
                self.settled.insert(key, (index, outcome));
                Ok(())
            }
            (Some((first, _)), None) => {
                broken(P, format!("{} took effect twice, at {first} and at {index}", named(&key)))
            }
            (Some((first, settled)), Some(repeats)) if first == repeats && settled == outcome => Ok(()),
            (Some((first, settled)), Some(_)) => broken(
                P,
                format!(
                    "{} came to {settled:?} at {first}, and its copy at {index} to {outcome:?}",
                    named(&key)
                ),
            ),
            (None, Some(repeats)) => {
                broken(P, format!("{} was taken for a copy of {repeats}, which it is not", named(&key)))
            }
        }
    }

    /// A client was told this of its request.
    ///
    /// # Errors
    /// If the log says something else.
    pub fn answered(&self, key: &Key, index: Index, outcome: Outcome) -> Check {
        match self.settled(key) {
            Some((first, settled)) if (first, settled) != (index, outcome) => broken(
                P,
                format!("{} has two answers: {settled:?} at {first}, and {outcome:?} at {index}", named(key)),
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{key, sentence};
    use super::*;
    use papo_core::chat::Refusal;

    #[test]
    fn a_second_effect_is_found() {
        let mut once = Once::default();
        assert_eq!(once.applied(key("a"), 3, None, Outcome::Done), Ok(()));
        assert_eq!(once.applied(key("a"), 5, Some(3), Outcome::Done), Ok(()));
        let twice = sentence(once.applied(key("a"), 6, None, Outcome::Done));
        assert_eq!(twice, "P2 once: request a of ana took effect twice, at 3 and at 6");
        assert!(sentence(once.applied(key("b"), 7, Some(3), Outcome::Done)).contains("which it is not"));
    }

    #[test]
    fn two_answers_to_one_id_are_found() {
        let mut once = Once::default();
        assert_eq!(once.applied(key("a"), 3, None, Outcome::Done), Ok(()));
        assert_eq!(once.answered(&key("a"), 3, Outcome::Done), Ok(()));
        let refused = Outcome::Refused(Refusal::UserExists);
        assert!(sentence(once.answered(&key("a"), 3, refused)).contains("has two answers"));
        assert!(sentence(once.answered(&key("a"), 4, Outcome::Done)).contains("has two answers"));
    }
}
