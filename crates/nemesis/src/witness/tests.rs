use papo_witness::evidence::{Figures, MessageCounts, SCHEMA};

use super::*;

fn evidence(verdict: Verdict) -> Evidence {
    Evidence {
        schema: SCHEMA,
        drill: "nemesis".to_owned(),
        seed: 1,
        started: String::new(),
        duration_ms: 0,
        verdict,
        because: vec!["the witness says so".to_owned()],
        timeline: Vec::new(),
        rate: Vec::new(),
        messages: MessageCounts::default(),
        figures: Figures::default(),
        broken: Vec::new(),
        not_undone: Vec::new(),
    }
}

fn verdict(witness: Verdict, exports: &Exports, broken: &[&str], doubts: &[&str]) -> (Verdict, Vec<String>) {
    let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
    conclude(&evidence(witness), exports, owned(broken), owned(doubts))
}

fn equal() -> Exports {
    Exports::Equal("3 messages".to_owned())
}

#[test]
fn it_passes_only_if_nothing_is_broken_and_nothing_doubtful() {
    assert_eq!(verdict(Verdict::Pass, &equal(), &[], &[]), (Verdict::Pass, vec![]));
    let differ = Exports::Differ("users.json".to_owned());
    let missing = Exports::Missing("no export".to_owned());
    for (why, found) in [
        ("the witness found something", verdict(Verdict::Fail, &equal(), &[], &[])),
        ("exports differ", verdict(Verdict::Pass, &differ, &[], &[])),
        ("a process died", verdict(Verdict::Pass, &equal(), &["it died"], &[])),
        ("broken is worse than doubtful", verdict(Verdict::Unknown, &missing, &["it died"], &["unseen"])),
    ] {
        assert_eq!(found.0, Verdict::Fail, "{why}");
        assert!(!found.1.is_empty(), "{why}");
    }
    for (why, found) in [
        ("the witness does not know", verdict(Verdict::Unknown, &equal(), &[], &[])),
        ("no exports", verdict(Verdict::Pass, &missing, &[], &[])),
        ("a fault was not seen", verdict(Verdict::Pass, &equal(), &[], &["unseen"])),
    ] {
        assert_eq!(found.0, Verdict::Unknown, "{why}");
        assert!(!found.1.is_empty(), "{why}");
    }
}

#[test]
fn the_longest_silence_within_a_span_is_found() {
    let acknowledged = [1, 0, 0, 0, 2, 0, 0, 1, 0];
    let sample = |(n, acknowledged): (u64, u32)| RateSample { at_ms: n * 100, acknowledged, failed: 0 };
    let mut evidence = evidence(Verdict::Pass);
    evidence.rate = (0..).zip(acknowledged).map(sample).collect();
    let ms = Duration::from_millis;
    assert_eq!(silence(&evidence, ms(0), ms(10_000)), ms(300));
    assert_eq!(silence(&evidence, ms(400), ms(10_000)), ms(200));
    assert_eq!(silence(&evidence, ms(400), ms(450)), ms(0));
}
