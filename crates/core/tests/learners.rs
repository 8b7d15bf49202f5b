//! A new disk counts once it has the log, and not before: until then it would make every write wait for it.

use std::sync::Arc;
use std::time::Duration;

use papo_core::clock::{Instant, Lamport, Now, WallTime};
use papo_core::log::{ClusterId, Entry, Epoch, Genesis, Index, Operation, Promise};
use papo_core::members::{DiskId, Member, MemberId};
use papo_core::replica::{
    Ack, Hello, Input, Message, Output, Recovery, Replica, RequestLimits, RoleName, Settings, Stored, Timing,
};

const CLUSTER: ClusterId = ClusterId(9);
/// Longer than what one or two batches bring.
const ENTRIES: Index = 2_000;

#[test]
fn a_new_disk_is_counted_once_it_has_the_log_and_not_before() {
    let mut alone = Alone::coordinating();
    let (epoch, end) = (alone.replica.status(alone.now).epoch, alone.replica.status(alone.now).last);
    for acknowledged in [None, Some(0), Some(end / 2)] {
        alone.hear(epoch, acknowledged);
        assert_eq!(alone.replica.status(alone.now).members.len(), 1, "counted at {acknowledged:?} of {end}");
    }
    alone.hear(epoch, Some(end));
    let members = alone.replica.status(alone.now).members;
    assert!(members.iter().any(|member| member.id == newcomer()), "it has everything: {members:?}");
}

/// A disk that takes longer to read than a learner waits before it asks again still has it learn: what is being read is not begun anew.
#[test]
fn what_a_slow_disk_is_reading_is_answered_however_often_it_was_asked_for() {
    let mut alone = Alone::coordinating_over(3 * ENTRIES);
    let epoch = alone.replica.status(alone.now).epoch;
    for _ in 0..10 {
        alone.receive(Message::Fetch { epoch, after: 2 });
        alone.pass();
    }
    assert_eq!(alone.reads.len(), 1, "it is read once");
    let entries = (3..=5).map(|index| entry(index, Operation::Empty)).collect();
    alone.handle(Input::LogRead { read: alone.reads[0], entries });
    assert_eq!(alone.fetched, [5], "and answered");
    alone.receive(Message::Fetch { epoch, after: 5 });
    assert_eq!(alone.reads.len(), 2, "what follows is another question");
    // That disk could not be read: whoever asks again is not told to wait for it.
    alone.handle(Input::LogRead { read: alone.reads[1], entries: Vec::new() });
    alone.receive(Message::Fetch { epoch, after: 5 });
    assert_eq!(alone.reads.len(), 3);
}

/// The last member but one whose disk was lost, and removed; the new one is on its way.
struct Alone {
    replica: Replica,
    now: Now,
    /// What it asked of its disk.
    reads: Vec<u64>,
    /// The last index of each answer to a fetch.
    fetched: Vec<Index>,
}

impl Alone {
    fn coordinating() -> Self {
        Self::coordinating_over(ENTRIES)
    }

    /// With a log that long.
    fn coordinating_over(entries: Index) -> Self {
        let settings = Settings {
            name: "a".to_owned(),
            genesis: Vec::new(),
            session_key: [7; 32],
            seed: 1,
            timing: Timing::default(),
            limits: RequestLimits::default(),
        };
        let (own, lost) = (member("a", 1), member("b", 2));
        let stored = Stored { disk: own.id.disk, promise: Promise::default(), committed: entries };
        let mut recovery = Recovery::new(settings, stored);
        let members = vec![own, lost.clone()];
        let genesis = Genesis { cluster: CLUSTER, members, session_key: vec![7; 32], rules: 1 };
        recovery.replay(entry(1, Operation::Genesis(genesis)));
        let removed = Operation::RemoveMember { member: lost.id, replaced_by: Some(newcomer().disk) };
        recovery.replay(entry(2, removed));
        for index in 3..=entries {
            recovery.replay(entry(index, Operation::Empty));
        }
        let now = Now { instant: Instant::ZERO, wall: WallTime::EPOCH };
        let mut alone = Self { replica: recovery.finish(now), now, reads: Vec::new(), fetched: Vec::new() };
        for _ in 0..100 {
            if alone.replica.status(alone.now).role == RoleName::Coordinator {
                return alone;
            }
            alone.pass();
        }
        panic!("the only member coordinates: {:?}", alone.replica.status(alone.now));
    }

    /// The new disk greets, and acknowledges up to some index if it does at all; and some time passes.
    fn hear(&mut self, epoch: Epoch, acknowledged: Option<Index>) {
        for _ in 0..50 {
            let hello = Hello {
                rank: 2,
                last: Default::default(),
                promised: 0,
                rules: 1,
                incarnation: 1,
                wall: self.now.wall,
            };
            self.receive(Message::Hello(hello));
            if let Some(index) = acknowledged {
                self.receive(Message::Ack(Ack { epoch, index, beacon: 0 }));
            }
            self.pass();
        }
    }

    fn receive(&mut self, message: Message) {
        self.handle(Input::Received { from: newcomer(), cluster: Some(CLUSTER), message });
    }

    fn pass(&mut self) {
        self.now.instant = self.now.instant + Duration::from_millis(100);
        self.handle(Input::Tick);
    }

    /// Its disk is quick.
    fn handle(&mut self, input: Input) {
        self.replica.handle(self.now, input);
        while let Some(output) = self.replica.poll_output(self.now) {
            match output {
                Output::Persist { id, .. } => self.replica.handle(self.now, Input::Durable(id)),
                Output::ReadLog { read, .. } => self.reads.push(read),
                Output::Send { message: Message::Fetched { entries, .. }, .. } => {
                    self.fetched.extend(entries.last().map(|entry| entry.index));
                }
                _ => {}
            }
        }
    }
}

fn newcomer() -> MemberId {
    member("b", 77).id
}

fn member(name: &str, disk: u64) -> Member {
    Member { id: MemberId { name: name.to_owned(), disk: DiskId(disk) }, rank: u64::from(name.as_bytes()[0]) }
}

fn entry(index: Index, operation: Operation) -> Arc<Entry> {
    Arc::new(Entry {
        index,
        epoch: 1,
        lamport: Lamport::new(index),
        time: WallTime::EPOCH,
        author: String::new(),
        request_id: None,
        operation,
    })
}
