//! What makes a drill unknown.

use super::stories::{Ends, FAULT, Story, assert_fails, assert_passes, assert_unknown, at, seen};
use crate::judge::{Fault, Proof, Service};

#[test]
fn a_fault_that_nobody_saw_proves_nothing() {
    let mut story = Story::well(300);
    let proof = Proof::Missing("the pod never went away".to_owned());
    story.fault = Some(Fault { at: at(FAULT), until: None, proof });
    assert_unknown(&story.judged(), "the pod never went away");
}

#[test]
fn a_fault_during_which_nothing_was_acknowledged_proves_nothing() {
    let mut story = Story::well(2000);
    story.fault =
        Some(Fault { at: at(FAULT + 100), until: Some(at(FAULT + 1900)), proof: seen(FAULT + 100) });
    assert_unknown(&story.judged(), "nothing was acknowledged while");
}

#[test]
fn a_drill_that_does_nothing_needs_no_proof() {
    let mut story = Story::well(100);
    story.fault = None;
    let evidence = story.judged();
    assert_passes(&evidence);
    assert_eq!(evidence.messages.acknowledged_during_fault, evidence.messages.acknowledged);
    assert_eq!(evidence.figures.coordinator_ms, None);
}

#[test]
fn what_could_not_be_read_back_is_not_known() {
    let mut story = Story::well(300);
    story.missing.push("the history of s-2 could not be read".to_owned());
    assert_unknown(&story.judged(), "s-2 could not be read");
}

#[test]
fn what_is_broken_is_broken_whatever_else_is_not_known() {
    let mut story = Story::well(300);
    story.missing.push("the history of s-3 could not be read".to_owned());
    story.spoil = Box::new(|records| drop(records.remove(3)));
    let evidence = story.judged();
    assert_fails(&evidence, "P1");
    assert!(evidence.because.iter().any(|why| why.contains("s-3")));
}

#[test]
fn a_load_that_never_talked_proves_nothing() {
    assert_unknown(&Story::new().judged(), "nothing was acknowledged");
}

#[test]
fn a_client_that_was_not_connected_at_the_end_proves_nothing() {
    let mut story = Story::well(300);
    story.load.troubles.push("eva had no connection at the end".to_owned());
    assert_unknown(&story.judged(), "eva had no connection");
}

/// The majority is gone from 1 s to 4 s; nothing succeeds in between.
fn without_majority() -> Story {
    let mut story = Story::new();
    for sent in (100..FAULT).step_by(100) {
        story.says("ana", sent, &Ends::Acknowledged(sent + 50), true);
    }
    story.fault = Some(Fault { at: at(FAULT), until: Some(at(4000)), proof: seen(FAULT + 100) });
    story.expectations.service = Service::Refuses;
    story
}

#[test]
fn without_a_majority_writes_are_refused_and_later_succeed() {
    let mut story = without_majority();
    story.says("bia", 1500, &Ends::TurnedAway(2500), false);
    story.says("ana", 1600, &Ends::Acknowledged(4200), true);
    let evidence = story.judged();
    assert_passes(&evidence);
    assert!(evidence.because.iter().any(|why| why.contains("1 attempts were refused")));
    assert_eq!(evidence.messages.acknowledged_during_fault, 0);
}

#[test]
fn who_is_served_without_a_majority_shows_that_there_was_one() {
    let mut story = without_majority();
    story.says("ana", 1500, &Ends::Acknowledged(1550), true);
    story.says("ana", 4100, &Ends::Acknowledged(4200), true);
    assert_unknown(&story.judged(), "1 messages were sent and acknowledged when");
}

#[test]
fn an_acknowledgement_that_was_on_its_way_when_the_majority_went_is_none_without_it() {
    let mut story = without_majority();
    story.says("ana", 1040, &Ends::Acknowledged(1150), true);
    story.says("ana", 1600, &Ends::Acknowledged(4200), true);
    assert_passes(&story.judged());
}

#[test]
fn a_majority_that_is_back_a_moment_before_it_is_seen_may_serve() {
    let mut story = without_majority();
    story.says("ana", 1600, &Ends::Acknowledged(3900), true);
    story.says("ana", 4100, &Ends::Acknowledged(4200), true);
    assert_passes(&story.judged());
}

#[test]
fn nobody_who_asks_proves_no_refusal() {
    let mut story = without_majority();
    story.says("ana", 4100, &Ends::Acknowledged(4200), true);
    assert_unknown(&story.judged(), "nobody asked for anything");
}

#[test]
fn a_majority_that_does_not_come_back_proves_nothing() {
    let mut story = without_majority();
    story.fault = Some(Fault { at: at(FAULT), until: None, proof: seen(FAULT) });
    story.says("bia", 1500, &Ends::TurnedAway(2500), false);
    assert_unknown(&story.judged(), "did not come back");
}

#[test]
fn who_is_not_served_again_breaks_a_promise() {
    let mut story = without_majority();
    story.says("bia", 1500, &Ends::TurnedAway(2500), false);
    story.says("ana", 4100, &Ends::Open, false);
    assert_fails(&story.judged(), "P7");
}

#[test]
fn silence_is_no_refusal() {
    let mut story = without_majority();
    story.says("bia", 1200, &Ends::Silent(2900), false);
    story.says("ana", 1600, &Ends::Acknowledged(4200), true);
    assert_fails(&story.judged(), "P10");
}
