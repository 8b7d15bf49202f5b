//! P6: a name has one winner.

use std::collections::HashMap;

use papo_core::chat::Outcome;
use papo_core::log::{Entry, Index, Operation};

use super::{Check, broken};

const P: &str = "P6 unique names";

/// Who has won which name.
#[derive(Clone, Debug, Default)]
pub struct Names {
    winners: HashMap<String, Index>,
}

impl Names {
    /// `entry` took effect, for the first time.
    ///
    /// # Errors
    /// If it takes a name that is taken.
    pub fn took_effect(&mut self, entry: &Entry) -> Check {
        let name = match &entry.operation {
            Operation::Login { user } => format!("user {}", user.key),
            Operation::Channel { channel } => format!("channel {}", channel.key),
            _ => return Ok(()),
        };
        match self.winners.insert(name.clone(), entry.index) {
            Some(first) => {
                broken(P, format!("the {name} has two winners, at {first} and at {}", entry.index))
            }
            None => Ok(()),
        }
    }
}

/// A name that nobody else has ever asked for was asked for, and that came to `outcome`.
///
/// # Errors
/// If it was refused.
pub fn free(name: &str, outcome: Outcome) -> Check {
    if outcome != Outcome::Done {
        return broken(P, format!("the name {name} was refused ({outcome:?}), and nobody else asked for it"));
    }
    Ok(())
}

/// The same, where a client was told a failure.
///
/// # Errors
/// Always.
pub fn free_for(name: &str, failure: &impl std::fmt::Debug) -> Check {
    broken(P, format!("what was asked of {name}, which is one client's own, was refused: {failure:?}"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{entry, sentence};
    use super::*;
    use papo_core::chat::Refusal;
    use papo_core::log::Name;

    #[test]
    fn a_free_name_that_is_refused_is_found() {
        assert_eq!(free("ana", Outcome::Done), Ok(()));
        let refused = sentence(free("ana", Outcome::Refused(Refusal::UserExists)));
        assert!(refused.contains("the name ana was refused"), "{refused}");
    }

    #[test]
    fn two_winners_are_found() {
        let login = |index| {
            let user = Name { display: "Ana".to_owned(), key: "ana".to_owned() };
            Entry { operation: Operation::Login { user }, ..(*entry(index, 1, index, 1)).clone() }
        };
        let mut names = Names::default();
        assert_eq!(names.took_effect(&login(3)), Ok(()));
        let two = sentence(names.took_effect(&login(8)));
        assert_eq!(two, "P6 unique names: the user ana has two winners, at 3 and at 8");
    }
}
