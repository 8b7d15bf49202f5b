//! The beginning of a reign, seen from the one who begins it: whose promises count, whose log is taken over, what is committed by
//! whose acknowledgements, and what is published. The two other members are played by the test.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use papo_core::chat::RULES;
use papo_core::clock::{Instant, Lamport, Now, WallTime};
use papo_core::log::{
    ClusterId, Entry, Genesis, Index, Name, Operation, Position, Promise, RequestId, Write,
};
use papo_core::members::{ADMIN, DiskId, Member, MemberId};
use papo_core::replica::{
    Ack, Beacon, Hello, Input, Message, Output, Promised, Proposal, Recovery, Replica, RoleName, Settings,
    Stored, Timing, WriteId,
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

#[test]
fn an_acknowledgement_that_was_made_to_another_coordinator_is_not_counted() {
    let mut stage = Stage::started();
    stage.take_over();
    let epoch = stage.status().epoch;
    for other in [epoch - 1, epoch + 1] {
        let ack = Ack { epoch: other, index: MESSAGE.index + 1, beacon: 0 };
        stage.take(received("a", Message::Ack(ack)));
        assert_eq!(stage.commit(), COMMITTED.index, "what it has there is another's entry");
    }
    stage.acknowledge(MESSAGE.index + 1);
    assert_eq!(stage.commit(), MESSAGE.index + 1);
}

#[test]
fn a_coordinator_counts_itself_once_its_own_disk_has_it() {
    let mut stage = Stage::started();
    stage.take_over();
    stage.acknowledge(MESSAGE.index + 1);
    stage.disk_is_slow = true;
    stage.submit(Lamport::default());
    let written = stage.status().last;
    stage.acknowledge(written);
    assert_eq!(stage.commit(), written - 1, "one of three has it");
    stage.disk_is_slow = false;
    let id = stage.stored();
    stage.take(Input::Durable(id));
    assert_eq!(stage.commit(), written);
}

#[test]
fn what_is_written_is_later_than_all_that_its_author_had_seen() {
    let mut stage = Stage::started();
    stage.take_over();
    let seen = Lamport::new(1_000);
    stage.submit(seen);
    let written = stage.written().expect("it is ordered");
    assert!(written.lamport > seen, "{written:?}");
}

#[test]
fn promises_of_new_disks_elect_nobody() {
    let mut stage = Stage::started();
    stage.new_disks_promise = true;
    for _ in 0..300 {
        stage.pass();
        assert_ne!(stage.status().role, RoleName::Coordinator, "they may lack what they had acknowledged");
    }
    stage.new_disks_promise = false;
    stage.take_over();
}

#[test]
fn a_shorter_log_that_ends_in_a_later_epoch_is_taken_over_before_a_longer_one_is_believed() {
    let mut stage = Stage::started();
    // What it has beyond the first entry was dropped by a coordinator that committed something else there.
    stage.promised = Position { epoch: 2, index: COMMITTED.index };
    let fetches = |output: &Output| matches!(output, Output::Send { message: Message::Fetch { .. }, .. });
    stage.until("the others' log is asked for", |stage| stage.outputs.iter().any(fetches));
    for _ in 0..300 {
        stage.pass();
        assert_ne!(stage.status().role, RoleName::Coordinator, "its own log lacks what was committed");
    }
}

#[test]
fn a_coordinator_that_hands_over_orders_nothing_that_its_successor_would_lack() {
    let mut stage = Stage::started();
    stage.take_over();
    stage.acknowledge(MESSAGE.index + 1);
    // Both answer a beacon.
    for _ in 0..10 {
        stage.pass();
    }
    stage.outputs.clear();
    stage.take(Input::Stop);
    let offers = |output: &Output| matches!(output, Output::Send { message: Message::HandOver { .. }, .. });
    assert!(stage.outputs.iter().any(offers), "{:?}", stage.outputs);
    stage.submit(Lamport::default());
    assert_eq!(stage.status().last, MESSAGE.index + 1, "the write stays where it came in");
}

#[test]
fn new_rules_come_into_force_once_every_member_can_apply_them_and_not_before() {
    let mut stage = Stage::started();
    stage.take_over();
    stage.acknowledge(MESSAGE.index + 1);
    let raised = |stage: &Stage| {
        let raises = |entry: &&Arc<Entry>| matches!(entry.operation, Operation::RaiseRules(_));
        let written = stage.outputs.iter().filter_map(|output| match output {
            Output::Persist { write: Write::Append { entries, .. }, .. } => Some(entries),
            _ => None,
        });
        written.flatten().find(raises).map(|entry| entry.operation.clone())
    };
    // `a` is of the release before: it would have to stop at the first entry of the new rules.
    for _ in 0..100 {
        stage.greet("a", RULES - 1);
        stage.greet("b", RULES);
        stage.pass();
    }
    assert_eq!(raised(&stage), None);
    for _ in 0..100 {
        stage.greet("a", RULES);
        stage.greet("b", RULES);
        stage.pass();
    }
    assert_eq!(raised(&stage), Some(Operation::RaiseRules(RULES)));
}

/// What the reign before left open might be dropped, and with it what the change counts on (Ongaro 2015).
#[test]
fn a_new_coordinator_changes_nothing_before_its_first_entry_is_committed() {
    let mut stage = Stage::started();
    stage.take_over();
    let opening = stage.status().last;
    for _ in 0..100 {
        stage.greet("a", RULES);
        stage.greet("b", RULES);
        stage.pass();
    }
    assert_eq!(stage.status().last, opening, "{:?}", stage.written());
    stage.raise_rules();
}

/// Two of three would be left, and one of them has a disk that takes no writes: nothing could be decided any more.
#[test]
fn a_coordinator_whose_own_disk_takes_no_writes_is_not_counted_among_those_that_can_go_on() {
    let mut stage = Stage::started();
    stage.take_over();
    stage.raise_rules();
    stage.order("1", Operation::Dismiss { name: "a".to_owned() });
    stage.disk_is_slow = true;
    stage.submit(Lamport::default());
    let (epoch, ordered) = (stage.status().epoch, stage.status().last);
    stage.acknowledge(ordered);
    stage.take(received("b", Message::Ack(Ack { epoch, index: ordered, beacon: 0 })));
    stage.keep_up(50);
    assert_eq!(
        (stage.commit(), stage.status().last),
        (ordered, ordered),
        "only the others store what it orders"
    );
    assert_eq!(stage.status().members.len(), 3);
    stage.disk_is_slow = false;
    let id = stage.stored();
    stage.take(Input::Durable(id));
    stage.keep_up(100);
    assert_eq!(stage.status().members.len(), 2);
}

/// Found by the simulator. The others have stored that it stays after all; the coordinator has ordered that, and cannot apply it yet.
#[test]
fn a_dismissal_that_was_taken_back_is_not_carried_out_by_a_coordinator_that_has_not_applied_that() {
    for delay in 0..30 {
        let mut stage = Stage::started();
        stage.take_over();
        stage.raise_rules();
        stage.order("1", Operation::Dismiss { name: "a".to_owned() });
        stage.keep_up(delay);
        let members = stage.status().members;
        stage.disk_is_slow = true;
        stage.order("2", Operation::Admit { name: "a".to_owned() });
        stage.keep_up(50);
        assert_eq!(stage.status().members, members, "it was taken back after {delay} passes");
    }
}

/// `c`, the highest rank of three.
struct Stage {
    replica: Replica,
    now: Now,
    /// What the others acknowledge.
    acknowledged: Index,
    /// How far the others say that their logs go.
    promised: Position,
    /// The others promise under their names, on other disks.
    new_disks_promise: bool,
    /// Nothing is stored for now.
    disk_is_slow: bool,
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
        Self {
            replica: recovery.finish(now),
            now,
            acknowledged: 0,
            promised: COMMITTED,
            new_disks_promise: false,
            disk_is_slow: false,
            outputs: Vec::new(),
        }
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

    fn greet(&mut self, from: &str, rules: u32) {
        let wall = self.now.wall;
        let hello =
            Hello { rank: member(from).rank, last: COMMITTED, promised: 0, rules, incarnation: 1, wall };
        self.take(received(from, Message::Hello(hello)));
    }

    /// The others, of this release, store everything, until the newest rules are in force.
    fn raise_rules(&mut self) {
        self.keep_up(100);
        assert_eq!(self.status().rules, RULES);
    }

    /// The others store everything for a while.
    fn keep_up(&mut self, passes: usize) {
        for _ in 0..passes {
            self.greet("a", RULES);
            self.greet("b", RULES);
            self.acknowledge(self.status().last);
            self.pass();
        }
    }

    /// `b` hands over an order of the administrator, and all but this servidor have stored it.
    fn order(&mut self, id: &str, operation: Operation) {
        let request_id = RequestId::Client(id.to_owned());
        let clock = Lamport::default();
        let proposal = Proposal { author: ADMIN.to_owned(), request_id, operation, clock };
        self.take(received("b", Message::Submit(vec![proposal])));
        self.acknowledge(self.status().last);
    }

    /// `b` hands over a write of a client whose clock shows this.
    fn submit(&mut self, clock: Lamport) {
        let geral = "geral".to_owned();
        let operation =
            Operation::Publish { channel: geral, user: "bia".to_owned(), message: "e aí".to_owned() };
        let request_id = RequestId::Client("1".to_owned());
        let proposal = Proposal { author: "bia".to_owned(), request_id, operation, clock };
        self.take(received("b", Message::Submit(vec![proposal])));
    }

    /// The last entry that was handed to the disk.
    fn written(&self) -> Option<&Entry> {
        self.outputs.iter().rev().find_map(|output| match output {
            Output::Persist { write: Write::Append { entries, .. }, .. } => entries.last().map(Arc::as_ref),
            _ => None,
        })
    }

    /// The number of the last write that was handed to the disk.
    fn stored(&self) -> WriteId {
        let id = |output: &Output| match output {
            Output::Persist { id, .. } => Some(*id),
            _ => None,
        };
        self.outputs.iter().rev().find_map(id).expect("something was written")
    }

    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        for _ in 0..1_000 {
            if done(self) {
                return;
            }
            self.pass();
        }
        panic!("it did not happen that {what}: {:?}", self.status());
    }

    fn pass(&mut self) {
        self.now.instant = self.now.instant + Duration::from_millis(20);
        self.take(Input::Tick);
    }

    /// Takes an input, and whatever the disk and the other two answer to what comes of it.
    fn take(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.replica.handle(self.now, input);
            while let Some(output) = self.replica.poll_output(self.now) {
                match &output {
                    Output::Persist { id, .. } if !self.disk_is_slow => {
                        inputs.push_back(Input::Durable(*id));
                    }
                    Output::Send { to, message } => {
                        inputs.extend(self.answer(message).map(|answer| self.received(to, answer)));
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
