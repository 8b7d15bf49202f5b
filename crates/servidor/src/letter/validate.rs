//! What a message must be besides readable, so that the core can rely on it.
//!
//! The core stops the process where two logs cannot both be true, since to go on would spread it. Bytes that merely look like a
//! message must not get that far. Only what the message says of itself is looked at here, never our own log.

use std::sync::Arc;

use papo_core::log::{Entry, Epoch, Operation, Position};
use papo_core::replica::{Ack, Batch, Beacon, Hello, Message, Promised, Proposal};

/// No log and no epoch gets here in the lifetime of anything. Sums of two stay below what the disk can hold.
const ABSURD: u64 = 1 << 61;

/// Whether the message agrees with itself.
pub(super) fn is_sound(message: &Message) -> bool {
    match message {
        Message::Hello(Hello { last, promised, .. }) => are_sane([*promised]) && is_a_position(*last),
        Message::Found(entry) => follow(Position::default(), std::slice::from_ref(entry)),
        Message::CanvassReply { promised, .. } | Message::Refused { promised } => are_sane([*promised]),
        Message::Election { last, .. } => is_a_position(*last),
        Message::AskPromise { epoch, last } => are_sane([*epoch]) && is_a_position(*last),
        Message::Promised(Promised { epoch, last, published, .. }) => {
            are_sane([*epoch, *published]) && is_a_position(*last)
        }
        Message::Batch(Batch { epoch, previous, entries, commit }) => {
            are_sane([*epoch, *commit]) && are_of(*epoch, *previous, entries)
        }
        Message::Beacon(Beacon { epoch, last, commit, published, held, .. }) => {
            are_sane([*epoch, *commit, *published])
                && are_sane(held.iter().map(|(_, held)| *held))
                && is_a_position(*last)
        }
        Message::Ack(Ack { epoch, index, .. }) => are_sane([*epoch, *index]),
        Message::Fetch { epoch, after } => are_sane([*epoch, *after]),
        Message::Fetched { epoch, previous, entries } => {
            are_sane([*epoch]) && are_of(*epoch, *previous, entries)
        }
        Message::Submit(proposals) => proposals.iter().all(is_a_clients),
        Message::HandOver { epoch } => are_sane([*epoch]),
        Message::Outdated { held } => are_sane([*held]),
        Message::Canvass { .. }
        | Message::ElectionOk { .. }
        | Message::AskClock { .. }
        | Message::Clock { .. }
        | Message::AskHandOver => true,
    }
}

fn are_sane(numbers: impl IntoIterator<Item = u64>) -> bool {
    numbers.into_iter().all(|number| number < ABSURD)
}

/// The first entry was ordered in epoch 1: only what comes before it is of none.
fn is_a_position(position: Position) -> bool {
    are_sane([position.epoch, position.index]) && (position.epoch == 0) == (position.index == 0)
}

/// Whether these are consecutive entries behind `previous`, none of them ordered after `epoch`.
fn are_of(epoch: Epoch, previous: Position, entries: &[Arc<Entry>]) -> bool {
    follow(previous, entries) && entries.last().is_none_or(|last| last.epoch <= epoch)
}

/// A log begins with the founding entry, which is nowhere else.
fn follow(previous: Position, entries: &[Arc<Entry>]) -> bool {
    let mut end = previous;
    is_a_position(previous)
        && entries.iter().all(|entry| {
            let next = entry.position();
            let follows = next.index == end.index + 1 && next.epoch >= end.epoch;
            let founds = matches!(entry.operation, Operation::Genesis(_));
            end = next;
            follows && is_a_position(next) && founds == (next.index == 1) && is_whole(&entry.operation)
        })
}

/// Whether a client can ask for this: what the system orders for itself, nobody else may have ordered.
fn is_a_clients(proposal: &Proposal) -> bool {
    let system = matches!(
        proposal.operation,
        Operation::Empty
            | Operation::Genesis(_)
            | Operation::AddMember(_)
            | Operation::RemoveMember { .. }
            | Operation::RaiseRules(_)
    );
    !system && is_whole(&proposal.operation)
}

/// Whether what is imported is something that can be.
fn is_whole(operation: &Operation) -> bool {
    let Operation::Imported { operation, .. } = operation else { return true };
    matches!(
        **operation,
        Operation::Login { .. }
            | Operation::Channel { .. }
            | Operation::Publish { .. }
            | Operation::Message { .. }
    )
}
