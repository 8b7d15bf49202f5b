//! Forwarding clients' writes to the coordinator: what came in since the last drain, and what has been without an answer for long.

use std::time::Duration;

use super::{Message, Proposal, Replica, Role};
use crate::clock::{Instant, Now};

/// How many writes one message carries, and about how many bytes: far below what the transport takes.
const SUBMIT_WRITES: usize = 1_024;
const SUBMIT_BYTES: usize = 512 << 10;

impl Replica {
    pub(super) fn forward_requests(&mut self, now: Now) {
        if !self.requests.has_writes() {
            return;
        }
        let timing = &self.settings.timing;
        let epoch = self.promise.epoch;
        match &mut self.role {
            Role::Candidate(_) => {}
            Role::Coordinator(reign) if !reign.orders() => {}
            Role::Coordinator(reign) => {
                let again = due_again(&mut reign.handed_at, now.instant, timing.retry);
                let proposals = self.requests.hand_over(epoch, now.instant, again);
                self.order_all(now, proposals);
            }
            Role::Follower(following) if !following.hears(now.instant, timing.suspicion) => {}
            Role::Follower(following) => {
                let again = due_again(&mut following.handed_at, now.instant, timing.retry);
                let Some((coordinator, _)) = &following.obeyed else { return };
                let to = coordinator.name.clone();
                let proposals = self.requests.hand_over(epoch, now.instant, again);
                for proposals in portions(proposals) {
                    self.send(&to, Message::Submit(proposals));
                }
            }
        }
    }
}

/// If it is time to hand over again what had no answer: the moment such that everything handed over before it is due. That
/// is so at once for a new coordinator, who is handed everything.
fn due_again(handed_at: &mut Option<Instant>, now: Instant, retry: Duration) -> Option<Instant> {
    match handed_at.replace(now) {
        None => Some(Instant::ZERO),
        Some(before) if now.since(before) >= retry => Some(before),
        Some(before) => {
            *handed_at = Some(before);
            None
        }
    }
}

/// Cuts `proposals` into messages.
fn portions(proposals: Vec<Proposal>) -> Vec<Vec<Proposal>> {
    let mut portions: Vec<Vec<Proposal>> = Vec::new();
    let mut bytes = 0;
    for proposal in proposals {
        let weight = proposal.operation.weight();
        match portions.last_mut().filter(|last| last.len() < SUBMIT_WRITES && bytes + weight <= SUBMIT_BYTES)
        {
            Some(last) => last.push(proposal),
            None => {
                portions.push(vec![proposal]);
                bytes = 0;
            }
        }
        bytes += weight;
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Lamport;
    use crate::log::{Operation, RequestId};

    fn proposal(counter: u64, letters: usize) -> Proposal {
        Proposal {
            author: "ana".to_owned(),
            request_id: RequestId::Broker { incarnation: 1, counter },
            operation: Operation::Message {
                src: "ana".to_owned(),
                dst: "bruno".to_owned(),
                message: "o".repeat(letters),
            },
            clock: Lamport::default(),
        }
    }

    #[test]
    fn a_flood_is_cut_into_messages_that_the_transport_takes_and_keeps_its_order() {
        let flood: Vec<Proposal> =
            (0..5_000).map(|n| proposal(n, if n % 2 == 0 { 8_000 } else { 10 })).collect();
        let portions = portions(flood.clone());
        for portion in &portions {
            let bytes: usize = portion.iter().map(|proposal| proposal.operation.weight()).sum();
            assert!(!portion.is_empty() && portion.len() <= SUBMIT_WRITES && bytes <= SUBMIT_BYTES);
        }
        assert_eq!(portions.concat(), flood);
    }

    #[test]
    fn one_write_that_is_larger_than_a_message_should_be_goes_alone() {
        let portions = portions(vec![proposal(1, SUBMIT_BYTES * 2), proposal(2, 1)]);
        assert_eq!(portions.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn a_new_coordinator_is_handed_everything_at_once_and_then_every_while() {
        let at = |ms| Instant::ZERO + Duration::from_millis(ms);
        let (mut handed_at, retry) = (None, Duration::from_millis(250));
        assert_eq!(due_again(&mut handed_at, at(1_000), retry), Some(Instant::ZERO));
        assert_eq!(due_again(&mut handed_at, at(1_249), retry), None);
        assert_eq!(due_again(&mut handed_at, at(1_250), retry), Some(at(1_000)));
        assert_eq!(due_again(&mut handed_at, at(1_499), retry), None);
    }
}
