//! One letter of each kind, the same for ever.

use std::sync::Arc;

use papo_core::log::{ClusterId, Entry, Position, RequestId};
use papo_core::replica::{Ack, Batch, Beacon, Hello, Message, Promised, Proposal};
use papo_fuzz::samples::{TIME, entries, id};

use crate::letter::{Address, Sender};

pub(super) fn senders() -> Vec<(&'static str, Sender)> {
    let address = Address { peer: "servidor-1:5570".to_owned(), replication: "servidor-1:5571".to_owned() };
    vec![
        ("greeting", Sender::new(&id("servidor-1", u64::MAX), Some(ClusterId(0xfeed)), Some(address))),
        ("member", Sender::new(&id("servidor-2", 2), Some(ClusterId(0xfeed)), None)),
        ("newcomer", Sender::new(&id("servidor-3", 3), None, None)),
    ]
}

fn proposals() -> Vec<Proposal> {
    let ordered = entries().into_iter().filter(|entry| entry.index >= 7);
    let proposal = |entry: Arc<Entry>| Proposal {
        author: entry.author.clone(),
        request_id: entry.request_id.clone().unwrap_or(RequestId::Client("pedido-2".to_owned())),
        operation: entry.operation.clone(),
        clock: entry.lamport,
    };
    ordered.map(proposal).collect()
}

/// Every message, by what it is called.
pub(super) fn messages() -> Vec<(&'static str, Message)> {
    let last = Position { epoch: 3, index: 13 };
    let (epoch, round, sent) = (3, 0x0123_4567_89ab_cdef, 1_000_000_007);
    let held = vec![(id("servidor-1", 1), 12), (id("servidor-2", 20), 13)];
    let hello = Hello { rank: 3, last, promised: 4, rules: 1, incarnation: round, wall: TIME };
    let beacon = Beacon {
        epoch,
        last,
        commit: 12,
        published: 11,
        sent,
        confirmed: sent - 1,
        answered: sent - 2,
        held,
    };
    vec![
        ("hello", Message::Hello(hello)),
        ("found", Message::Found(entries().swap_remove(0))),
        ("canvass", Message::Canvass { round }),
        ("canvass-reply", Message::CanvassReply { round, free: true, promised: 4 }),
        ("election", Message::Election { round, rank: 3, last }),
        ("election-ok", Message::ElectionOk { round }),
        ("ask-promise", Message::AskPromise { epoch, last }),
        ("promised", Message::Promised(Promised { epoch, last, wall: TIME, published: 11 })),
        ("refused", Message::Refused { promised: 4 }),
        (
            "batch",
            Message::Batch(Batch { epoch, previous: Position::default(), entries: entries(), commit: 12 }),
        ),
        ("beacon", Message::Beacon(beacon)),
        ("ack", Message::Ack(Ack { epoch, index: 13, beacon: sent })),
        ("fetch", Message::Fetch { epoch, after: 12 }),
        ("fetched", Message::Fetched { epoch, previous: Position::default(), entries: entries() }),
        ("submit", Message::Submit(proposals())),
        ("ask-clock", Message::AskClock { sent }),
        ("clock", Message::Clock { sent, time: TIME, at: sent + 1 }),
        ("ask-hand-over", Message::AskHandOver),
        ("hand-over", Message::HandOver { epoch }),
        ("outdated", Message::Outdated { held: 13 }),
    ]
}
