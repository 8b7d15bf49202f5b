//! What all promises stand on: one coordinator an epoch, and nobody says that something is stored before it is.

use std::collections::BTreeMap;

use papo_core::log::{Epoch, Index, Position, Promise};
use papo_core::members::MemberId;
use papo_core::replica::Message;

use super::{Check, broken};

const P: &str = "agreement";

/// Who coordinated which epoch.
#[derive(Clone, Debug, Default)]
pub struct Agreement {
    coordinators: BTreeMap<Epoch, MemberId>,
}

/// What is on the disk of whoever sends a message.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The highest promise.
    pub promise: &'a Promise,
    /// The end of the log.
    pub last: Position,
}

impl Agreement {
    /// How many epochs had a coordinator.
    pub fn reigns(&self) -> usize {
        self.coordinators.len()
    }

    /// Somebody coordinates.
    ///
    /// # Errors
    /// If somebody else does so in the same epoch.
    pub fn coordinates(&mut self, epoch: Epoch, by: &MemberId) -> Check {
        let first = self.coordinators.entry(epoch).or_insert_with(|| by.clone());
        if first == by {
            return Ok(());
        }
        broken(P, format!("epoch {epoch} has two coordinators, {} and {}", first.name, by.name))
    }

    /// `by` says this to another one, while this is on its disk.
    ///
    /// # Errors
    /// If it obeys or orders in an epoch that it has promised not to, or claims what is not on its disk.
    pub fn says(by: &str, message: &Message, stored: Stored<'_>) -> Check {
        let Stored { promise, last } = stored;
        match message {
            Message::Ack(ack) if ack.epoch < promise.epoch => broken(
                P,
                format!(
                    "{by} obeys the coordinator of the old epoch {}, and has promised {}",
                    ack.epoch, promise.epoch
                ),
            ),
            Message::Ack(ack) => is_stored(by, "acknowledges", ack.index, last.index),
            Message::Promised(promised) if promised.epoch > promise.epoch => {
                broken(P, format!("{by} promises epoch {} before that is on its disk", promised.epoch))
            }
            Message::Promised(promised) => is_stored(by, "promises with", promised.last.index, last.index),
            Message::Batch(batch) if batch.epoch < promise.epoch => broken(
                P,
                format!("{by} orders in the old epoch {}, and has promised {}", batch.epoch, promise.epoch),
            ),
            _ => Ok(()),
        }
    }
}

fn is_stored(by: &str, does: &str, index: Index, stored: Index) -> Check {
    if index > stored {
        return broken(P, format!("{by} {does} {index}, and its disk ends at {stored}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::sentence;
    use super::*;
    use papo_core::members::DiskId;
    use papo_core::replica::Ack;

    fn says(epoch: Epoch, index: Index) -> Check {
        let promise = Promise { epoch: 5, candidate: "s2".to_owned() };
        let stored = Stored { promise: &promise, last: Position { epoch: 4, index: 9 } };
        Agreement::says("s1", &Message::Ack(Ack { epoch, index, beacon: 0 }), stored)
    }

    #[test]
    fn an_old_coordinator_that_is_obeyed_is_found() {
        assert_eq!(says(5, 9), Ok(()));
        let old = sentence(says(4, 9));
        assert_eq!(old, "agreement: s1 obeys the coordinator of the old epoch 4, and has promised 5");
        assert!(sentence(says(5, 10)).contains("its disk ends at 9"));
    }

    #[test]
    fn two_coordinators_of_an_epoch_are_found() {
        let member = |name: &str| MemberId { name: name.to_owned(), disk: DiskId(1) };
        let mut agreement = Agreement::default();
        assert_eq!(agreement.coordinates(3, &member("s1")), Ok(()));
        assert_eq!(agreement.coordinates(4, &member("s2")), Ok(()));
        assert!(sentence(agreement.coordinates(3, &member("s2"))).contains("two coordinators, s1 and s2"));
    }
}
