//! The evidence of a drill, completed: what only the injection can tell is added to what was judged from the outside.

use papo_witness::evidence::{Broken, Evidence, Verdict};

use crate::injection::Injection;
use crate::plan::Plan;

/// Adds what only the injection can tell.
pub(crate) fn complete(mut evidence: Evidence, plan: &Plan, injection: Injection) -> Evidence {
    let resumed = resumed(&evidence, plan, &injection);
    evidence.figures.resumed_ms = resumed;
    let late = late(plan, resumed);
    for broken in injection.broken.into_iter().chain(late) {
        if evidence.verdict == Verdict::Pass {
            evidence.because.clear();
        }
        evidence.verdict = Verdict::Fail;
        evidence.because.push(format!("{} was broken: {}", broken.promise, broken.sentence));
        evidence.broken.push(broken);
    }
    if injection.cut_off && evidence.broken.iter().all(|broken| broken.promise == "P7") {
        // Who waited may have waited for the drill's own tunnels.
        evidence.broken.clear();
        if evidence.verdict != Verdict::Unknown {
            evidence.verdict = Verdict::Unknown;
            evidence.because.clear();
        }
        let sentence =
            "the API server could not be reached for a while, and through it the cluster: pauses say nothing";
        evidence.because.retain(|sentence| !sentence.starts_with("P7"));
        evidence.because.insert(0, sentence.to_owned());
    }
    let nothing_done = injection.caused.is_none() && !injection.unproven.is_empty();
    if nothing_done && evidence.verdict == Verdict::Pass {
        evidence.verdict = Verdict::Unknown;
        evidence.because = injection.unproven;
    }
    evidence
}

/// How long it took until somebody was served once that was possible again, where it was not for a while.
fn resumed(evidence: &Evidence, plan: &Plan, injection: &Injection) -> Option<u64> {
    plan.resumes?;
    let back = u64::try_from(injection.back?.as_millis()).unwrap_or(u64::MAX);
    let served = evidence.rate.iter().find(|sample| sample.at_ms >= back && sample.acknowledged > 0);
    Some(served.map_or(evidence.duration_ms, |sample| sample.at_ms).saturating_sub(back))
}

/// What there is to say when that was too long.
fn late(plan: &Plan, resumed: Option<u64>) -> Option<Broken> {
    let ((component, budget), waited) = (plan.resumes?, resumed?);
    let budget = u64::try_from(budget.as_millis()).unwrap_or(u64::MAX);
    (waited > budget).then(|| Broken {
        promise: "P7".to_owned(),
        sentence: format!(
            "after a {component} was ready again nobody was served for {waited} ms, and at most {budget} ms are allowed"
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use papo_witness::Expectations;
    use papo_witness::evidence::{Figures, MessageCounts, RateSample, SCHEMA};

    use super::*;
    use crate::plan::Over;

    fn plan(resumes: Option<(&'static str, Duration)>) -> Plan {
        Plan {
            sentence: String::new(),
            targets: Vec::new(),
            acts: Vec::new(),
            undo: Vec::new(),
            servidores_lost: 0,
            loses_messages: false,
            expect: Expectations::default(),
            plain_client: true,
            over: Over::Repaired,
            resumes,
        }
    }

    /// A drill that passed, with somebody served at 2 s and from 8 s on.
    fn passed() -> Evidence {
        let rate = (0..100).map(|i| RateSample {
            at_ms: i * RateSample::WIDTH_MS,
            acknowledged: u32::from(i == 20 || i >= 80),
            failed: 0,
        });
        Evidence {
            schema: SCHEMA,
            drill: "all-front-kill".to_owned(),
            seed: 1,
            started: String::new(),
            duration_ms: 10_000,
            verdict: Verdict::Pass,
            because: vec!["all was well".to_owned()],
            timeline: Vec::new(),
            rate: rate.collect(),
            messages: MessageCounts::default(),
            figures: Figures::default(),
            broken: Vec::new(),
            not_undone: Vec::new(),
        }
    }

    #[test]
    fn how_soon_somebody_was_served_counts_from_when_that_was_possible_again() {
        let of = |back: u64, budget: u64| {
            let injection = Injection {
                caused: Some(Duration::ZERO),
                back: Some(Duration::from_millis(back)),
                ..Injection::default()
            };
            complete(passed(), &plan(Some(("broker", Duration::from_millis(budget)))), injection)
        };
        let soon = of(7_100, 1_000);
        assert_eq!((soon.verdict, soon.figures.resumed_ms), (Verdict::Pass, Some(900)));
        let late = of(6_800, 1_000);
        assert_eq!((late.verdict, late.figures.resumed_ms), (Verdict::Fail, Some(1_200)));
        assert_eq!(late.broken[0].promise, "P7");
        let never = of(9_950, 1_000);
        assert_eq!(
            never.figures.resumed_ms,
            Some(50),
            "to the end of the drill, where nobody was served any more"
        );
    }

    #[test]
    fn a_drill_after_which_nobody_had_to_wait_for_a_pod_has_no_such_figure() {
        let injection =
            Injection { caused: Some(Duration::ZERO), back: Some(Duration::ZERO), ..Injection::default() };
        assert_eq!(complete(passed(), &plan(None), injection).figures.resumed_ms, None);
    }

    #[test]
    fn a_promise_that_the_course_saw_broken_is_told_under_its_own_name() {
        let sentence = "papo-servidor-0 said yes".to_owned();
        let broken = vec![Broken { promise: "P10".to_owned(), sentence }];
        let injection = Injection { caused: Some(Duration::ZERO), broken, ..Injection::default() };
        let evidence = complete(passed(), &plan(None), injection.clone());
        assert_eq!(evidence.verdict, Verdict::Fail);
        assert_eq!(evidence.because, ["P10 was broken: papo-servidor-0 said yes"]);
        // Nor is it forgiven because the API server was away: that excuses waiting only.
        let cut_off = complete(passed(), &plan(None), Injection { cut_off: true, ..injection });
        assert_eq!(cut_off.verdict, Verdict::Fail);
    }

    #[test]
    fn waiting_is_forgiven_where_the_way_through_the_api_server_was_cut() {
        let injection = Injection {
            caused: Some(Duration::ZERO),
            back: Some(Duration::from_secs(3)),
            cut_off: true,
            ..Injection::default()
        };
        let evidence = complete(passed(), &plan(Some(("broker", Duration::from_secs(1)))), injection);
        assert_eq!((evidence.verdict, evidence.broken.len()), (Verdict::Unknown, 0));
    }
}
