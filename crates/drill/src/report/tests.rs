mod files;
mod pages;
mod sample;
mod schema;

use papo_witness::evidence::{Broken, Evidence, MomentKind, Verdict};
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

use self::sample::{hostile, leader_kill, lost_messages};
use super::{ending, html, human, is_as_wanted, junit, suite_html, suite_human, suite_json};
use crate::stop::Ending;
use crate::suite::NotHeld;

#[test]
fn a_person_is_told_the_verdict_the_five_moments_and_the_figures() {
    let page = human(&leader_kill());
    assert!(page.starts_with("leader-kill: PASS\n"), "{page}");
    for told in [
        "   +0.000  fault                        deleted pod papo-servidor-2 with grace 0",
        "   +0.412  coordinator gone             papo-servidor-2 no longer answers",
        "   +0.630  new coordinator              papo-servidor-1 coordinates in epoch 4",
        "   +0.655  first acknowledgement after  client 7",
        "  +12.000  recovered                    3 of 3 servidores at index 2150",
        "     655 ms  longest wait of any client",
        "     630 ms  fault to new coordinator",
        "         0  lost",
        "seed 42",
    ] {
        assert!(page.contains(told), "{told:?} is not in\n{page}");
    }
}

#[test]
fn a_moment_that_never_came_is_told_as_such() {
    let mut evidence = leader_kill();
    evidence.timeline.retain(|moment| moment.what != MomentKind::NewCoordinator);
    assert!(human(&evidence).contains("–  new coordinator              no other coordinator was seen"));
}

#[test]
fn of_several_recoveries_the_last_one_counts() {
    let mut evidence = leader_kill();
    let mut early = evidence.timeline.iter().find(|m| m.what == MomentKind::Recovered).expect("one").clone();
    early.at_ms = 11_500;
    evidence.timeline.insert(4, early);
    let page = human(&evidence);
    let short = page.split("Everything that was seen").next().expect("the part before it");
    assert!(short.contains("+12.000  recovered") && !short.contains("+1.500  recovered"), "{page}");
}

#[test]
fn broken_promises_and_what_is_left_behind_are_told_in_full() {
    let page = human(&lost_messages());
    assert!(page.starts_with("leader-kill: FAIL\n"));
    assert!(page.contains("P1  message m-17 of client 3 was acknowledged at index 812 and is in no history"));
    let evidence = Evidence {
        not_undone: vec!["node n2 is still cordoned: kubectl uncordon n2".into()],
        ..leader_kill()
    };
    assert!(
        human(&evidence)
            .contains("NOT UNDONE: somebody has to\n  node n2 is still cordoned: kubectl uncordon n2")
    );
}

#[test]
fn no_text_reaches_a_terminal_as_an_order() {
    let page = human(&hostile());
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}') && !page.contains('\r'), "{page:?}");
    assert!(page.contains("\\u{1b}"), "what was there is shown: {page}");
}

#[test]
fn a_negative_control_has_to_fail() {
    let failed = Evidence { drill: "control-broken".into(), ..lost_messages() };
    let passed = Evidence { drill: "control-broken".into(), ..leader_kill() };
    assert!(is_as_wanted(&failed) && !is_as_wanted(&passed));
    assert!(human(&failed).starts_with("control-broken: FAIL, as it must"));
    assert!(human(&passed).starts_with("control-broken: PASS, but it must fail"));
    assert_eq!(problems(&[failed]), []);
    assert_eq!(problems(&[passed]), [(NonSuccessKind::Failure, "negative control not noticed".to_owned())]);
}

#[test]
fn a_negative_control_that_was_only_slow_has_shown_nothing() {
    let late = Broken { promise: "P7".into(), sentence: "it took 9 s".into() };
    let slow = Evidence {
        drill: "control-broken".into(),
        verdict: Verdict::Fail,
        broken: vec![late],
        ..leader_kill()
    };
    assert!(!is_as_wanted(&slow));
    assert_eq!(ending(&slow), Ending::Broken);
    assert!(
        human(&slow)
            .starts_with("control-broken: FAIL, but it must lose messages, and none was seen to be lost")
    );
    assert!(html(&slow).contains("but no message was lost"));
    assert_eq!(problems(&[slow]), [(NonSuccessKind::Failure, "negative control not noticed".to_owned())]);
}

#[test]
fn the_exit_code_says_what_the_report_does() {
    let of = |drill: &str, evidence: Evidence| ending(&Evidence { drill: drill.into(), ..evidence });
    assert_eq!(of("leader-kill", leader_kill()), Ending::Pass);
    assert_eq!(of("leader-kill", lost_messages()), Ending::Broken);
    assert_eq!(of("control-broken", lost_messages()), Ending::Pass);
    assert_eq!(of("control-broken", leader_kill()), Ending::Broken);
    for drill in ["leader-kill", "control-broken"] {
        assert_eq!(of(drill, Evidence { verdict: Verdict::Unknown, ..lost_messages() }), Ending::Unknown);
        assert_eq!(
            of(drill, Evidence { not_undone: vec!["n1".into()], ..lost_messages() }),
            Ending::NotUndone
        );
    }
}

fn not_held() -> [NotHeld; 1] {
    [NotHeld { drill: "freeze", needs: "drill hooks\u{1b}[2J <script>".to_owned() }]
}

#[test]
fn a_drill_that_was_not_held_is_told_everywhere_and_is_no_failure() {
    let page = suite_human(&[leader_kill()], &not_held());
    assert!(page.starts_with("1 of 1 drills came out as they should."), "{page}");
    assert!(page.contains("\nNot held\n  freeze: it needs: drill hooks\\u{1b}[2J"), "{page}");

    let xml = junit(&[leader_kill()], &not_held());
    let report = Report::deserialize_from_str(&xml).expect("well-formed");
    assert_eq!((report.tests, report.failures, report.errors), (2, 0, 0));
    assert_eq!(report.test_suites[0].skipped, 1);
    assert!(matches!(report.test_suites[0].test_cases[1].status, TestCaseStatus::Skipped { .. }), "{xml}");

    let page = suite_html(&[leader_kill()], &not_held());
    assert!(page.contains("<h3>Not held</h3>") && page.contains("&lt;script&gt;"), "{page}");
    assert!(!suite_html(&[leader_kill()], &[]).contains("Not held"));

    let json: serde_json::Value = serde_json::from_str(&suite_json(&[], &not_held())).expect("JSON");
    assert_eq!(json["not_held"][0]["drill"], "freeze");
}

#[test]
fn how_soon_somebody_was_served_after_the_next_broker_was_ready_is_told() {
    let mut evidence = leader_kill();
    assert!(human(&evidence).contains("–  broker ready again to first acknowledgement"));
    evidence.figures.resumed_ms = Some(340);
    assert!(human(&evidence).contains("  340 ms  broker ready again to first acknowledgement"));
    assert!(suite_human(&[evidence.clone()], &[]).contains("  340 ms"));
    assert!(suite_html(&[evidence], &[]).contains("<td class=\"number\">340 ms</td>"));
}

#[test]
fn a_drill_that_left_something_behind_did_not_come_out_as_it_should() {
    let evidence = Evidence { not_undone: vec!["the claim data-papo-servidor-0".into()], ..leader_kill() };
    assert!(!is_as_wanted(&evidence));
    assert_eq!(problems(&[evidence]), [(NonSuccessKind::Error, "not undone".to_owned())]);
}

#[test]
fn a_build_server_tells_broken_promises_from_drills_that_could_not_find_out() {
    let unknown = Evidence { verdict: Verdict::Unknown, drill: "freeze".into(), ..leader_kill() };
    let found = problems(&[leader_kill(), lost_messages(), unknown]);
    let wanted = [(NonSuccessKind::Failure, "promise broken"), (NonSuccessKind::Error, "unknown")];
    assert_eq!(found, wanted.map(|(kind, what)| (kind, what.to_owned())));
}

#[test]
fn a_build_server_can_read_hostile_texts() {
    let xml = junit(&[hostile()], &[]);
    let report = Report::deserialize_from_str(&xml).expect("well-formed");
    let case = &report.test_suites[0].test_cases[0];
    assert!(case.system_out.as_ref().expect("the human page").contains("]]><script>alert(1)</script>"));
    assert!(!xml.contains("<script>"), "{xml}");
}

#[test]
fn a_suite_is_told_as_a_table_and_what_went_wrong_in_full() {
    let page = suite_human(&[leader_kill(), lost_messages()], &[]);
    assert!(page.starts_with("1 of 2 drills came out as they should."));
    assert!(page.contains("\n! leader-kill  fail"), "{page}");
    assert!(page.contains("\n  leader-kill  pass"), "{page}");
    assert_eq!(page.matches("In seconds after the fault").count(), 1, "only what went wrong: {page}");
}

/// What a build server would complain about, in order.
fn problems(drills: &[Evidence]) -> Vec<(NonSuccessKind, String)> {
    let report = Report::deserialize_from_str(&junit(drills, &[])).expect("well-formed");
    assert_eq!(report.tests, drills.len());
    let cases = report.test_suites.into_iter().flat_map(|suite| suite.test_cases);
    let problem = |status| match status {
        TestCaseStatus::NonSuccess { kind, ty, .. } => Some((kind, ty.map(String::from).unwrap_or_default())),
        TestCaseStatus::Success { .. } | TestCaseStatus::Skipped { .. } => None,
    };
    cases.filter_map(|case| problem(case.status)).collect()
}
