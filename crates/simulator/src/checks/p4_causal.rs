//! P4: one order, in which clocks only grow; and what was shown of it never gains anything in its middle.

use std::collections::BTreeMap;

use papo_core::log::{Entry, Index};

use super::{Check, broken};

const P: &str = "P4 causal order";

/// What readers were shown of each topic.
#[derive(Clone, Debug, Default)]
pub struct Causal {
    shown: BTreeMap<String, Vec<Index>>,
}

impl Causal {
    /// `entry` follows `before` in the log.
    ///
    /// # Errors
    /// If its clock or its epoch does not.
    pub fn follows(before: &Entry, entry: &Entry) -> Check {
        if entry.lamport <= before.lamport {
            return broken(
                P,
                format!(
                    "the Lamport clock of {} is {:?}, and {} before it has {:?}",
                    entry.index, entry.lamport, before.index, before.lamport
                ),
            );
        }
        if entry.epoch < before.epoch {
            return broken(P, format!("{} is of an older epoch than the entry before it", entry.index));
        }
        Ok(())
    }

    /// Somebody is shown a page of a topic: these messages, and none besides them between the first and the last.
    ///
    /// # Errors
    /// If it is out of order, or differs from what was shown of the same stretch before.
    pub fn page(&mut self, topic: &str, page: &[Index]) -> Check {
        if let Some(pair) = page.windows(2).find(|pair| pair[0] >= pair[1]) {
            return broken(P, format!("{topic}: {} was shown before {}", pair[0], pair[1]));
        }
        let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(()) };
        let shown = self.shown.entry(topic.to_owned()).or_default();
        let known_last = shown.last().copied().unwrap_or(0);
        let known_first = shown.first().copied().unwrap_or(Index::MAX);
        let inserted = page
            .iter()
            .find(|index| (known_first..=known_last).contains(index) && shown.binary_search(index).is_err());
        if let Some(inserted) = inserted {
            return broken(
                P,
                format!("{topic}: {inserted} was inserted into history that was already shown"),
            );
        }
        let gone = shown.iter().find(|index| (*first..=*last).contains(index) && !page.contains(index));
        if let Some(gone) = gone {
            return broken(P, format!("{topic}: {gone} was shown before, and is missing now"));
        }
        if known_first == Index::MAX || (*first <= known_last && *last >= known_first) {
            shown.extend(page);
            shown.sort_unstable();
            shown.dedup();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{entry, sentence};
    use super::*;

    #[test]
    fn clocks_that_stand_still_are_found() {
        assert_eq!(Causal::follows(&entry(1, 1, 1, 1), &entry(2, 1, 2, 1)), Ok(()));
        let still = sentence(Causal::follows(&entry(1, 1, 2, 1), &entry(2, 1, 2, 1)));
        assert!(still.contains("the Lamport clock of 2"), "{still}");
        let old = sentence(Causal::follows(&entry(1, 3, 1, 1), &entry(2, 2, 2, 1)));
        assert!(old.contains("older epoch"), "{old}");
    }

    #[test]
    fn a_page_that_gains_or_loses_something_in_its_middle_is_found() {
        let mut causal = Causal::default();
        assert_eq!(causal.page("geral", &[2, 5, 9]), Ok(()));
        assert_eq!(causal.page("geral", &[5, 9, 12]), Ok(()));
        let inserted = sentence(causal.page("geral", &[5, 7, 9]));
        assert!(inserted.contains("7 was inserted into history that was already shown"), "{inserted}");
        assert!(sentence(causal.page("geral", &[2, 9])).contains("5 was shown before, and is missing"));
        assert!(sentence(causal.page("geral", &[9, 5])).contains("9 was shown before 5"));
    }
}
