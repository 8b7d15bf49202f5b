//! What can be read is safe to give to the core, whoever sent it. There are two things for which it stops, on purpose: see [`STOPS`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use papo_core::clock::{Instant, Lamport, Now, WallTime};
use papo_core::log::{ClusterId, Entry, Genesis, Operation, Position, Promise};
use papo_core::members::{DiskId, Member, MemberId};
use papo_core::replica::{
    Input, Message, Output, Promised, Recovery, Replica, RequestLimits, Settings, Stored, Timing,
};
use papo_fuzz::{spoils, spoilt};
use proptest::collection::vec;
use proptest::prelude::*;

use super::values::message;
use crate::letter::{decode, encode};

const CLUSTER: ClusterId = ClusterId(9);

/// To go on would spread what is wrong: somebody else was obeyed and committed another log, or a later release is needed.
const STOPS: [&str; 2] = ["a committed entry would be dropped", "the log asks for rules"];

fn member(name: &str, rank: u64) -> Member {
    Member { id: MemberId { name: name.to_owned(), disk: DiskId(rank) }, rank }
}

fn now(ms: u64) -> Now {
    Now {
        instant: Instant::from_nanos(ms * 1_000_000),
        wall: WallTime::from_nanos(1_700_000_000_000_000_000),
    }
}

/// `c` of `a`, `b` and `c`, with the founding entry in its log and nothing else: all that follows can still be anything.
fn servidor() -> Replica {
    let settings = Settings {
        name: "c".to_owned(),
        genesis: Vec::new(),
        session_key: [7; 32],
        seed: 1,
        timing: Timing::default(),
        limits: RequestLimits::default(),
    };
    let stored =
        Stored { disk: DiskId(3), promise: Promise { epoch: 1, candidate: "a".to_owned() }, committed: 1 };
    let mut recovery = Recovery::new(settings, stored);
    let members = vec![member("a", 1), member("b", 2), member("c", 3)];
    let genesis = Genesis { cluster: CLUSTER, members, session_key: vec![7; 32], rules: 1 };
    recovery.replay(Arc::new(Entry {
        index: 1,
        epoch: 1,
        lamport: Lamport::new(1),
        time: WallTime::EPOCH,
        author: String::new(),
        request_id: None,
        operation: Operation::Genesis(genesis),
    }));
    recovery.finish(now(0))
}

/// Carries out what the core asks for: the disk stores at once. Returns what it says to others.
fn drain(replica: &mut Replica, at: Now) -> Vec<Message> {
    let mut said = Vec::new();
    while let Some(output) = replica.poll_output(at) {
        match output {
            Output::Persist { id, .. } => replica.handle(at, Input::Durable(id)),
            Output::Send { message, .. } => said.push(message),
            _ => {}
        }
    }
    said
}

/// Has it coordinate: `a` agrees to everything.
fn elect(replica: &mut Replica, from: u64) -> u64 {
    for ms in (from..from + 10_000).step_by(20) {
        let at = now(ms);
        replica.handle(at, Input::Tick);
        let answers: Vec<Message> = drain(replica, at).iter().filter_map(agreement).collect();
        for message in answers {
            let input = Input::Received { from: member("a", 1).id, cluster: Some(CLUSTER), message };
            replica.handle(at, input);
        }
        drain(replica, at);
        if replica.status(at).role == papo_core::replica::RoleName::Coordinator {
            return ms;
        }
    }
    panic!("a majority agrees, and there is no coordinator");
}

fn agreement(message: &Message) -> Option<Message> {
    match *message {
        Message::Canvass { round } => Some(Message::CanvassReply { round, free: true, promised: 1 }),
        Message::AskPromise { epoch, .. } => Some(Message::Promised(Promised {
            epoch,
            last: Position { epoch: 1, index: 1 },
            wall: WallTime::EPOCH,
            published: 0,
        })),
        _ => None,
    }
}

#[derive(Clone, Debug)]
struct Heard {
    from: usize,
    message: Message,
    spoils: Option<(Vec<papo_fuzz::Spoil>, Message)>,
    later_ms: u64,
}

fn heard() -> impl Strategy<Value = Heard> {
    let spoils = prop::option::weighted(0.3, (spoils(), message()));
    (0..3_usize, message(), spoils, prop_oneof![Just(0), 0..600_u64])
        .prop_map(|(from, message, spoils, later_ms)| Heard { from, message, spoils, later_ms })
}

/// Hears it all, up to the end or a stop that is meant.
fn listen(mut replica: Replica, start: u64, all: Vec<Heard>) {
    let heard = catch_unwind(AssertUnwindSafe(|| listen_on(&mut replica, start, all)));
    let Err(stop) = heard else { return };
    let why = stop.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(STOPS.iter().any(|meant| why.contains(meant)), "it stopped: {why}");
}

fn listen_on(replica: &mut Replica, start: u64, all: Vec<Heard>) {
    let mut ms = start;
    for Heard { from, message, spoils, later_ms } in all {
        ms += later_ms;
        let senders = [member("a", 1), member("b", 2), member("stranger", 9)];
        let body = match spoils {
            None => encode(&message),
            Some((spoils, donor)) => spoilt(&encode(&message), &encode(&donor), &spoils),
        };
        let header = super::Sender::new(&senders[from].id, Some(CLUSTER), None).encode();
        let Ok(letter) = decode(&[header, body]) else { continue };
        let input = Input::Received {
            from: letter.sender.id,
            cluster: letter.sender.cluster,
            message: letter.message,
        };
        replica.handle(now(ms), input);
        drain(replica, now(ms));
        replica.handle(now(ms), Input::Tick);
        drain(replica, now(ms));
    }
}

proptest! {
    #![proptest_config(papo_fuzz::cases(192))]

    #[test]
    fn a_follower_survives_whatever_it_hears(all in vec(heard(), 0..40)) {
        listen(servidor(), 0, all);
    }

    #[test]
    fn a_coordinator_survives_whatever_it_hears(all in vec(heard(), 0..40)) {
        let mut replica = servidor();
        let start = elect(&mut replica, 0);
        listen(replica, start, all);
    }

    #[test]
    fn one_that_has_no_log_survives_whatever_it_hears(all in vec(heard(), 0..40), id in papo_fuzz::values::member_id()) {
        let settings = Settings {
            name: id.name,
            genesis: vec!["a".to_owned(), "b".to_owned()],
            session_key: [7; 32],
            seed: 1,
            timing: Timing::default(),
            limits: RequestLimits::default(),
        };
        let stored = Stored { disk: id.disk, promise: Promise::default(), committed: 0 };
        listen(Recovery::new(settings, stored).finish(now(0)), 0, all);
    }
}
