//! The beginning of a reign, seen from the one who begins it: what it inherited is committed by its own first entry only, and
//! published where nobody has published it. The two other members are played by the test.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use papo_core::clock::{Instant, Lamport, Now, WallTime};
use papo_core::log::{ClusterId, Entry, Genesis, Index, Name, Operation, Position, Promise};
use papo_core::members::{DiskId, Member, MemberId};
use papo_core::replica::{
    Ack, Beacon, Input, Message, Output, Promised, Recovery, Replica, RoleName, Settings, Stored, Timing,
};

const CLUSTER: ClusterId = ClusterId(9);
/// Where the log of everybody ends; beyond it the one who begins has a message.
const COMMITTED: Position = Position { epoch: 1, index: 2 };
const MESSAGE: Position = Position { epoch: 1, index: 3 };

#[test]
fn what_an_older_epoch_left_is_not_committed_by_counting_but_by_the_first_entry_of_the_new_one() {
    let mut stage = Stage::started();
    stage.take_over();
    stage.acknowledge(MESSAGE.index);
    assert_eq!(
        stage.commit(),
        COMMITTED.index,
        "a majority has it, and another coordinator may still drop it"
    );
    stage.acknowledge(MESSAGE.index + 1);
    assert_eq!(stage.commit(), MESSAGE.index + 1);
}

#[test]
fn what_was_published_before_is_not_published_again() {
    let mut stage = Stage::started();
    stage.obey_one_who_published(MESSAGE.index);
    stage.take_over();
    stage.acknowledge(MESSAGE.index + 1);
    assert_eq!(stage.published(), Vec::<Index>::new());
}

#[test]
fn what_was_committed_and_not_published_is_published_by_the_successor_once() {
    let mut stage = Stage::started();
    stage.obey_one_who_published(COMMITTED.index);
    stage.take_over();
    stage.acknowledge(MESSAGE.index + 1);
    assert_eq!(stage.published(), [MESSAGE.index]);
}

#[test]
fn the_last_message_of_a_topic_is_told_of_again_and_again() {
    let mut stage = Stage::started();
    stage.take_over();
    stage.acknowledge(MESSAGE.index + 1);
    for _ in 0..2 {
        stage.outputs.clear();
        stage.until("the channel's last index is told", |stage| {
            let tip = |output: &Output| {
                matches!(output, Output::Tip { topic, index } if topic == "geral" && *index == MESSAGE.index)
            };
            stage.outputs.iter().any(tip)
        });
    }
}

/// `c`, the highest rank of three.
struct Stage {
    replica: Replica,
    now: Now,
    /// What the others acknowledge.
    acknowledged: Index,
    outputs: Vec<Output>,
}

impl Stage {
    fn started() -> Self {
        let settings = Settings {
            name: "c".to_owned(),
            genesis: Vec::new(),
            session_key: [7; 32],
            seed: 1,
            timing: Timing::default(),
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
        Self { replica: recovery.finish(now), now, acknowledged: 0, outputs: Vec::new() }
    }

    /// Hears of a coordinator that has committed everything, and has published up to there.
    fn obey_one_who_published(&mut self, published: Index) {
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

    fn take_over(&mut self) {
        self.until("it coordinates", |stage| stage.status().role == RoleName::Coordinator);
    }

    /// The others have this much of the log from now on.
    fn acknowledge(&mut self, index: Index) {
        self.acknowledged = index;
        let epoch = self.status().epoch;
        self.take(received("a", Message::Ack(Ack { epoch, index, beacon: 0 })));
        assert_eq!(self.status().role, RoleName::Coordinator);
    }

    fn status(&self) -> papo_core::replica::Status {
        self.replica.status(self.now)
    }

    fn commit(&self) -> Index {
        self.status().commit
    }

    fn published(&self) -> Vec<Index> {
        let index = |output: &Output| match output {
            Output::Publish(delivery) => Some(delivery.said.index),
            _ => None,
        };
        self.outputs.iter().filter_map(index).collect()
    }

    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        for _ in 0..1_000 {
            if done(self) {
                return;
            }
            self.now.instant = self.now.instant + Duration::from_millis(20);
            self.take(Input::Tick);
        }
        panic!("it did not happen that {what}: {:?}", self.status());
    }

    /// Takes an input, and whatever the disk and the other two answer to what comes of it.
    fn take(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.replica.handle(self.now, input);
            while let Some(output) = self.replica.poll_output(self.now) {
                match &output {
                    Output::Persist { id, .. } => inputs.push_back(Input::Durable(*id)),
                    Output::Send { to, message } => {
                        inputs.extend(self.answer(message).map(|answer| received(to, answer)));
                    }
                    _ => {}
                }
                self.outputs.push(output);
            }
        }
    }

    fn answer(&self, message: &Message) -> Option<Message> {
        match *message {
            Message::Canvass { round } => Some(Message::CanvassReply { round, free: true, promised: 0 }),
            Message::AskPromise { epoch, .. } => Some(Message::Promised(Promised {
                epoch,
                last: COMMITTED,
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

fn received(from: &str, message: Message) -> Input {
    Input::Received { from: member(from).id, cluster: Some(CLUSTER), message }
}

fn member(name: &str) -> Member {
    let number = u64::from(name.as_bytes()[0]);
    Member { id: MemberId { name: name.to_owned(), disk: DiskId(number) }, rank: number }
}

fn entry(index: Index, operation: Operation) -> Arc<Entry> {
    Arc::new(Entry {
        index,
        epoch: 1,
        lamport: Lamport::new(index),
        time: WallTime::EPOCH,
        author: "ana".to_owned(),
        request_id: None,
        operation,
    })
}
