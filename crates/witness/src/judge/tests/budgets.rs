//! Promises about time.

use super::stories::{Story, assert_fails, assert_passes, at};
use crate::view::Reign;

#[test]
fn a_pause_within_its_budget_passes_and_one_beyond_fails() {
    let paused = |pause, budget| {
        let mut story = Story::well(pause);
        story.expectations.pause = Some(at(budget));
        story.judged()
    };
    assert_passes(&paused(900, 1000));
    assert_fails(&paused(1100, 1000), "P7");
}

#[test]
fn a_coordinator_is_due_within_its_budget() {
    let succeeded = |when: Option<u64>| {
        let mut story = Story::well(300);
        let reign = |epoch| Reign { coordinator: format!("s-{epoch}"), epoch };
        story.watched.reigns.push((at(0), reign(1)));
        story.watched.reigns.extend(when.map(|when| (at(when), reign(2))));
        story.expectations.coordinator = Some(at(1000));
        story.judged()
    };
    let evidence = succeeded(Some(1700));
    assert_passes(&evidence);
    assert_eq!(evidence.figures.coordinator_ms, Some(700));
    assert_fails(&succeeded(Some(2100)), "P7");
    assert_fails(&succeeded(None), "P7");
}

#[test]
fn a_cluster_is_due_to_be_whole_again_within_its_budget() {
    let recovered = |when: Option<u64>| {
        let mut story = Story::well(300);
        story.watched.recovered.extend(when.map(at));
        story.watched.is_whole = true;
        story.expectations.recovered = Some(at(2000));
        story.judged()
    };
    let evidence = recovered(Some(2500));
    assert_passes(&evidence);
    assert_eq!(evidence.figures.recovered_ms, Some(1500));
    assert_fails(&recovered(Some(3500)), "P7");
    assert_fails(&recovered(None), "P7");
}

#[test]
fn a_cluster_that_is_whole_in_between_and_broken_at_the_end_has_not_recovered() {
    let mut story = Story::well(300);
    story.watched.recovered.push(at(1500));
    let evidence = story.judged();
    assert_passes(&evidence);
    assert_eq!(evidence.figures.recovered_ms, None);
}

#[test]
fn messages_may_fail_only_where_that_is_said() {
    let failing = |most| {
        let mut story = Story::well(300);
        story.fails(1200, "ana-1");
        story.expectations.failed_requests = most;
        story.judged()
    };
    assert_passes(&failing(None));
    assert_passes(&failing(Some(1)));
    let evidence = failing(Some(0));
    assert_fails(&evidence, "P7");
    assert!(evidence.broken[0].sentence.contains("ana-1"), "{:?}", evidence.broken);
}
