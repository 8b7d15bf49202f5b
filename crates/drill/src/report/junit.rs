use std::time::Duration;

use papo_witness::evidence::{Evidence, Verdict};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::clean::{all_cleaned, cleaned};
use super::human::human;
use super::numbers::figures;
use super::{is_as_wanted, shows_a_loss, wanted};
use crate::suite::NotHeld;

/// The drills as test cases of one suite.
///
/// A broken promise is a *failure*; a drill that could not find out, or that left something behind, is an *error*; a
/// negative control that fails is a success; one that was not held is *skipped*.
pub fn junit(drills: &[Evidence], not_held: &[NotHeld]) -> String {
    let mut suite = TestSuite::new("drill");
    suite.set_time(drills.iter().map(took).sum());
    suite.timestamp = drills.first().and_then(|first| first.started.parse().ok());
    for evidence in drills {
        suite.add_test_case(case(&cleaned(evidence)));
    }
    for one in all_cleaned(not_held) {
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("needs: {}", one.needs));
        let mut case = TestCase::new(one.drill, status);
        case.set_classname("drill");
        suite.add_test_case(case);
    }
    let mut report = Report::new("papo");
    report.set_time(drills.iter().map(took).sum());
    report.add_test_suite(suite);
    report.to_string().expect("writing XML into memory does not fail")
}

fn case(evidence: &Evidence) -> TestCase {
    let mut case = TestCase::new(&evidence.drill, status(evidence));
    case.set_classname("drill").set_time(took(evidence)).set_system_out(human(evidence));
    case.add_property(Property::new("seed", evidence.seed.to_string()));
    for row in figures(&evidence.figures) {
        case.add_property(Property::new(row.title, row.value));
    }
    case
}

fn status(evidence: &Evidence) -> TestCaseStatus {
    if is_as_wanted(evidence) {
        return TestCaseStatus::success();
    }
    let (kind, what) = match (evidence.verdict, wanted(&evidence.drill)) {
        (Verdict::Unknown, _) => (NonSuccessKind::Error, "unknown"),
        (Verdict::Fail, Verdict::Fail) if !shows_a_loss(evidence) => {
            (NonSuccessKind::Failure, "negative control not noticed")
        }
        (verdict, wanted) if verdict == wanted => (NonSuccessKind::Error, "not undone"),
        (Verdict::Fail, _) => (NonSuccessKind::Failure, "promise broken"),
        (Verdict::Pass, _) => (NonSuccessKind::Failure, "negative control not noticed"),
    };
    let broken = evidence.broken.iter().map(|broken| format!("{}: {}", broken.promise, broken.sentence));
    let sentences: Vec<String> =
        evidence.because.iter().cloned().chain(broken).chain(evidence.not_undone.iter().cloned()).collect();
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(what).set_message(sentences.first().map_or(what, String::as_str));
    status.set_description(sentences.join("\n"));
    status
}

fn took(evidence: &Evidence) -> Duration {
    Duration::from_millis(evidence.duration_ms)
}
