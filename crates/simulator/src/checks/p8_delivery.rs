//! P8: each message is shown once, in order, and none is missing.

use std::collections::{BTreeMap, HashMap};

use papo_core::chat::Delivery;
use papo_core::log::Index;

use super::{Check, broken};

const P: &str = "P8 delivery";

/// What was said, and what of it was published and shown.
#[derive(Clone, Debug, Default)]
pub struct Deliveries {
    said: BTreeMap<Index, Delivery>,
    tips: BTreeMap<String, Index>,
    shown: HashMap<(String, String), Index>,
}

impl Deliveries {
    /// All that was said, in order.
    pub fn said(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.said.values()
    }

    /// The last message on each topic.
    pub fn tips(&self) -> &BTreeMap<String, Index> {
        &self.tips
    }

    /// The log says this.
    ///
    /// # Errors
    /// If it names another message before it than the last of its topic.
    pub fn applied(&mut self, delivery: Delivery) -> Check {
        let (topic, index) = (delivery.said.to.topic(), delivery.said.index);
        let before = self.tips.insert(topic.clone(), index).unwrap_or(0);
        if delivery.previous != before {
            return broken(
                P,
                format!("{topic}: {index} says that it follows {}, and follows {before}", delivery.previous),
            );
        }
        self.said.insert(index, delivery);
        Ok(())
    }

    /// A proxy was sent this.
    ///
    /// # Errors
    /// If it is not what the log says.
    pub fn published(&self, delivery: &Delivery) -> Check {
        match self.said.get(&delivery.said.index) {
            Some(said) if said == delivery => Ok(()),
            Some(_) => broken(P, format!("{} was published otherwise than it was said", delivery.said.index)),
            None => broken(P, format!("{} was published and is not committed", delivery.said.index)),
        }
    }

    /// `reader` follows `topic` from now on, and is shown everything after `after`.
    pub fn follows(&mut self, reader: &str, topic: &str, after: Index) {
        self.shown.insert((reader.to_owned(), topic.to_owned()), after);
    }

    /// `reader` does not follow `topic` any more.
    pub fn unfollows(&mut self, reader: &str, topic: &str) {
        self.shown.remove(&(reader.to_owned(), topic.to_owned()));
    }

    /// `reader`, who follows `topic`, is shown the message `index`.
    ///
    /// # Errors
    /// If it was shown it before, or not what is between.
    pub fn shown(&mut self, reader: &str, topic: &str, index: Index) -> Check {
        let key = (reader.to_owned(), topic.to_owned());
        let Some(before) = self.shown.insert(key, index) else { return Ok(()) };
        if index == before {
            return broken(P, format!("{reader} was shown {index} of {topic} twice"));
        }
        if index < before {
            return broken(P, format!("{reader} was shown {index} of {topic} after {before}"));
        }
        let Some(said) = self.said.get(&index) else {
            return broken(P, format!("{reader} was shown {index} of {topic}, which nobody said"));
        };
        if said.previous > before {
            return broken(P, format!("{reader} was shown {index} of {topic}, and not {}", said.previous));
        }
        Ok(())
    }

    /// All is quiet: everybody must have been shown everything. The first who was not.
    ///
    /// # Errors
    /// If somebody misses a message.
    pub fn complete(&self) -> Check {
        for ((reader, topic), shown) in &self.shown {
            let tip = self.tips.get(topic).copied().unwrap_or(0);
            if tip > *shown {
                return broken(P, format!("{reader} was never shown {tip} of {topic}, the last is {shown}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{said, sentence};
    use super::*;

    fn three() -> Deliveries {
        let mut deliveries = Deliveries::default();
        for (index, previous) in [(2, 0), (5, 2), (9, 5)] {
            assert_eq!(deliveries.applied(said(index, previous)), Ok(()));
        }
        deliveries.follows("bruno", "geral", 0);
        deliveries
    }

    #[test]
    fn a_hole_in_the_chain_is_found() {
        let hole = sentence(three().applied(said(12, 5)));
        assert_eq!(hole, "P8 delivery: geral: 12 says that it follows 5, and follows 9");
    }

    #[test]
    fn a_message_shown_twice_is_found() {
        let mut deliveries = three();
        assert_eq!(deliveries.shown("bruno", "geral", 2), Ok(()));
        let twice = sentence(deliveries.shown("bruno", "geral", 2));
        assert_eq!(twice, "P8 delivery: bruno was shown 2 of geral twice");
    }

    #[test]
    fn a_message_left_out_or_out_of_order_is_found() {
        assert!(sentence(three().shown("bruno", "geral", 5)).contains("and not 2"));
        let mut deliveries = three();
        assert_eq!(deliveries.shown("bruno", "geral", 2), Ok(()));
        assert_eq!(deliveries.shown("bruno", "geral", 5), Ok(()));
        assert!(sentence(deliveries.clone().shown("bruno", "geral", 2)).contains("after 5"));
        assert!(sentence(deliveries.complete()).contains("never shown 9"));
    }

    #[test]
    fn what_was_published_and_not_said_is_found() {
        assert!(sentence(three().published(&said(7, 5))).contains("not committed"));
        assert!(sentence(three().published(&said(9, 2))).contains("otherwise"));
    }
}
