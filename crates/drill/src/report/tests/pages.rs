//! What the pages for browsers must hold, and must not.

use papo_witness::evidence::{Evidence, Moment, MomentKind, RateSample};

use super::sample::{hostile, leader_kill, lost_messages};
use crate::report::{html, suite_html};

#[test]
fn every_moment_is_drawn_and_listed_under_the_same_number() {
    let evidence = leader_kill();
    let page = html(&evidence);
    for (position, moment) in evidence.timeline.iter().enumerate() {
        let number = position + 1;
        assert!(page.contains(&format!(">{number}</text>")), "no flag {number}");
        assert!(page.contains(&format!(">{number}</span></td>")), "no line {number}");
        assert!(page.contains(&moment.text), "{} is not told", moment.text);
    }
}

#[test]
fn the_five_moments_the_verdict_and_the_figures_are_told() {
    let page = html(&leader_kill());
    for told in ["fault", "coordinator gone", "new coordinator", "first acknowledgement after", "recovered"] {
        assert!(page.contains(&format!("<strong>{told}</strong>")), "{told}");
    }
    assert!(page.contains("</span> pass</span>"));
    for figure in ["655 ms", "630 ms", "12.0 s", "2\u{a0}150"] {
        assert!(page.contains(figure), "{figure}");
    }
}

#[test]
fn the_pause_is_drawn_from_the_fault_to_the_first_acknowledgement() {
    assert!(html(&leader_kill()).contains("<rect class=\"pause\""));
    let mut evidence = leader_kill();
    evidence.timeline.retain(|moment| moment.what != MomentKind::FirstAcknowledgement);
    assert!(!html(&evidence).contains("<rect class=\"pause\""), "its end is not known");
}

#[test]
fn a_failure_is_drawn_though_thousands_were_acknowledged() {
    let rate = |i: u64| RateSample { at_ms: i * 100, acknowledged: 100_000, failed: u32::from(i == 50) };
    let page = html(&Evidence { rate: (0..300).map(rate).collect(), ..leader_kill() });
    assert!(page.contains("<rect class=\"failed\""));
}

#[test]
fn nothing_is_fetched_and_nothing_is_run() {
    for page in [html(&leader_kill()), suite_html(&[leader_kill(), hostile()], &[]), html(&hostile())] {
        for forbidden in
            ["<script", "<link", "<img", "<iframe", "url(", "@import", "http:", "https:", "src=\""]
        {
            assert!(!page.contains(forbidden), "{forbidden} is in the page");
        }
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn hostile_texts_are_shown_and_do_nothing() {
    for page in [html(&hostile()), suite_html(&[hostile()], &[])] {
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"));
        assert!(!page.contains("onerror=alert(2)>"), "it left its text");
        assert!(!page.contains(['\u{1b}', '\u{202e}']));
        assert_eq!(page.matches("<title>").count(), page.matches("</title>").count() - titled(&page));
    }
}

/// How many titles have attributes.
fn titled(page: &str) -> usize {
    page.matches("<title ").count()
}

#[test]
fn who_does_not_see_the_drawing_is_told_what_is_on_it() {
    let page = html(&leader_kill());
    assert!(page.contains("role=\"img\" aria-labelledby=\"whole-0-title whole-0-desc\""));
    assert!(page.contains(
        "<desc id=\"whole-0-desc\">Acknowledged messages a second, from -10.000 to +26.000 seconds"
    ));
    assert!(page.contains("+0.630 s: new coordinator"));
}

#[test]
fn a_suite_leads_from_its_table_to_each_drill() {
    let page = suite_html(&[leader_kill(), lost_messages()], &[]);
    assert!(page.contains("<h1>1 of 2 drills came out as they should</h1>"));
    for number in 0..2 {
        assert!(page.contains(&format!("<a href=\"#drill-{number}\">leader-kill</a>")));
        assert!(page.contains(&format!("<article id=\"drill-{number}\">")));
    }
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(ids.len(), once.len(), "an id is there twice: {ids:?}");
}

#[test]
fn evidence_of_nothing_is_drawn_too() {
    let nothing = Evidence { timeline: Vec::new(), rate: Vec::new(), because: Vec::new(), ..leader_kill() };
    let page = html(&nothing);
    assert!(page.contains("none was caused") && !page.contains("NaN") && !page.contains("inf"));
    assert!(suite_html(&[], &[]).contains("0 of 0 drills"));
}

#[test]
fn a_moment_after_the_load_has_ended_is_still_within_the_drawing() {
    let mut evidence = leader_kill();
    evidence.timeline.push(Moment { at_ms: 90_000, what: MomentKind::Undone, text: "uncordoned n2".into() });
    assert!(html(&evidence).contains("to +80.000 seconds"));
}
