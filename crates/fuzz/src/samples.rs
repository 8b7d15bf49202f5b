//! One entry of each kind, the same for ever: what samples of stored and sent formats are made of.

use std::sync::Arc;

use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{ClusterId, Entry, Genesis, Name, Operation, RequestId};
use papo_core::members::{DiskId, Member, MemberId};

/// When it all happened.
pub const TIME: WallTime = WallTime::from_nanos(1_762_204_447_123_456_789);

/// A servidor on a disk.
pub fn id(name: &str, disk: u64) -> MemberId {
    MemberId { name: name.to_owned(), disk: DiskId(disk) }
}

fn name(display: &str) -> Name {
    Name { display: display.to_owned(), key: display.to_lowercase() }
}

/// Every operation that an entry can hold.
fn operations() -> Vec<Operation> {
    let text = str::to_owned;
    let members = vec![
        Member { id: id("servidor-1", 1), rank: 1 },
        Member { id: id("servidor-2", 2), rank: 2 },
        Member { id: id("servidor-3", 3), rank: 3 },
    ];
    let genesis = Genesis { cluster: ClusterId(0xfeed), members, session_key: vec![0xab; 32], rules: 1 };
    let publish =
        Operation::Publish { channel: text("geral"), user: text("Ana"), message: text("olá, mundo\n☕") };
    vec![
        Operation::Genesis(genesis),
        Operation::Empty,
        Operation::AddMember(Member { id: id("servidor-2", 20), rank: 2 }),
        Operation::RemoveMember { member: id("servidor-2", 2), replaced_by: Some(DiskId(20)) },
        Operation::RemoveMember { member: id("servidor-3", 3), replaced_by: None },
        Operation::RaiseRules(2),
        Operation::Login { user: name("Ana") },
        Operation::Channel { channel: name("geral") },
        publish.clone(),
        Operation::Message { src: text("Ana"), dst: text("bia"), message: text("só para ti") },
        Operation::Join { user: text("Ana"), channel: text("geral") },
        Operation::Leave { user: text("Ana"), channel: text("geral") },
        Operation::Imported { operation: Box::new(publish), time: TIME, clock: Lamport::new(5) },
        Operation::Admit { name: text("servidor-4") },
        Operation::Dismiss { name: text("servidor-1") },
    ]
}

/// A log that holds every operation.
pub fn entries() -> Vec<Arc<Entry>> {
    let ids = [
        None,
        Some(RequestId::Client("pedido-1".to_owned())),
        Some(RequestId::Broker { incarnation: u64::MAX, counter: 7 }),
    ];
    let entry = |(index, operation)| {
        Arc::new(Entry {
            index,
            epoch: 1 + index / 8,
            lamport: Lamport::new(index * 1000),
            time: TIME.shifted(index.cast_signed()),
            author: if index < 7 { String::new() } else { "Ana".to_owned() },
            request_id: ids[usize::try_from(index % 3).expect("below three")].clone(),
            operation,
        })
    };
    (1..).zip(operations()).map(entry).collect()
}
