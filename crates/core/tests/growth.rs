//! Version 2 of the rules brought what older builds cannot read: nobody of them ever meets it, and nobody of them is counted after it.

use std::sync::Arc;
use std::time::Duration;

use papo_core::chat::Outcome;
use papo_core::clock::{Instant, Lamport, Now, WallTime};
use papo_core::log::{ClusterId, Entry, Genesis, Operation, Promise, RequestId, Write};
use papo_core::members::{ADMIN, DiskId, Member, MemberId};
use papo_core::replica::{
    Ack, Answer, Ask, Hello, Input, Message, Output, Recovery, Replica, Request, RequestLimits, RoleName,
    Settings, Stored, Timing, WriteRequest,
};

const CLUSTER: ClusterId = ClusterId(9);

#[test]
fn nobody_is_admitted_before_everybody_who_is_there_knows_how_that_is_written() {
    let mut alone = Alone::coordinating(1);
    alone.hear(1);
    assert_eq!(alone.status().rules, 1, "an older build listens");
    assert_eq!(alone.admit("first"), Answer::NotYet);
    assert!(!alone.ordered(|operation| matches!(operation, Operation::Admit { .. })), "nor was it ordered");
    // It is upgraded.
    alone.hear(2);
    assert_eq!(alone.status().rules, 2);
    assert!(matches!(alone.admit("second"), Answer::Written { outcome: Outcome::Done, .. }));
    assert_eq!(alone.status().wanted, ["a", "b"]);
}

#[test]
fn an_older_build_is_not_counted_once_the_rules_are_newer_than_it() {
    let mut alone = Alone::coordinating(2);
    assert!(matches!(alone.admit("first"), Answer::Written { outcome: Outcome::Done, .. }));
    alone.hear(1);
    assert_eq!(alone.status().members.len(), 1, "it could not apply what it would have to acknowledge");
    alone.hear(2);
    assert_eq!(alone.status().members.len(), 2);
}

/// The only member; somebody else listens.
struct Alone {
    replica: Replica,
    now: Now,
    ordered: Vec<Arc<Entry>>,
    answers: Vec<Answer>,
    tickets: u64,
}

impl Alone {
    /// It coordinates under these rules.
    fn coordinating(rules: u32) -> Self {
        let settings = Settings {
            name: "a".to_owned(),
            genesis: Vec::new(),
            session_key: [7; 32],
            seed: 1,
            timing: Timing::default(),
            limits: RequestLimits::default(),
        };
        let own = MemberId { name: "a".to_owned(), disk: DiskId(1) };
        let stored = Stored { disk: own.disk, promise: Promise::default(), committed: 1 };
        let mut recovery = Recovery::new(settings, stored);
        let members = vec![Member { id: own, rank: 1 }];
        let genesis = Genesis { cluster: CLUSTER, members, session_key: vec![7; 32], rules };
        recovery.replay(Arc::new(Entry {
            index: 1,
            epoch: 1,
            lamport: Lamport::new(1),
            time: WallTime::EPOCH,
            author: String::new(),
            request_id: None,
            operation: Operation::Genesis(genesis),
        }));
        let now = Now { instant: Instant::ZERO, wall: WallTime::EPOCH };
        let replica = recovery.finish(now);
        let mut alone = Self { replica, now, ordered: Vec::new(), answers: Vec::new(), tickets: 0 };
        // An older build is heard from the beginning, where the rules are of its time.
        while alone.status().role != RoleName::Coordinator {
            assert!(
                alone.now.instant < Instant::ZERO + Duration::from_secs(10),
                "the only member coordinates"
            );
            alone.greet(rules);
            alone.pass();
        }
        alone
    }

    /// The other one greets and acknowledges everything for some seconds, as a build that knows these rules.
    fn hear(&mut self, rules: u32) {
        for _ in 0..50 {
            self.greet(rules);
            let status = self.status();
            let beacon = self.now.instant.as_nanos();
            self.receive(Message::Ack(Ack { epoch: status.epoch, index: status.last, beacon }));
            self.pass();
        }
    }

    fn greet(&mut self, rules: u32) {
        let (rank, last, wall) = (2, Default::default(), self.now.wall);
        self.receive(Message::Hello(Hello { rank, last, promised: 0, rules, incarnation: 1, wall }));
    }

    fn admit(&mut self, id: &str) -> Answer {
        self.tickets += 1;
        let write = WriteRequest {
            author: ADMIN.to_owned(),
            request_id: RequestId::Client(id.to_owned()),
            operation: Operation::Admit { name: "b".to_owned() },
            clock: Lamport::default(),
        };
        let deadline = self.now.instant + Duration::from_secs(1);
        let ask = Ask::Write(Box::new(write));
        self.handle(Input::Request(Request { ticket: self.tickets, deadline, ask }));
        *self.answers.last().expect("it is answered at once: the only member decides")
    }

    fn ordered(&self, is: impl Fn(&Operation) -> bool) -> bool {
        self.ordered.iter().any(|entry| is(&entry.operation))
    }

    fn status(&self) -> papo_core::replica::Status {
        self.replica.status(self.now)
    }

    fn receive(&mut self, message: Message) {
        let from = MemberId { name: "b".to_owned(), disk: DiskId(2) };
        self.handle(Input::Received { from, cluster: Some(CLUSTER), message });
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
                Output::Persist { id, write } => {
                    if let Write::Append { entries, .. } = write {
                        self.ordered.extend(entries);
                    }
                    self.replica.handle(self.now, Input::Durable(id));
                }
                Output::Answer { answer, .. } => self.answers.push(answer),
                _ => {}
            }
        }
    }
}
