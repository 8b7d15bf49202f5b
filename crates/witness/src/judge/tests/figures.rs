//! What is measured.

use super::stories::{Ends, FAULT, Story, at};
use crate::evidence::{Evidence, MomentKind, RateSample};

#[test]
fn a_pause_is_the_stretch_between_two_acknowledgements() {
    let evidence = Story::well(700).judged();
    // The last before the fault was acknowledged 40 ms after it.
    assert_eq!(evidence.figures.pause_ms, Some(660));
    assert_eq!(evidence.figures.silence_ms, Some(660));
}

#[test]
fn a_pause_that_was_over_before_the_fault_does_not_count() {
    let mut story = Story::new();
    for sent in [100, 900, 950, 1100, 1300, 4990] {
        story.says("ana", sent, &Ends::Acknowledged(sent + 5), true);
    }
    story.load.stopped = at(1305);
    let evidence = story.judged();
    assert_eq!(evidence.figures.pause_ms, Some(3690));

    let mut story = Story::new();
    for sent in [100, 900, 950, 1100, 1300] {
        story.says("ana", sent, &Ends::Acknowledged(sent + 5), true);
    }
    story.load.stopped = at(1310);
    assert_eq!(story.judged().figures.pause_ms, Some(200));
}

#[test]
fn one_client_that_waits_is_a_pause_though_the_others_go_on() {
    let mut story = Story::well(100);
    story.load.speakers.insert("bia".to_owned());
    story.says("bia", 900, &Ends::Acknowledged(950), true);
    story.says("bia", FAULT + 10, &Ends::Acknowledged(4000), true);
    let evidence = story.judged();
    assert_eq!(evidence.figures.pause_ms, Some(3050));
    assert!(evidence.figures.silence_ms < Some(200));
}

#[test]
fn a_client_that_is_never_acknowledged_again_waits_to_the_end() {
    let mut story = Story::well(100);
    story.load.speakers.insert("bia".to_owned());
    story.says("bia", 900, &Ends::Acknowledged(950), true);
    story.says("bia", FAULT + 10, &Ends::Open, false);
    story.follower_is_shown_all_but(&[]);
    // The last line of the ledger is that of the follower, at 6 s.
    assert_eq!(story.judged().figures.pause_ms, Some(5050));
}

#[test]
fn plain_clients_wait_as_long_as_they_are_used_to() {
    let mut story = Story::well(100);
    story.says("antigo", 900, &Ends::Acknowledged(4500), true);
    assert!(story.judged().figures.pause_ms < Some(200));
}

#[test]
fn samples_have_no_gaps_and_hold_every_acknowledgement_and_failure() {
    let mut story = Story::well(700);
    story.fails(1234, "ana-1");
    let evidence = story.judged();
    let times: Vec<u64> = evidence.rate.iter().map(|sample| sample.at_ms).collect();
    let expected: Vec<u64> = (0..=50).map(|span| span * RateSample::WIDTH_MS).collect();
    assert_eq!(times, expected);
    let acknowledged: u64 = evidence.rate.iter().map(|sample| u64::from(sample.acknowledged)).sum();
    assert_eq!(acknowledged, evidence.messages.acknowledged);
    assert_eq!(evidence.rate[12].failed, 1);
    assert_eq!((evidence.rate[11].acknowledged, evidence.rate[9].acknowledged), (0, 1));
}

fn first_acknowledgement(story: Story) -> Option<u64> {
    let evidence = story.judged();
    let first = evidence.timeline.iter().find(|moment| moment.what == MomentKind::FirstAcknowledgement);
    first.map(|moment| moment.at_ms)
}

#[test]
fn the_first_acknowledgement_is_the_one_that_ends_the_silence() {
    let mut story = Story::well(700);
    // Sent and acknowledged before the fault takes effect.
    story.says("bia", 1010, &Ends::Acknowledged(1060), true);
    assert_eq!(first_acknowledgement(story), Some(1700));
}

#[test]
fn without_a_silence_the_first_acknowledgement_is_of_something_said_after_the_fault() {
    assert_eq!(first_acknowledgement(Story::well(100)), Some(FAULT + 100));
    assert_eq!(first_acknowledgement(Story::new()), None);
}

#[test]
fn evidence_survives_being_written_down() {
    let evidence = Story::well(300).judged();
    let text = serde_json::to_string(&evidence).expect("it is plain data");
    assert_eq!(serde_json::from_str::<Evidence>(&text).expect("it was just written"), evidence);
    assert!(text.contains(r#""verdict":"pass""#) && text.contains(r#""what":"first-acknowledgement""#));
    assert!(text.starts_with(r#"{"schema":1,"#), "{text}");
}
