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
