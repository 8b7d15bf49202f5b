//! Two stand for the same epoch: whoever cannot win it makes room soon, and whoever can does not let go of it.

use std::time::Duration;

use papo_core::log::Position;
use papo_core::replica::{Input, Message, Output, RoleName, Timing};

use crate::stage::{COMMITTED, Stage, received};

fn asks_promises(output: &Output) -> bool {
    matches!(output, Output::Send { message: Message::AskPromise { .. }, .. })
}

/// It has asked `d`, who has a higher rank, whether it can coordinate, and has no answer yet.
fn challenging() -> Stage {
    let mut stage = Stage::started();
    stage.take_over();
    stage.raise_rules();
    stage.outrank("d");
    let status = stage.status();
    let last = Position { epoch: status.epoch, index: status.last };
    stage.beacon("a", status.epoch + 1, last, status.commit);
    assert_eq!(stage.status().coordinator.as_deref(), Some("a"));
    stage.outputs.clear();
    let challenges = |output: &Output| matches!(output, Output::Send { to, message: Message::Election { .. } } if to == "d");
    stage.until("it asks who is higher", |stage| stage.outputs.iter().any(challenges));
    assert!(!stage.outputs.iter().any(asks_promises));
    stage
}

#[test]
fn whoever_hears_nothing_of_a_higher_rank_stands_after_a_round() {
    let mut stage = challenging();
    let began = stage.now.instant;
    stage.until("it stands", |stage| stage.outputs.iter().any(asks_promises));
    let waited = stage.now.instant.since(began);
    let round = Timing::default().round;
    assert!(waited >= round && waited <= round + Duration::from_millis(20), "{waited:?}");
}

#[test]
fn whoever_is_asked_to_stop_meanwhile_does_not_stand() {
    let mut stage = challenging();
    stage.take(Input::Stop);
    for _ in 0..100 {
        stage.pass();
    }
    assert!(!stage.outputs.iter().any(asks_promises));
}

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
    stage.until("it asks", |stage| stage.outputs.iter().any(asks_promises));
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
