//! One replica, and a test that plays the two others and the disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use papo_core::chat::RULES;
use papo_core::clock::{Instant, Lamport, Now, WallTime};
use papo_core::log::{
    ClusterId, Entry, Epoch, Genesis, Index, Name, Operation, Position, Promise, RequestId, Write,
};
use papo_core::members::{ADMIN, DiskId, Member, MemberId};
use papo_core::replica::{
    Ack, Beacon, Hello, Input, Message, Output, Promised, Proposal, Recovery, Replica, RequestLimits,
    RoleName, Settings, Stored, Timing, WriteId,
};

const CLUSTER: ClusterId = ClusterId(9);
/// Where the log of everybody ends; beyond it the one who begins has a message.
pub(crate) const COMMITTED: Position = Position { epoch: 1, index: 2 };
pub(crate) const MESSAGE: Position = Position { epoch: 1, index: 3 };

/// `c`, the highest rank of three.
pub(crate) struct Stage {
    pub(crate) replica: Replica,
    pub(crate) now: Now,
    /// What the others acknowledge.
    pub(crate) acknowledged: Index,
    /// How far the others say that their logs go.
    pub(crate) promised: Position,
    /// How far the others greet that their logs go.
    pub(crate) logs: Position,
    /// The others promise under their names, on other disks.
    pub(crate) new_disks_promise: bool,
    /// The others say that they hear no coordinator.
    pub(crate) others_hear_none: bool,
    /// Who promises nothing, because the epoch is another's.
    pub(crate) refuses: Vec<&'static str>,
    /// Who answers nothing at all.
    pub(crate) silent: Vec<&'static str>,
    /// Who says nothing when asked for a promise.
    pub(crate) says_nothing: Vec<&'static str>,
    /// Nothing is stored for now.
    pub(crate) disk_is_slow: bool,
    pub(crate) outputs: Vec<Output>,
}

impl Stage {
    pub(crate) fn started() -> Self {
        let settings = Settings {
            name: "c".to_owned(),
            genesis: Vec::new(),
            session_key: [7; 32],
            seed: 1,
            timing: Timing::default(),
            limits: RequestLimits::default(),
        };
        let promise = Promise { epoch: 1, candidate: "a".to_owned() };
        let stored = Stored { disk: member("c").id.disk, promise, committed: COMMITTED.index };
        let mut recovery = Recovery::new(settings, stored);
        let members = ["a", "b", "c"].map(member).to_vec();
        let genesis = Genesis { cluster: CLUSTER, members, session_key: vec![7; 32], rules: 1 };
        let geral = || "geral".to_owned();
        let channel = Operation::Channel { channel: Name { display: geral(), key: geral() } };
        let message =
            Operation::Publish { channel: geral(), user: "ana".to_owned(), message: "oi".to_owned() };
        for (index, operation) in (1..).zip([Operation::Genesis(genesis), channel, message]) {
            recovery.replay(entry(index, operation));
        }
        let now = Now { instant: Instant::ZERO, wall: WallTime::EPOCH };
        Self {
            replica: recovery.finish(now),
            now,
            acknowledged: 0,
            promised: COMMITTED,
            logs: COMMITTED,
            new_disks_promise: false,
            others_hear_none: true,
            silent: Vec::new(),
            refuses: Vec::new(),
            says_nothing: Vec::new(),
            disk_is_slow: false,
            outputs: Vec::new(),
        }
    }

    /// Hears of a coordinator that has committed everything, and has published up to there.
    pub(crate) fn obey_one_who_published(&mut self, published: Index) {
        let beacon = Beacon {
            epoch: 2,
            last: MESSAGE,
            commit: MESSAGE.index,
            published,
            sent: 1,
            confirmed: 0,
            answered: 0,
            held: Vec::new(),
        };
        self.take(received("a", Message::Beacon(beacon)));
        assert_eq!(self.replica.chat().applied(), MESSAGE.index);
        assert_eq!(self.published(), Vec::<Index>::new(), "that is the coordinator's to do");
    }

    pub(crate) fn take_over(&mut self) {
        self.until("it coordinates", |stage| stage.status().role == RoleName::Coordinator);
    }

    /// The others have this much of the log from now on.
    pub(crate) fn acknowledge(&mut self, index: Index) {
        self.acknowledged = index;
        let epoch = self.status().epoch;
        self.take(received("a", Message::Ack(Ack { epoch, index, beacon: 0 })));
        assert_eq!(self.status().role, RoleName::Coordinator);
    }

    pub(crate) fn status(&self) -> papo_core::replica::Status {
        self.replica.status(self.now)
    }

    pub(crate) fn commit(&self) -> Index {
        self.status().commit
    }

    pub(crate) fn published(&self) -> Vec<Index> {
        let index = |output: &Output| match output {
            Output::Publish(delivery) => Some(delivery.said.index),
            _ => None,
        };
        self.outputs.iter().filter_map(index).collect()
    }

    pub(crate) fn greet(&mut self, from: &str, rules: u32) {
        let wall = self.now.wall;
        let hello =
            Hello { rank: member(from).rank, last: self.logs, promised: 0, rules, incarnation: 1, wall };
        self.take(received(from, Message::Hello(hello)));
    }

    /// The others greet, with a build of this release.
    pub(crate) fn greet_of_this_release(&mut self) {
        self.greet("a", RULES);
        self.greet("b", RULES);
    }

    /// A fourth servidor is admitted, of a higher rank, and becomes a member.
    pub(crate) fn outrank(&mut self, name: &str) {
        self.order("outrank", Operation::Admit { name: name.to_owned() });
        for _ in 0..100 {
            self.greet(name, RULES);
            let last = self.status().last;
            self.acknowledge_by(name, last);
            self.keep_up(1);
        }
        assert_eq!(self.status().members.len(), 4);
        self.acknowledge_by(name, self.status().last);
    }

    /// Clients write so much that only the others have stored; returns where the log ended before.
    pub(crate) fn order_many(&mut self, count: usize) -> Index {
        let before = self.status().last;
        for number in 0..count {
            self.submit_as(&format!("many-{number}"), Lamport::default());
        }
        assert_eq!(self.status().last, before + count as Index);
        before
    }

    pub(crate) fn acknowledge_by(&mut self, name: &str, index: Index) {
        let epoch = self.status().epoch;
        self.take(received(name, Message::Ack(Ack { epoch, index, beacon: 0 })));
    }

    /// A coordinator of that epoch says how far it is.
    pub(crate) fn beacon(&mut self, from: &str, epoch: Epoch, last: Position, commit: Index) {
        let sent = self.now.instant.as_nanos();
        let beacon = Beacon {
            epoch,
            last,
            commit,
            published: 0,
            sent,
            confirmed: 0,
            answered: sent,
            held: Vec::new(),
        };
        self.take(received(from, Message::Beacon(beacon)));
    }

    /// The others, of this release, store everything, until the newest rules are in force.
    pub(crate) fn raise_rules(&mut self) {
        self.keep_up(100);
        assert_eq!(self.status().rules, RULES);
    }

    /// The others store everything for a while.
    pub(crate) fn keep_up(&mut self, passes: usize) {
        for _ in 0..passes {
            self.greet_of_this_release();
            self.acknowledge(self.status().last);
            self.pass();
        }
    }

    /// `b` hands over an order of the administrator, and all but this servidor have stored it.
    pub(crate) fn order(&mut self, id: &str, operation: Operation) {
        self.submit_for_admin(id, operation);
        self.acknowledge(self.status().last);
    }

    /// `b` hands over an order of the administrator.
    pub(crate) fn submit_for_admin(&mut self, id: &str, operation: Operation) {
        let request_id = RequestId::Client(id.to_owned());
        let clock = Lamport::default();
        let proposal = Proposal { author: ADMIN.to_owned(), request_id, operation, clock };
        self.take(received("b", Message::Submit(vec![proposal])));
    }

    /// `b` hands over a write of a client whose clock shows this.
    pub(crate) fn submit(&mut self, clock: Lamport) {
        self.submit_as("1", clock);
    }

    fn submit_as(&mut self, id: &str, clock: Lamport) {
        let geral = "geral".to_owned();
        let operation =
            Operation::Publish { channel: geral, user: "bia".to_owned(), message: "e aí".to_owned() };
        let request_id = RequestId::Client(id.to_owned());
        let proposal = Proposal { author: "bia".to_owned(), request_id, operation, clock };
        self.take(received("b", Message::Submit(vec![proposal])));
    }

    /// The last entry that was handed to the disk.
    pub(crate) fn written(&self) -> Option<&Entry> {
        self.outputs.iter().rev().find_map(|output| match output {
            Output::Persist { write: Write::Append { entries, .. }, .. } => entries.last().map(Arc::as_ref),
            _ => None,
        })
    }

    /// The number of the last write that was handed to the disk.
    pub(crate) fn stored(&self) -> WriteId {
        let id = |output: &Output| match output {
            Output::Persist { id, .. } => Some(*id),
            _ => None,
        };
        self.outputs.iter().rev().find_map(id).expect("something was written")
    }

    pub(crate) fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        for _ in 0..1_000 {
            if done(self) {
                return;
            }
            self.pass();
        }
        panic!("it did not happen that {what}: {:?}", self.status());
    }

    pub(crate) fn pass(&mut self) {
        self.now.instant = self.now.instant + Duration::from_millis(20);
        self.take(Input::Tick);
    }

    /// Takes an input, and whatever the disk and the other two answer to what comes of it.
    pub(crate) fn take(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.replica.handle(self.now, input);
            while let Some(output) = self.replica.poll_output(self.now) {
                match &output {
                    Output::Persist { id, .. } if !self.disk_is_slow => {
                        inputs.push_back(Input::Durable(*id));
                    }
                    Output::Send { to, message } => {
                        inputs.extend(self.answer(to, message).map(|answer| self.received(to, answer)));
                    }
                    _ => {}
                }
                self.outputs.push(output);
            }
        }
    }

    fn answer(&self, to: &str, message: &Message) -> Option<Message> {
        match *message {
            _ if self.silent.contains(&to) => None,
            Message::Canvass { round } => {
                Some(Message::CanvassReply { round, free: self.others_hear_none, promised: 0 })
            }
            Message::AskPromise { .. } if self.says_nothing.contains(&to) => None,
            Message::AskPromise { epoch, .. } if self.refuses.contains(&to) => {
                Some(Message::Refused { promised: epoch })
            }
            Message::AskPromise { epoch, .. } => Some(Message::Promised(Promised {
                epoch,
                last: self.promised,
                wall: self.now.wall,
                published: 0,
            })),
            Message::Beacon(Beacon { epoch, sent, .. }) => {
                Some(Message::Ack(Ack { epoch, index: self.acknowledged, beacon: sent }))
            }
            _ => None,
        }
    }
}

impl Stage {
    /// An answer, from whom it is made to come.
    fn received(&self, from: &str, message: Message) -> Input {
        let mut from = member(from).id;
        if self.new_disks_promise && matches!(message, Message::Promised(_)) {
            from.disk = DiskId(1_000 + from.disk.0);
        }
        Input::Received { from, cluster: Some(CLUSTER), message }
    }
}

pub(crate) fn received(from: &str, message: Message) -> Input {
    Input::Received { from: member(from).id, cluster: Some(CLUSTER), message }
}

pub(crate) fn member(name: &str) -> Member {
    let number = u64::from(name.as_bytes()[0]);
    Member { id: MemberId { name: name.to_owned(), disk: DiskId(number) }, rank: number }
}

fn entry(index: Index, operation: Operation) -> Arc<Entry> {
    entry_of(1, index, operation)
}

pub(crate) fn entry_of(epoch: Epoch, index: Index, operation: Operation) -> Arc<Entry> {
    Arc::new(Entry {
        index,
        epoch,
        lamport: Lamport::new(index),
        time: WallTime::EPOCH,
        author: "ana".to_owned(),
        request_id: None,
        operation,
    })
}
