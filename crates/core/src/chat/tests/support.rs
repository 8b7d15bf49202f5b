use proptest::prelude::*;

use crate::chat::{Applied, ChatState, RULES};
use crate::clock::{Lamport, WallTime};
use crate::log::{ClusterId, Entry, Genesis, Name, Operation, RequestId};
use crate::members::{DiskId, Member, MemberId};

pub(super) const MINUTE: i64 = 60_000_000_000;
pub(super) const HOUR: i64 = 60 * MINUTE;

/// Writes a log: gives each entry its place, its clock and its time.
pub(super) struct Writer {
    pub(super) log: Vec<Entry>,
    pub(super) time: WallTime,
}

impl Writer {
    /// A log that begins with the founding entry.
    pub(super) fn founded() -> Self {
        let mut writer = Self { log: Vec::new(), time: WallTime::from_nanos(1_762_204_447_000_000_000) };
        writer.write("", None, genesis(b"a key of the cluster"));
        writer
    }

    pub(super) fn write(
        &mut self,
        author: &str,
        request_id: Option<RequestId>,
        operation: Operation,
    ) -> &Entry {
        let index = self.log.len() as u64 + 1;
        self.log.push(Entry {
            index,
            epoch: 1,
            lamport: Lamport::new(10 * index),
            time: self.time,
            author: author.to_owned(),
            request_id,
            operation,
        });
        self.log.last().expect("just written")
    }

    pub(super) fn wait(&mut self, nanos: i64) {
        self.time = self.time.shifted(nanos);
    }
}

/// A state and the log it is fed from.
pub(super) struct Chat {
    pub(super) writer: Writer,
    pub(super) state: ChatState,
}

impl Chat {
    pub(super) fn founded() -> Self {
        let writer = Writer::founded();
        let (state, _) = replay(&writer.log);
        Self { writer, state }
    }

    pub(super) fn apply(
        &mut self,
        author: &str,
        request_id: Option<RequestId>,
        operation: Operation,
    ) -> Applied {
        self.state.apply(self.writer.write(author, request_id, operation))
    }
}

/// The state after `log`, and what each entry of it came to.
pub(super) fn replay(log: &[Entry]) -> (ChatState, Vec<Applied>) {
    let mut state = ChatState::new();
    let applied = log.iter().map(|entry| state.apply(entry)).collect();
    (state, applied)
}

pub(super) fn genesis(session_key: &[u8]) -> Operation {
    Operation::Genesis(Genesis {
        cluster: ClusterId(7),
        members: (1..=3).map(founder).collect(),
        session_key: session_key.to_vec(),
        rules: RULES,
    })
}

fn founder(number: u64) -> Member {
    Member { id: MemberId { name: format!("s{number}"), disk: DiskId(number) }, rank: number }
}

/// A name; look-alikes differ in case only here.
pub(super) fn name(display: &str) -> Name {
    Name { display: display.to_owned(), key: display.to_lowercase() }
}

pub(super) fn login(user: &str) -> Operation {
    Operation::Login { user: name(user) }
}

pub(super) fn channel(channel: &str) -> Operation {
    Operation::Channel { channel: name(channel) }
}

pub(super) fn publish(user: &str, channel: &str, message: &str) -> Operation {
    let [user, channel, message] = [user, channel, message].map(str::to_owned);
    Operation::Publish { channel, user, message }
}

pub(super) fn message(src: &str, dst: &str, message: &str) -> Operation {
    let [src, dst, message] = [src, dst, message].map(str::to_owned);
    Operation::Message { src, dst, message }
}

pub(super) fn join(user: &str, channel: &str) -> Operation {
    Operation::Join { user: user.to_owned(), channel: channel.to_owned() }
}

pub(super) fn leave(user: &str, channel: &str) -> Operation {
    Operation::Leave { user: user.to_owned(), channel: channel.to_owned() }
}

pub(super) fn admit(name: &str) -> Operation {
    Operation::Admit { name: name.to_owned() }
}

pub(super) fn dismiss(name: &str) -> Operation {
    Operation::Dismiss { name: name.to_owned() }
}

pub(super) fn imported(operation: Operation) -> Operation {
    Operation::Imported {
        operation: Box::new(operation),
        time: WallTime::from_nanos(1_000_000_000),
        clock: Lamport::new(3),
    }
}

pub(super) fn client_id(id: &str) -> Option<RequestId> {
    Some(RequestId::Client(id.to_owned()))
}

pub(super) fn broker_id(incarnation: u64, counter: u64) -> Option<RequestId> {
    Some(RequestId::Broker { incarnation, counter })
}

/// Any log that begins with the founding entry, over few enough names, ids and texts that they meet again often; hours and
/// days pass in it.
pub(super) fn any_log() -> impl Strategy<Value = Vec<Entry>> {
    let wait = prop_oneof![
        6 => Just(0),
        2 => 0..10 * MINUTE,
        1 => 0..3 * HOUR,
        1 => 22 * HOUR..27 * HOUR,
    ];
    let step = (wait, any_author(), any_request_id(), any_operation());
    proptest::collection::vec(step, 0..120).prop_map(|steps| {
        let mut writer = Writer::founded();
        for (wait, author, request_id, operation) in steps {
            writer.wait(wait);
            writer.write(author, request_id, operation);
        }
        writer.log
    })
}

fn any_author() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["ana", "bob"])
}

fn any_request_id() -> impl Strategy<Value = Option<RequestId>> {
    prop_oneof![
        4 => prop::sample::select(vec!["1", "2", "3", "4", "5"]).prop_map(client_id),
        2 => (0..2u64, 0..3u64).prop_map(|(incarnation, counter)| broker_id(incarnation, counter)),
        2 => Just(None),
    ]
}

pub(super) fn any_operation() -> impl Strategy<Value = Operation> {
    let user = || prop::sample::select(vec!["ana", "Ana", "bob", "eva"]);
    let room = || prop::sample::select(vec!["geral", "GERAL", "ajuda"]);
    let text = || prop::sample::select(vec!["oi", "tchau"]);
    let chat = prop_oneof![
        2 => user().prop_map(login),
        2 => room().prop_map(channel),
        4 => (user(), room(), text()).prop_map(|(user, room, text)| publish(user, room, text)),
        4 => (user(), user(), text()).prop_map(|(src, dst, text)| message(src, dst, text)),
        1 => (user(), room()).prop_map(|(user, room)| join(user, room)),
        1 => (user(), room()).prop_map(|(user, room)| leave(user, room)),
    ];
    let server = || prop::sample::select(vec!["s1", "s2", "s3", "s4", "s 5"]);
    prop_oneof![
        1 => Just(Operation::Empty),
        1 => server().prop_map(admit),
        1 => server().prop_map(dismiss),
        12 => chat.clone(),
        2 => chat.prop_map(imported),
    ]
}
