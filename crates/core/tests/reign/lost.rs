//! Two stand for the same epoch, and one has won it: what was promised to the loser is void from then on.

use papo_core::log::{Operation, Position};
use papo_core::replica::{Batch, Message, Output, RoleName};

use crate::stage::{COMMITTED, MESSAGE, Stage, entry_of, received};

const EPOCH: u64 = 6;

/// It promised `EPOCH` to `a`, and obeyed `b`, who won it and has ordered something.
fn promised_to_a_and_obeyed_b() -> Stage {
    let mut stage = Stage::started();
    stage.take(received("a", Message::AskPromise { epoch: EPOCH, last: MESSAGE }));
    let entries = vec![entry_of(EPOCH, MESSAGE.index + 1, Operation::Empty)];
    let batch = Batch { epoch: EPOCH, previous: MESSAGE, entries, commit: COMMITTED.index };
    stage.take(received("b", Message::Batch(batch)));
    assert_eq!(stage.status().last, MESSAGE.index + 1);
    stage.outputs.clear();
    stage
}

#[test]
fn a_log_that_holds_the_winner_s_entries_is_not_handed_to_the_loser() {
    let mut stage = promised_to_a_and_obeyed_b();
    stage.take(received("a", Message::Fetch { epoch: EPOCH, after: COMMITTED.index }));
    let handed = |output: &Output| {
        matches!(output, Output::Send { message: Message::Fetched { .. }, .. } | Output::ReadLog { .. })
    };
    assert!(!stage.outputs.iter().any(handed), "{:?}", stage.outputs);
}

/// Whether `from` is handed the log, by which it would coordinate in `EPOCH`.
fn hands_its_log_to(stage: &mut Stage, from: &str) -> bool {
    stage.outputs.clear();
    stage.take(received(from, Message::Fetch { epoch: EPOCH, after: COMMITTED.index }));
    let handed = |output: &Output| matches!(output, Output::Send { to, message: Message::Fetched { .. } } if to == from);
    stage.outputs.iter().any(handed)
}

#[test]
fn a_log_is_handed_to_the_candidate_that_was_promised_and_to_nobody_else() {
    let mut stage = Stage::started();
    stage.take(received("a", Message::AskPromise { epoch: EPOCH, last: MESSAGE }));
    assert!(hands_its_log_to(&mut stage, "a"));
    assert!(!hands_its_log_to(&mut stage, "b"));
}

#[test]
fn whoever_is_obeyed_has_won_though_nothing_of_its_epoch_has_arrived() {
    let mut stage = Stage::started();
    stage.take(received("a", Message::AskPromise { epoch: EPOCH, last: MESSAGE }));
    stage.beacon("b", EPOCH, MESSAGE, COMMITTED.index);
    assert!(!hands_its_log_to(&mut stage, "a"));
}

#[test]
fn the_loser_is_not_handed_the_log_where_the_winner_has_fallen_silent_either() {
    let mut stage = promised_to_a_and_obeyed_b();
    stage.others_hear_none = false;
    stage.until("the winner is suspected", |stage| stage.status().coordinator.is_none());
    assert!(!hands_its_log_to(&mut stage, "a"));
}

#[test]
fn a_promise_is_not_repeated_with_the_winner_s_entries() {
    let mut stage = promised_to_a_and_obeyed_b();
    // Of the winner nothing is heard here any more. The others hear it, so nobody stands for a later epoch.
    stage.others_hear_none = false;
    stage.until("the winner is suspected", |stage| stage.status().coordinator.is_none());
    stage.outputs.clear();
    stage.take(received("a", Message::AskPromise { epoch: EPOCH, last: MESSAGE }));
    let says = |wanted: fn(&Message) -> bool| move |output: &Output| matches!(output, Output::Send { to, message } if to == "a" && wanted(message));
    assert!(!stage.outputs.iter().any(says(|message| matches!(message, Message::Promised(_)))));
    assert!(stage.outputs.iter().any(says(|message| matches!(message, Message::Refused { .. }))));
}

#[test]
fn a_candidate_that_hears_of_entries_of_its_own_epoch_has_lost_it() {
    let mut stage = Stage::started();
    // Whatever epoch it stands for.
    stage.promised = Position { epoch: u64::MAX, index: COMMITTED.index };
    for _ in 0..200 {
        stage.pass();
        assert_ne!(stage.status().role, RoleName::Coordinator);
    }
    let fetches = |output: &Output| matches!(output, Output::Send { message: Message::Fetch { .. }, .. });
    assert!(!stage.outputs.iter().any(fetches), "what the winner ordered is not taken over");
}
