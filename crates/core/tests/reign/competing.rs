//! Two stand for the same epoch: whoever cannot win it makes room soon, and whoever can does not let go of it.

use std::time::Duration;

use papo_core::log::Position;
use papo_core::replica::{Message, Output, RoleName, Timing};

use crate::stage::{COMMITTED, Stage, received};

/// For how long it stands, once it does.
fn stands_for(stage: &mut Stage) -> Duration {
    let stands = |stage: &Stage| stage.status().role == RoleName::Candidate;
    stage.until("it stands", stands);
    let began = stage.now.instant;
    stage.until("it gives up", |stage| !stands(stage));
    assert_ne!(stage.status().role, RoleName::Coordinator);
    stage.now.instant.since(began)
}

/// When whoever competes makes room, at the latest.
fn soon() -> Duration {
    let Timing { suspicion, backoff, .. } = Timing::default();
    suspicion + backoff + Duration::from_millis(40)
}

#[test]
fn a_candidate_that_nobody_answers_goes_on_asking() {
    let mut stage = Stage::started();
    stage.says_nothing = vec!["a", "b"];
    assert!(stands_for(&mut stage) >= Timing::default().candidacy);
}

#[test]
fn two_candidates_with_the_others_silent_make_room_long_before_a_candidacy_ends() {
    let mut stage = Stage::started();
    stage.refuses = vec!["a"];
    stage.says_nothing = vec!["b"];
    let stood = stands_for(&mut stage);
    assert!(stood >= Timing::default().suspicion, "an answer may still be on its way: {stood:?}");
    assert!(stood <= soon(), "nobody gets a majority as long as both stand: {stood:?}");
}

#[test]
fn a_candidate_that_has_its_majority_does_not_make_room_for_one_who_competes() {
    let mut stage = Stage::started();
    stage.refuses = vec!["a"];
    // `b` promises, and has a log that is still to be taken over.
    stage.promised = Position { epoch: 2, index: COMMITTED.index };
    let stood = stands_for(&mut stage);
    assert!(stood >= Timing::default().candidacy, "{stood:?}");
}

#[test]
fn a_candidate_that_a_majority_refuses_gives_up_at_once() {
    let mut stage = Stage::started();
    stage.refuses = vec!["a", "b"];
    let asks = |output: &Output| matches!(output, Output::Send { message: Message::AskPromise { .. }, .. });
    stage.until("it asks", |stage| stage.outputs.iter().any(asks));
    assert_ne!(stage.status().role, RoleName::Candidate);
}

#[test]
fn a_refusal_of_an_earlier_epoch_says_nothing_about_this_one() {
    let mut stage = Stage::started();
    stage.says_nothing = vec!["a", "b"];
    stage.until("it stands", |stage| stage.status().role == RoleName::Candidate);
    let began = stage.now.instant;
    let before = stage.status().epoch - 1;
    for from in ["a", "b"] {
        stage.take(received(from, Message::Refused { promised: before }));
    }
    stage.until("it gives up", |stage| stage.status().role != RoleName::Candidate);
    assert!(stage.now.instant.since(began) >= Timing::default().candidacy);
}

#[test]
fn a_coordinator_that_hears_of_a_later_promise_has_been_overruled_and_of_its_own_has_not() {
    let mut stage = Stage::started();
    stage.take_over();
    let epoch = stage.status().epoch;
    stage.take(received("a", Message::Refused { promised: epoch }));
    assert_eq!(stage.status().role, RoleName::Coordinator);
    stage.take(received("a", Message::Refused { promised: epoch + 1 }));
    assert_ne!(stage.status().role, RoleName::Coordinator);
}
