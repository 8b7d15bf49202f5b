//! Letters of every kind.

use std::sync::Arc;

use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{ClusterId, Entry, Genesis, Name, Operation, Position, RequestId};
use papo_core::members::{DiskId, Member, MemberId};
use papo_core::replica::{Ack, Batch, Beacon, Hello, Message, Promised, Proposal};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::letter::{Address, Sender};

/// Small ones often, so that they meet each other and what a replica knows.
pub(super) fn number() -> BoxedStrategy<u64> {
    prop_oneof![6 => 0..8_u64, 1 => 0..1_u64 << 20, 1 => 0..1_u64 << 61].boxed()
}

fn text() -> BoxedStrategy<String> {
    prop_oneof!["[abc]", ".{0,20}"].boxed()
}

fn wall() -> BoxedStrategy<WallTime> {
    any::<i64>().prop_map(WallTime::from_nanos).boxed()
}

fn lamport() -> BoxedStrategy<Lamport> {
    prop_oneof![number(), Just(Lamport::LIMIT - 1)].prop_map(Lamport::new).boxed()
}

fn position() -> BoxedStrategy<Position> {
    (number(), number()).prop_map(|(epoch, index)| Position { epoch, index }).boxed()
}

pub(super) fn member_id() -> BoxedStrategy<MemberId> {
    (text(), number()).prop_map(|(name, disk)| MemberId { name, disk: DiskId(disk) }).boxed()
}

fn member() -> BoxedStrategy<Member> {
    (member_id(), number()).prop_map(|(id, rank)| Member { id, rank }).boxed()
}

pub(super) fn sender() -> BoxedStrategy<Sender> {
    let address = (text(), text()).prop_map(|(peer, replication)| Address { peer, replication });
    (member_id(), option::of(any::<u64>()), option::of(address))
        .prop_map(|(id, cluster, address)| Sender { id, cluster: cluster.map(ClusterId), address })
        .boxed()
}

fn name() -> BoxedStrategy<Name> {
    (text(), text()).prop_map(|(display, key)| Name { display, key }).boxed()
}

fn said() -> BoxedStrategy<Operation> {
    prop_oneof![
        name().prop_map(|user| Operation::Login { user }),
        name().prop_map(|channel| Operation::Channel { channel }),
        (text(), text(), text()).prop_map(|(channel, user, message)| Operation::Publish {
            channel,
            user,
            message
        }),
        (text(), text(), text()).prop_map(|(src, dst, message)| Operation::Message { src, dst, message }),
    ]
    .boxed()
}

fn clients() -> BoxedStrategy<Operation> {
    prop_oneof![
        4 => said(),
        1 => (text(), text()).prop_map(|(user, channel)| Operation::Join { user, channel }),
        1 => (text(), text()).prop_map(|(user, channel)| Operation::Leave { user, channel }),
        1 => (said(), wall(), lamport()).prop_map(|(operation, time, clock)| Operation::Imported {
            operation: Box::new(operation),
            time,
            clock,
        }),
    ]
    .boxed()
}

fn genesis() -> BoxedStrategy<Operation> {
    (any::<u64>(), vec(member(), 0..4), vec(any::<u8>(), 0..40), any::<u32>())
        .prop_map(|(cluster, members, session_key, rules)| {
            Operation::Genesis(Genesis { cluster: ClusterId(cluster), members, session_key, rules })
        })
        .boxed()
}

pub(super) fn operation() -> BoxedStrategy<Operation> {
    prop_oneof![
        1 => Just(Operation::Empty),
        1 => genesis(),
        1 => member().prop_map(Operation::AddMember),
        1 => (member_id(), option::of(any::<u64>())).prop_map(|(member, disk)| Operation::RemoveMember {
            member,
            replaced_by: disk.map(DiskId),
        }),
        1 => any::<u32>().prop_map(Operation::RaiseRules),
        4 => clients(),
    ]
    .boxed()
}

fn request_id() -> BoxedStrategy<RequestId> {
    prop_oneof![
        text().prop_map(RequestId::Client),
        (any::<u64>(), number())
            .prop_map(|(incarnation, counter)| RequestId::Broker { incarnation, counter }),
    ]
    .boxed()
}

type Loose = (u64, Lamport, WallTime, String, Option<RequestId>, Operation);

fn loose() -> BoxedStrategy<Loose> {
    (0..3_u64, lamport(), wall(), text(), option::of(request_id()), operation()).boxed()
}

/// Consecutive entries behind a position, of growing epochs; and the last epoch.
fn run() -> BoxedStrategy<(Position, Vec<Arc<Entry>>)> {
    (position(), vec(loose(), 0..4))
        .prop_map(|(previous, loose)| {
            let mut end = previous;
            let entries = loose.into_iter().map(|(later, lamport, time, author, request_id, operation)| {
                end = Position { epoch: end.epoch + later, index: end.index + 1 };
                let Position { epoch, index } = end;
                Arc::new(Entry { index, epoch, lamport, time, author, request_id, operation })
            });
            (previous, entries.collect())
        })
        .boxed()
}

fn last_epoch(previous: Position, entries: &[Arc<Entry>]) -> u64 {
    entries.last().map_or(previous.epoch, |last| last.epoch)
}

fn found() -> BoxedStrategy<Message> {
    (genesis(), lamport(), wall(), 0..3_u64)
        .prop_map(|(operation, lamport, time, epoch)| {
            let (author, request_id) = (String::new(), None);
            Message::Found(Arc::new(Entry { index: 1, epoch, lamport, time, author, request_id, operation }))
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
