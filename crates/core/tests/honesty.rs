//! What a servidor says of its disk and its log is true when it says it, and still true after a restart.
//!
//! The simulated cluster rarely makes this matter: the moment between telling a promise and storing it has to meet a crash, and then
//! a rival of the same epoch has to meet the one who forgot. So this is asked of a single replica, output by output.

use std::sync::Arc;

use papo_core::chat::{Outcome, RequestKey};
use papo_core::clock::{Instant, Lamport, Now, WallTime};
use papo_core::log::{
    ClusterId, Entry, Epoch, Genesis, Index, Name, Operation, Position, Promise, RequestId, Write,
};
use papo_core::members::{DiskId, Member, MemberId};
use papo_core::replica::{
    Batch, Beacon, Input, Message, Output, Recovery, Replica, RequestLimits, Settings, Stored, Timing,
    WriteId,
};

const CLUSTER: ClusterId = ClusterId(9);
const NOW: Now = Now { instant: Instant::ZERO, wall: WallTime::EPOCH };
/// Where the log of everybody ends at first.
const END: Position = Position { epoch: 1, index: 2 };

#[test]
fn a_promise_is_told_once_it_is_on_the_disk_and_not_before() {
    let mut replica = started(Promise::default());
    let (outputs, writes) = asked(&mut replica, "a", 5);
    assert_eq!(promised(&outputs), Vec::<Epoch>::new(), "told before it was stored: {outputs:?}");
    let (id, promise) = stored_promise(&writes).expect("what is promised is stored");
    assert_eq!(promise, Promise { epoch: 5, candidate: "a".to_owned() });

    let (again, _) = asked(&mut replica, "a", 5);
    assert_eq!(promised(&again), Vec::<Epoch>::new(), "asked twice, and stored no sooner: {again:?}");

    let (outputs, _) = given(&mut replica, Input::Durable(id));
    assert_eq!(promised(&outputs), [5]);
}

#[test]
fn a_promise_still_binds_after_a_restart() {
    let mut replica = started(Promise::default());
    let (_, writes) = asked(&mut replica, "a", 5);
    let (_, promise) = stored_promise(&writes).expect("what is promised is stored");

    let mut replica = started(promise);
    let (outputs, writes) = asked(&mut replica, "c", 5);
    assert_eq!(promised(&outputs), Vec::<Epoch>::new(), "one epoch, two promises: {outputs:?}");
    assert!(stored_promise(&writes).is_none(), "{writes:?}");
    let refused = |output: &Output| matches!(output, Output::Send { to, message: Message::Refused { promised: 5 } } if to == "c");
    assert!(outputs.iter().any(refused), "the rival is told: {outputs:?}");

    let (outputs, _) = asked(&mut replica, "a", 5);
    assert_eq!(promised(&outputs), [5], "the one it was given to hears it again");
}

#[test]
fn entries_are_acknowledged_once_they_are_on_the_disk_and_not_before() {
    let mut replica = started(Promise::default());
    let (outputs, writes) = given(&mut replica, received("a", batch(2, END, 3)));
    assert!(acknowledged(&outputs) <= END.index, "acknowledged before it was stored: {outputs:?}");
    // A beacon is always answered.
    let question = beacon(2, Position { epoch: 2, index: 3 }, END.index);
    let (outputs, _) = given(&mut replica, received("a", question));
    assert_eq!(acknowledged(&outputs), END.index, "acknowledged before it was stored: {outputs:?}");
    let (outputs, _) = given(&mut replica, Input::Durable(last(&writes)));
    assert_eq!(acknowledged(&outputs), 3);
}

#[test]
fn nothing_of_an_older_epoch_is_acknowledged_after_a_promise() {
    let mut replica = started(Promise::default());
    let (_, writes) = given(&mut replica, received("a", batch(2, END, 3)));
    let stored = last(&writes);
    let (_, more) = asked(&mut replica, "c", 3);
    // The disk finishes what came under the old epoch, and only then the promise.
    let (outputs, _) = given(&mut replica, Input::Durable(stored));
    assert_eq!(acknowledged(&outputs), 0, "{outputs:?}");
    let (outputs, _) = given(&mut replica, Input::Durable(last(&more)));
    assert_eq!(promised(&outputs), [3]);
    let (outputs, writes) = given(&mut replica, received("a", batch(2, Position { epoch: 2, index: 3 }, 4)));
    assert_eq!(
        (acknowledged(&outputs), writes),
        (0, Vec::new()),
        "an old coordinator is not obeyed: {outputs:?}"
    );
}

#[test]
fn a_promise_is_queued_behind_the_entries_that_it_reports() {
    let mut replica = started(Promise::default());
    // Both come in before anything is done about either.
    replica.handle(NOW, received("a", batch(2, END, 3)));
    let (_, writes) = asked(&mut replica, "c", 3);
    let [_, (_, Write::Append { entries, .. }), (promise, Write::Promise(Promise { epoch: 3, .. }))] =
        &writes[..]
    else {
        panic!("the promise of its coordinator's epoch, the entries, and then the other promise: {writes:?}");
    };
    assert_eq!(entries.len(), 1);
    let (outputs, _) = given(&mut replica, Input::Durable(*promise));
    let last = |output: &Output| match output {
        Output::Send { message: Message::Promised(promised), .. } => Some(promised.last),
        _ => None,
    };
    assert_eq!(outputs.iter().find_map(last), Some(Position { epoch: 2, index: 3 }));
}

#[test]
fn what_a_coordinator_committed_is_neither_acknowledged_nor_committed_where_the_logs_may_differ() {
    // The third entry is of an epoch that ended before anybody else had it; the coordinator's third is another.
    let mut replica = started_with(Promise::default(), &[entry(1, 3, Operation::Empty)]);
    let end = Position { epoch: 2, index: 4 };
    let (outputs, _) = given(&mut replica, received("a", beacon(2, end, end.index)));
    assert_eq!(acknowledged(&outputs), END.index, "{outputs:?}");
    assert_eq!((replica.status(NOW).commit, replica.chat().applied()), (END.index, END.index));
    assert_eq!(replica.status(NOW).last, 3, "nothing is dropped before there is something better");

    let entries = vec![entry(2, 3, Operation::Empty), entry(2, 4, Operation::Empty)];
    let news = Message::Batch(Batch { epoch: 2, previous: END, entries, commit: end.index });
    let (_, writes) = given(&mut replica, received("a", news));
    let (outputs, _) = given(&mut replica, Input::Durable(last(&writes)));
    assert_eq!(acknowledged(&outputs), end.index);
    assert_eq!((replica.status(NOW).commit, replica.chat().applied()), (end.index, end.index));
}

#[test]
fn who_coordinates_again_after_losing_its_end_is_compared_with_anew() {
    // Found by the simulator. The coordinator orders an entry that nobody but this follower stores, dies before it is on its own
    // disk, and coordinates again before this follower missed it: it has another entry in that place now.
    let mut replica = started(Promise::default());
    let (_, writes) = given(&mut replica, received("a", batch(2, END, 3)));
    let (outputs, _) = given(&mut replica, Input::Durable(last(&writes)));
    assert_eq!(acknowledged(&outputs), 3);

    let end = Position { epoch: 3, index: 3 };
    let (outputs, _) = given(&mut replica, received("a", beacon(3, end, end.index)));
    assert_eq!(
        acknowledged(&outputs),
        END.index,
        "acknowledged for what it was in another reign: {outputs:?}"
    );
    assert_eq!((replica.status(NOW).commit, replica.chat().applied()), (END.index, END.index));

    let (_, writes) = given(&mut replica, received("a", batch(3, END, 3)));
    let (outputs, _) = given(&mut replica, Input::Durable(last(&writes)));
    assert_eq!(acknowledged(&outputs), 3, "{outputs:?}");
}

/// What it has committed may have been published by nobody: whoever did that died before it could.
#[test]
fn a_restarted_servidor_claims_nothing_as_published() {
    let mut replica = started(Promise::default());
    let (_, writes) = asked(&mut replica, "a", 5);
    let (outputs, _) = given(&mut replica, Input::Durable(last(&writes)));
    let published = |output: &Output| match output {
        Output::Send { message: Message::Promised(promised), .. } => Some(promised.published),
        _ => None,
    };
    assert_eq!(outputs.iter().find_map(published), Some(0), "{outputs:?}");
}

#[test]
fn what_was_carried_out_before_a_restart_is_still_known() {
    let mut asked = Entry::clone(&entry(1, 3, Operation::Login { user: name("ana") }));
    asked.author = "ana".to_owned();
    asked.request_id = Some(RequestId::Client("1".to_owned()));
    let replica = recovered(Promise::default(), 3, &[Arc::new(asked)]);
    let key = RequestKey::of("ana", &RequestId::Client("1".to_owned()));
    let recalled = replica.chat().recall(&key).expect("its retry is the same request");
    assert_eq!((recalled.index, recalled.outcome), (3, Outcome::Done));
}

fn name(name: &str) -> Name {
    Name { display: name.to_owned(), key: name.to_owned() }
}

/// `b`, as it comes back with a log of two entries and this promise on its disk.
fn started(promise: Promise) -> Replica {
    started_with(promise, &[])
}

/// [`started`], with more entries that nobody is known to have committed.
fn started_with(promise: Promise, more: &[Arc<Entry>]) -> Replica {
    recovered(promise, END.index, more)
}

fn recovered(promise: Promise, committed: Index, more: &[Arc<Entry>]) -> Replica {
    let settings = Settings {
        name: "b".to_owned(),
        genesis: Vec::new(),
        session_key: [7; 32],
        seed: 1,
        timing: Timing::default(),
        limits: RequestLimits::default(),
    };
    let mut recovery = Recovery::new(settings, Stored { disk: member("b").id.disk, promise, committed });
    let members = ["a", "b", "c"].map(member).to_vec();
    let genesis = Genesis { cluster: CLUSTER, members, session_key: vec![7; 32], rules: 1 };
    recovery.replay(entry(1, 1, Operation::Genesis(genesis)));
    recovery.replay(entry(1, 2, Operation::Empty));
    for entry in more {
        recovery.replay(Arc::clone(entry));
    }
    recovery.finish(NOW)
}

fn member(name: &str) -> Member {
    let number = u64::from(name.as_bytes()[0]);
    Member { id: MemberId { name: name.to_owned(), disk: DiskId(number) }, rank: number }
}

fn entry(epoch: Epoch, index: Index, operation: Operation) -> Arc<Entry> {
    Arc::new(Entry {
        index,
        epoch,
        lamport: Lamport::new(index),
        time: WallTime::EPOCH,
        author: String::new(),
        request_id: None,
        operation,
    })
}

/// One entry of a coordinator.
fn batch(epoch: Epoch, previous: Position, index: Index) -> Message {
    let entries = vec![entry(epoch, index, Operation::Empty)];
    Message::Batch(Batch { epoch, previous, entries, commit: END.index })
}

fn beacon(epoch: Epoch, last: Position, commit: Index) -> Message {
    Message::Beacon(Beacon {
        epoch,
        last,
        commit,
        published: 0,
        sent: 1,
        confirmed: 0,
        answered: 0,
        held: Vec::new(),
    })
}

fn received(from: &str, message: Message) -> Input {
    Input::Received { from: member(from).id, cluster: Some(CLUSTER), message }
}

fn asked(replica: &mut Replica, by: &str, epoch: Epoch) -> (Vec<Output>, Vec<(WriteId, Write)>) {
    given(replica, received(by, Message::AskPromise { epoch, last: END }))
}

/// What comes of an input; what is to be stored, apart.
fn given(replica: &mut Replica, input: Input) -> (Vec<Output>, Vec<(WriteId, Write)>) {
    replica.handle(NOW, input);
    let (mut outputs, mut writes) = (Vec::new(), Vec::new());
    while let Some(output) = replica.poll_output(NOW) {
        match output {
            Output::Persist { id, write } => writes.push((id, write)),
            other => outputs.push(other),
        }
    }
    (outputs, writes)
}

fn promised(outputs: &[Output]) -> Vec<Epoch> {
    let epoch = |output: &Output| match output {
        Output::Send { message: Message::Promised(promised), .. } => Some(promised.epoch),
        _ => None,
    };
    outputs.iter().filter_map(epoch).collect()
}

/// The highest index that was acknowledged; 0 where nothing was.
fn acknowledged(outputs: &[Output]) -> Index {
    let index = |output: &Output| match output {
        Output::Send { message: Message::Ack(ack), .. } => Some(ack.index),
        _ => None,
    };
    outputs.iter().filter_map(index).max().unwrap_or(0)
}

fn stored_promise(writes: &[(WriteId, Write)]) -> Option<(WriteId, Promise)> {
    writes.iter().find_map(|(id, write)| match write {
        Write::Promise(promise) => Some((*id, promise.clone())),
        _ => None,
    })
}

fn last(writes: &[(WriteId, Write)]) -> WriteId {
    writes.last().expect("something is stored").0
}
