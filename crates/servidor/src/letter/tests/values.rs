//! Letters of every kind.

use std::sync::Arc;

use papo_core::log::{ClusterId, Entry, Position};
use papo_core::replica::{Ack, Batch, Beacon, Hello, Message, Promised, Proposal};
use papo_fuzz::values::{
    clients, genesis, lamport, member_id, number, position, request_id, run, text, wall,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::letter::{Address, Sender};

pub(super) fn sender() -> BoxedStrategy<Sender> {
    let address = (text(), text()).prop_map(|(peer, replication)| Address { peer, replication });
    (member_id(), option::of(any::<u64>()), option::of(address))
        .prop_map(|(id, cluster, address)| Sender { id, cluster: cluster.map(ClusterId), address })
        .boxed()
}

fn last_epoch(previous: Position, entries: &[Arc<Entry>]) -> u64 {
    entries.last().map_or(previous.epoch, |last| last.epoch)
}

fn found() -> BoxedStrategy<Message> {
    (genesis(), lamport(), wall(), 0..3_u64)
        .prop_map(|(operation, lamport, time, epoch)| {
            let (author, request_id) = (String::new(), None);
            Message::Found(Arc::new(Entry {
                index: 1,
                epoch: epoch.max(1),
                lamport,
                time,
                author,
                request_id,
                operation,
            }))
        })
        .boxed()
}

fn proposal() -> BoxedStrategy<Proposal> {
    (text(), request_id(), clients(), lamport())
        .prop_map(|(author, request_id, operation, clock)| Proposal { author, request_id, operation, clock })
        .boxed()
}

fn hello() -> BoxedStrategy<Message> {
    (any::<[u64; 2]>(), position(), number(), any::<u32>(), wall())
        .prop_map(|([rank, incarnation], last, promised, rules, wall)| {
            Message::Hello(Hello { rank, last, promised, rules, incarnation, wall })
        })
        .boxed()
}

fn beacon() -> BoxedStrategy<Message> {
    (position(), [number(), number(), number()], any::<[u64; 3]>(), vec((member_id(), number()), 0..4))
        .prop_map(|(last, [epoch, commit, published], [sent, confirmed, answered], held)| {
            Message::Beacon(Beacon { epoch, last, commit, published, sent, confirmed, answered, held })
        })
        .boxed()
}

fn of_the_log() -> BoxedStrategy<Message> {
    prop_oneof![
        found(),
        (run(), 0..2_u64, number()).prop_map(|((previous, entries), later, commit)| {
            let epoch = last_epoch(previous, &entries) + later;
            Message::Batch(Batch { epoch, previous, entries, commit })
        }),
        (run(), 0..2_u64).prop_map(|((previous, entries), later)| Message::Fetched {
            epoch: last_epoch(previous, &entries) + later,
            previous,
            entries
        }),
        vec(proposal(), 0..4).prop_map(Message::Submit),
    ]
    .boxed()
}

fn of_the_election() -> BoxedStrategy<Message> {
    prop_oneof![
        any::<u64>().prop_map(|round| Message::Canvass { round }),
        (any::<u64>(), any::<bool>(), number()).prop_map(|(round, free, promised)| Message::CanvassReply {
            round,
            free,
            promised
        }),
        (any::<u64>(), number(), position()).prop_map(|(round, rank, last)| Message::Election {
            round,
            rank,
            last
        }),
        any::<u64>().prop_map(|round| Message::ElectionOk { round }),
        (number(), position()).prop_map(|(epoch, last)| Message::AskPromise { epoch, last }),
        (number(), position(), wall(), number()).prop_map(|(epoch, last, wall, published)| {
            Message::Promised(Promised { epoch, last, wall, published })
        }),
        number().prop_map(|promised| Message::Refused { promised }),
        Just(Message::AskHandOver),
        number().prop_map(|epoch| Message::HandOver { epoch }),
        number().prop_map(|held| Message::Outdated { held }),
    ]
    .boxed()
}

/// Any message.
pub(super) fn message() -> BoxedStrategy<Message> {
    prop_oneof![
        2 => hello(),
        2 => beacon(),
        6 => of_the_log(),
        6 => of_the_election(),
        2 => (number(), number(), any::<u64>())
            .prop_map(|(epoch, index, beacon)| Message::Ack(Ack { epoch, index, beacon })),
        1 => (number(), number()).prop_map(|(epoch, after)| Message::Fetch { epoch, after }),
        1 => any::<u64>().prop_map(|sent| Message::AskClock { sent }),
        2 => (any::<u64>(), wall(), any::<u64>()).prop_map(|(sent, time, at)| Message::Clock { sent, time, at }),
    ].boxed()
}
