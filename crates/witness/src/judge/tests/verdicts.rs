//! What becomes of messages.

use super::stories::{Ends, Story, assert_fails, assert_passes, assert_unknown};

#[test]
fn what_is_on_all_servidores_is_kept() {
    let evidence = Story::well(300).judged();
    assert_passes(&evidence);
    assert_eq!(evidence.messages.kept, evidence.messages.acknowledged);
    assert_eq!(evidence.messages.attempted, evidence.messages.kept);
    assert!(evidence.messages.acknowledged_during_fault > 10);
}

#[test]
fn what_was_acknowledged_and_is_missing_on_one_servidor_is_lost() {
    let mut story = Story::well(300);
    story.spoil = Box::new(|records| drop(records.remove(3)));
    let evidence = story.judged();
    assert_fails(&evidence, "P1");
    assert_eq!(evidence.messages.lost, 1);
    assert_eq!(evidence.messages.kept + 1, evidence.messages.attempted);
}

#[test]
fn what_was_acknowledged_beyond_the_end_of_every_log_is_lost_if_that_is_known_to_be_the_end() {
    let cut = |missing: &[&str]| {
        let mut story = Story::well(300);
        story.end = 30_000;
        story.missing = missing.iter().map(|&why| why.to_owned()).collect();
        story.judged()
    };
    let evidence = cut(&[]);
    assert_fails(&evidence, "P1");
    assert!(evidence.messages.lost > 0 && evidence.messages.unchecked == 0, "{:?}", evidence.messages);

    let evidence = cut(&["s-2 was not level"]);
    assert_unknown(&evidence, "s-2 was not level");
    assert!(evidence.messages.lost == 0 && evidence.messages.unchecked > 0, "{:?}", evidence.messages);
}

#[test]
fn what_reads_otherwise_than_it_was_said_is_altered() {
    let mut story = Story::well(300);
    story.spoil = Box::new(|records| {
        if let papo_audit::What::Publish { message, .. } = &mut records[3].what {
            message.push('!');
        }
    });
    let evidence = story.judged();
    assert_fails(&evidence, "P1");
    assert_fails(&evidence, "P3");
    assert_eq!(evidence.messages.altered, 1);
}

#[test]
fn what_took_effect_twice_is_duplicated() {
    let mut story = Story::well(300);
    story.spoil = Box::new(|records| {
        let mut again = records[2].clone();
        let last = records.last().expect("there are some").clone();
        (again.index, again.clock, again.timestamp) = (last.index, last.clock, last.timestamp);
        records.pop();
        records.push(again);
    });
    let evidence = story.judged();
    assert_fails(&evidence, "P2");
    assert_eq!(evidence.messages.duplicated, 1);
}

#[test]
fn what_stands_before_its_cause_is_out_of_order() {
    let mut story = Story::well(300);
    story.spoil = Box::new(|records| records[4].clock = 1);
    let evidence = story.judged();
    assert_fails(&evidence, "P4");
    assert_eq!(evidence.messages.out_of_order, 1);
}

#[test]
fn what_was_never_acknowledged_may_be_there_or_not() {
    let mut story = Story::well(300);
    story.says("bia", 1200, &Ends::Open, true);
    story.says("bia", 1300, &Ends::Open, false);
    story.says("bia", 4990, &Ends::Acknowledged(4999), true);
    let evidence = story.judged();
    assert_passes(&evidence);
    assert_eq!((evidence.messages.unacknowledged_present, evidence.messages.unknown_outcome), (1, 1));
}

#[test]
fn what_was_refused_must_not_be_there() {
    let mut story = Story::well(300);
    story.says("bia", 1200, &Ends::Refused(1300), false);
    let evidence = story.judged();
    assert_passes(&evidence);
    assert_eq!(evidence.messages.refused, 1);

    let mut story = Story::well(300);
    story.says("bia", 1200, &Ends::TurnedAway(1300), true);
    story.says("bia", 4990, &Ends::Acknowledged(4999), true);
    let evidence = story.judged();
    assert_fails(&evidence, "P10");
    assert_eq!(evidence.messages.refused_present, 1);
}

#[test]
fn a_follower_is_owed_everything_once_it_is_back() {
    let mut story = Story::well(300);
    story.follower_is_shown_all_but(&[]);
    assert_passes(&story.judged());

    let mut story = Story::well(300);
    story.follower_is_shown_all_but(&[7]);
    assert_fails(&story.judged(), "P8");
}

#[test]
fn two_coordinators_of_one_epoch_are_never_allowed() {
    let mut story = Story::well(300);
    story.watched.conflicts.push("s-0 and s-1 both coordinated epoch 4".to_owned());
    assert_fails(&story.judged(), "P3");
}

#[test]
fn many_sentences_of_one_promise_are_counted_and_not_all_told() {
    let mut story = Story::well(100);
    story.spoil = Box::new(Vec::clear);
    let evidence = story.judged();
    assert_fails(&evidence, "P1");
    let told: Vec<_> = evidence.broken.iter().filter(|broken| broken.promise == "P1").collect();
    assert_eq!(told.len(), 21);
    let more = evidence.messages.lost - 20;
    assert_eq!(told[20].sentence, format!("and {more} more"));
}

#[test]
fn a_new_disk_that_counted_before_it_had_caught_up_breaks_what_acknowledgements_stand_on() {
    let mut story = Story::well(300);
    story
        .watched
        .premature
        .push("the new disk of s-2 counted, as s-0 said, when it had 3 entries".to_owned());
    assert_fails(&story.judged(), "P1");
}
