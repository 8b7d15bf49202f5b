//! The highest rank comes back, and lacks much of what the others have: it is to keep nobody from being served.

use papo_core::chat::RULES;
use papo_core::clock::Lamport;
use papo_core::log::{Index, Operation, Position, Write};
use papo_core::replica::{Batch, Message, Output, RoleName, Timing};

use crate::stage::{COMMITTED, MESSAGE, Stage, entry_of, received};

/// As many entries as may wait to be committed.
const MOST: Index = 16_384;
/// As many entries as one who is to coordinate may lack.
const MOMENT: Index = 1_000;
/// More than one who is to coordinate may lack, and more than may wait to be committed.
const FAR: Index = 100_000;

fn asks_promises(output: &Output) -> bool {
    matches!(output, Output::Send { message: Message::AskPromise { .. }, .. })
}

fn canvasses(output: &Output) -> bool {
    matches!(output, Output::Send { message: Message::Canvass { .. }, .. })
}

fn fetches(output: &Output) -> bool {
    matches!(output, Output::Send { message: Message::Fetch { .. }, .. })
}

#[test]
fn whoever_is_known_to_lack_much_lets_others_stand_first_and_stands_where_nobody_does() {
    let mut stage = Stage::started();
    stage.logs = Position { epoch: 1, index: FAR };
    stage.greet_of_this_release();
    stage.until("it asks who hears a coordinator", |stage| stage.outputs.iter().any(canvasses));
    // What the others need to notice the same, and to ask in vain whether somebody higher can.
    for _ in 0..8 {
        stage.greet_of_this_release();
        stage.pass();
        assert!(!stage.outputs.iter().any(asks_promises), "{:?}", stage.outputs);
    }
    stage.until("it stands, since nobody else does", |stage| stage.outputs.iter().any(asks_promises));
}

/// Whether it lets others stand first, where these tell of long logs.
fn lets_others_stand_first(tell: &[&str]) -> bool {
    let mut stage = Stage::started();
    stage.logs = Position { epoch: 1, index: FAR };
    for _ in 0..40 {
        tell.iter().for_each(|name| stage.greet(name, RULES));
        stage.pass();
        if stage.outputs.iter().any(canvasses) {
            return !stage.outputs.iter().any(asks_promises);
        }
    }
    panic!("it asks nobody who hears a coordinator: {:?}", stage.status());
}

#[test]
fn a_long_log_counts_only_where_a_member_that_can_coordinate_has_it() {
    assert!(lets_others_stand_first(&["b"]));
    assert!(!lets_others_stand_first(&["z"]), "who is no member cannot stand");
    assert!(!lets_others_stand_first(&["a"]), "the last coordinator may have ordered what nobody else has");
    assert!(lets_others_stand_first(&["a", "b", "z"]));
}

#[test]
fn a_log_that_is_longer_by_a_moment_s_worth_makes_nobody_wait() {
    let defers = |by: Index| {
        let mut stage = Stage::started();
        stage.logs = Position { epoch: 1, index: MESSAGE.index + by };
        stage.greet_of_this_release();
        stage.until("it canvasses", |stage| stage.outputs.iter().any(canvasses));
        !stage.outputs.iter().any(asks_promises)
    };
    assert!(!defers(MOMENT));
    assert!(defers(MOMENT + 1));
}

#[test]
fn a_long_log_counts_for_as_long_as_a_greeting_may_be_old_and_no_longer() {
    let hello = Timing::default().hello;
    let suspicion = Timing::default().suspicion;
    for (ago, counts) in [(hello, true), (hello + suspicion * 2, false)] {
        let mut stage = Stage::started();
        stage.logs = Position { epoch: 1, index: FAR };
        stage.silent = vec!["b"];
        stage.others_hear_none = false;
        stage.greet("b", RULES);
        let told = stage.now.instant;
        stage.until("it was told a while ago", |stage| stage.now.instant.since(told) >= ago);
        stage.outputs.clear();
        stage.others_hear_none = true;
        stage.until("a hears no coordinator either", |stage| stage.outputs.iter().any(canvasses));
        assert_eq!(!stage.outputs.iter().any(asks_promises), counts, "told {ago:?} ago");
    }
}

#[test]
fn the_highest_rank_stands_without_asking_whether_a_higher_one_can() {
    let mut stage = Stage::started();
    stage.until("it canvasses", |stage| stage.outputs.iter().any(canvasses));
    assert!(stage.outputs.iter().any(asks_promises), "at once: {:?}", stage.outputs);
}

#[test]
fn whoever_lacks_little_stands_at_once() {
    let mut stage = Stage::started();
    stage.logs = Position { epoch: 1, index: COMMITTED.index + 500 };
    stage.greet_of_this_release();
    // Fewer passes than whoever lets others stand first would wait.
    for _ in 0..8 {
        stage.pass();
    }
    let stands = stage.outputs.iter().any(asks_promises);
    assert!(stands, "it lacks no more than a moment's worth: {:?}", stage.status());
}

/// Nobody greeted, so only the promises tell how long the others' logs are.
#[test]
fn a_candidate_that_finds_a_log_far_beyond_its_own_gives_way_once() {
    let mut stage = Stage::started();
    stage.promised = Position { epoch: 1, index: FAR };
    stage.until("it asks for promises", |stage| stage.outputs.iter().any(asks_promises));
    assert_ne!(stage.status().role, RoleName::Candidate, "others can begin at once");
    assert!(!stage.outputs.iter().any(fetches), "what would be taken over would all be held in memory");
    stage.until("nobody else began, and it takes that log over", |stage| stage.outputs.iter().any(fetches));
}

#[test]
fn whoever_gives_way_leaves_the_others_the_time_to_stand() {
    let mut stage = Stage::started();
    stage.promised = Position { epoch: 1, index: FAR };
    stage.until("it asks for promises, and gives way", |stage| stage.outputs.iter().any(asks_promises));
    let began = stage.now.instant;
    stage.outputs.clear();
    stage.until("it stands again", |stage| stage.outputs.iter().any(asks_promises));
    let left = stage.now.instant.since(began);
    assert!(left >= Timing::default().suspicion * 2, "the others suspect nobody sooner: {left:?}");
}

#[test]
fn a_candidate_takes_a_log_over_that_is_longer_by_as_much_as_may_wait_to_be_committed_and_no_more() {
    let longer = |by: Index| {
        let mut stage = Stage::started();
        stage.promised = Position { epoch: 1, index: MESSAGE.index + by };
        stage.until("it asks for promises", |stage| stage.outputs.iter().any(asks_promises));
        stage.outputs.iter().any(fetches)
    };
    assert!(longer(MOST));
    assert!(!longer(MOST + 1));
}

#[test]
fn a_coordinator_orders_no_more_than_may_wait_to_be_committed() {
    let mut stage = Stage::started();
    stage.take_over();
    stage.acknowledge(MESSAGE.index + 1);
    let before = stage.order_many(usize::try_from(MOST).expect("it is small"));
    stage.submit(Lamport::default());
    assert_eq!(stage.status().last, before + MOST, "nobody else has any of it");
    stage.acknowledge(before + 1);
    stage.submit(Lamport::default());
    assert_eq!(stage.status().last, before + MOST + 1, "there is room for one more");
}

/// So many entries of a megabyte each, none of them committed. Returns where the coordinator's log ends.
fn obey_one_who_orders_megabytes(stage: &mut Stage, count: usize) -> Position {
    let mut previous = MESSAGE;
    for _ in 0..count {
        let message = "x".repeat(1 << 20);
        let operation = Operation::Publish { channel: "geral".to_owned(), user: "ana".to_owned(), message };
        let entries = vec![entry_of(2, previous.index + 1, operation)];
        let end = entries[0].position();
        stage.take(received(
            "a",
            Message::Batch(Batch { epoch: 2, previous, entries, commit: COMMITTED.index }),
        ));
        previous = end;
    }
    previous
}

/// It had stored so much under a coordinator that died before it committed that.
#[test]
fn a_new_coordinator_is_obeyed_however_much_waits_to_be_committed() {
    let mut stage = Stage::started();
    let previous = obey_one_who_orders_megabytes(&mut stage, 40);
    assert_eq!(stage.status().last, previous.index, "its disk takes it as it comes");
    let entries = vec![entry_of(3, previous.index + 1, Operation::Empty)];
    stage.take(received("b", Message::Batch(Batch { epoch: 3, previous, entries, commit: COMMITTED.index })));
    assert_eq!(stage.status().last, previous.index + 1);
}

/// Memory is bounded: what its disk does not take is better left with the coordinator.
#[test]
fn a_follower_whose_disk_lags_takes_no_more_than_fits_into_memory() {
    let mut stage = Stage::started();
    stage.disk_is_slow = true;
    obey_one_who_orders_megabytes(&mut stage, 100);
    let taken = stage.status().last - MESSAGE.index;
    assert!((30..40).contains(&taken), "{taken} of a hundred megabytes");
}

/// The same where the entries are many and small.
#[test]
fn a_follower_whose_disk_lags_takes_no_more_entries_than_may_wait_to_be_committed() {
    let mut stage = Stage::started();
    stage.disk_is_slow = true;
    let mut previous = MESSAGE;
    let mut order = |stage: &mut Stage, count: Index| {
        let indices = previous.index + 1..=previous.index + count;
        let entries: Vec<_> = indices.map(|index| entry_of(2, index, Operation::Empty)).collect();
        let end = entries.last().expect("there are some").position();
        stage.take(received(
            "a",
            Message::Batch(Batch { epoch: 2, previous, entries, commit: COMMITTED.index }),
        ));
        previous = end;
        stage.status().last - MESSAGE.index
    };
    assert_eq!(order(&mut stage, MOST), MOST);
    assert_eq!(order(&mut stage, 1), MOST + 1, "as many may wait");
    assert_eq!(order(&mut stage, 1), MOST + 1, "and no more");
}

#[test]
fn nothing_is_held_up_for_one_who_asks_for_the_coordination_and_lacks_much() {
    let mut stage = Stage::started();
    stage.take_over();
    stage.raise_rules();
    let offers =
        |output: &Output| matches!(output, Output::Notice(papo_core::replica::Notice::HandingOver(_)));
    stage.outrank("d");
    let missing = stage.order_many(2_000);
    let last = stage.status().last;
    stage.acknowledge_by("a", last);
    for lacks in [last - missing, MOMENT + 1] {
        stage.acknowledge_by("d", last - lacks);
        stage.take(received("d", Message::AskHandOver));
        assert!(!stage.outputs.iter().any(offers), "ordering would stop in vain");
    }
    stage.acknowledge_by("d", last - MOMENT);
    stage.take(received("d", Message::AskHandOver));
    assert!(stage.outputs.iter().any(offers), "the rest takes a moment");
}

/// What was committed within the last half second is not missed yet by whoever only stores what was before that: here it is too much.
#[test]
fn nobody_is_dismissed_while_one_of_those_that_stay_lacks_much_of_what_was_just_committed() {
    let mut stage = Stage::started();
    stage.take_over();
    stage.raise_rules();
    let removes = |stage: &Stage| {
        let entries = stage.outputs.iter().filter_map(|output| match output {
            Output::Persist { write: Write::Append { entries, .. }, .. } => Some(entries),
            _ => None,
        });
        entries.flatten().any(|entry| matches!(entry.operation, Operation::RemoveMember { .. }))
    };
    stage.order("out", Operation::Dismiss { name: "a".to_owned() });
    // It is known since the last look at the members that `a` is to leave, and the next look comes soon.
    let dismissed = stage.now.instant;
    let look = Timing::default().membership;
    stage.until("the coordinator has looked", |stage| stage.now.instant.since(dismissed) >= look);
    assert!(!removes(&stage));
    stage.order_many(1_000);
    stage.acknowledge_by("a", stage.status().last);
    assert_eq!(stage.commit(), stage.status().last, "it is committed, and `b` has nothing of it");
    for _ in 0..60 {
        stage.pass();
        assert!(!removes(&stage), "`b` would have to be waited for, however long it takes");
    }
    stage.acknowledge(stage.status().last);
    stage.until("it is removed once `b` has everything", removes);
}

#[test]
fn a_follower_asks_for_the_coordination_once_it_has_what_the_coordinator_has() {
    let mut stage = Stage::started();
    let asks = |output: &Output| matches!(output, Output::Send { message: Message::AskHandOver, .. });
    for (epoch, lacks) in [(2, FAR), (3, MOMENT + 1)] {
        let far = Position { epoch: 2, index: COMMITTED.index + lacks };
        for _ in 0..300 {
            stage.beacon("a", epoch, far, MESSAGE.index);
            stage.pass();
            assert!(!stage.outputs.iter().any(asks), "all that it compared is here, and it is not much");
        }
    }
    let near = Position { epoch: 2, index: COMMITTED.index + MOMENT };
    for _ in 0..300 {
        stage.beacon("a", 4, near, MESSAGE.index);
        stage.pass();
    }
    assert!(stage.outputs.iter().any(asks));
}
