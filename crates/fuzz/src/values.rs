//! Entries of the log, of every kind.

use std::sync::Arc;

use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{ClusterId, Entry, Genesis, Name, Operation, Position, RequestId};
use papo_core::members::{DiskId, Member, MemberId};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

type Loose = (u64, Lamport, WallTime, String, Option<RequestId>, Operation);

/// Numbers that stay far below every limit; small ones often, so that they meet each other.
pub fn number() -> BoxedStrategy<u64> {
    prop_oneof![6 => 0..8_u64, 1 => 0..1_u64 << 20, 1 => 0..1_u64 << 61].boxed()
}

/// Texts; very short ones often.
pub fn text() -> BoxedStrategy<String> {
    prop_oneof!["[abc]", ".{0,20}"].boxed()
}

/// Any time.
pub fn wall() -> BoxedStrategy<WallTime> {
    any::<i64>().prop_map(WallTime::from_nanos).boxed()
}

/// Any Lamport clock.
pub fn lamport() -> BoxedStrategy<Lamport> {
    prop_oneof![number(), Just(Lamport::LIMIT - 1)].prop_map(Lamport::new).boxed()
}

/// Any position that a log can have: only where it is empty the epoch is 0.
pub fn position() -> BoxedStrategy<Position> {
    let somewhere = |(epoch, index)| if index == 0 { Position::default() } else { Position { epoch, index } };
    (number().prop_map(|epoch| epoch.max(1)), number()).prop_map(somewhere).boxed()
}

/// Any identity of a servidor.
pub fn member_id() -> BoxedStrategy<MemberId> {
    (text(), number()).prop_map(|(name, disk)| MemberId { name, disk: DiskId(disk) }).boxed()
}

fn member() -> BoxedStrategy<Member> {
    (member_id(), number()).prop_map(|(id, rank)| Member { id, rank }).boxed()
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

/// Any operation that clients ask for.
pub fn clients() -> BoxedStrategy<Operation> {
    prop_oneof![
        4 => said(),
        1 => (text(), text()).prop_map(|(user, channel)| Operation::Join { user, channel }),
        1 => (text(), text()).prop_map(|(user, channel)| Operation::Leave { user, channel }),
        1 => text().prop_map(|name| Operation::Admit { name }),
        1 => text().prop_map(|name| Operation::Dismiss { name }),
        1 => (said(), wall(), lamport()).prop_map(|(operation, time, clock)| Operation::Imported {
            operation: Box::new(operation),
            time,
            clock,
        }),
    ]
    .boxed()
}

/// Any founding operation.
pub fn genesis() -> BoxedStrategy<Operation> {
    (any::<u64>(), vec(member(), 0..4), vec(any::<u8>(), 0..40), any::<u32>())
        .prop_map(|(cluster, members, session_key, rules)| {
            Operation::Genesis(Genesis { cluster: ClusterId(cluster), members, session_key, rules })
        })
        .boxed()
}

/// Any operation.
pub fn operation() -> BoxedStrategy<Operation> {
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

/// Any id of a request.
pub fn request_id() -> BoxedStrategy<RequestId> {
    prop_oneof![
        text().prop_map(RequestId::Client),
        (any::<u64>(), number())
            .prop_map(|(incarnation, counter)| RequestId::Broker { incarnation, counter }),
    ]
    .boxed()
}

fn loose() -> BoxedStrategy<Loose> {
    (0..3_u64, lamport(), wall(), text(), option::of(request_id()), operation()).boxed()
}

/// What can stand there: the founding entry at the beginning, and nowhere else.
fn placed(index: u64, operation: Operation) -> Operation {
    match (index, operation) {
        (1, founding @ Operation::Genesis(_)) => founding,
        (1, _) => Operation::Genesis(Genesis {
            cluster: ClusterId(9),
            members: Vec::new(),
            session_key: Vec::new(),
            rules: 1,
        }),
        (_, Operation::Genesis(_)) => Operation::Empty,
        (_, other) => other,
    }
}

/// A position, and consecutive entries behind it, of growing epochs.
pub fn run() -> BoxedStrategy<(Position, Vec<Arc<Entry>>)> {
    (position(), vec(loose(), 0..4))
        .prop_map(|(previous, loose)| {
            let mut end = previous;
            let entries = loose.into_iter().map(|(later, lamport, time, author, request_id, operation)| {
                end = Position { epoch: (end.epoch + later).max(1), index: end.index + 1 };
                let Position { epoch, index } = end;
                let operation = placed(index, operation);
                Arc::new(Entry { index, epoch, lamport, time, author, request_id, operation })
            });
            (previous, entries.collect())
        })
        .boxed()
}
