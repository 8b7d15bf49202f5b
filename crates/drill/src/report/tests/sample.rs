//! Evidence as a drill would leave it.

use papo_witness::evidence::{
    Broken, Evidence, Figures, MessageCounts, Moment, MomentKind, RateSample, SCHEMA, Verdict,
};

/// The coordinator was deleted, and all went well.
pub(super) fn leader_kill() -> Evidence {
    let moment = |at_ms, what, text: &str| Moment { at_ms, what, text: text.to_owned() };
    Evidence {
        schema: SCHEMA,
        drill: "leader-kill".into(),
        seed: 42,
        started: "2026-11-23T21:40:00Z".into(),
        duration_ms: 38_250,
        verdict: Verdict::Pass,
        because: vec!["every promise that was checked held".into()],
        timeline: vec![
            moment(500, MomentKind::Note, "papo-servidor-2 coordinates in epoch 3"),
            moment(10_000, MomentKind::Fault, "deleted pod papo-servidor-2 with grace 0"),
            moment(10_040, MomentKind::FaultProven, "another pod papo-servidor-2 is there"),
            moment(10_412, MomentKind::CoordinatorLost, "papo-servidor-2 no longer answers"),
            moment(10_630, MomentKind::NewCoordinator, "papo-servidor-1 coordinates in epoch 4"),
            moment(10_655, MomentKind::FirstAcknowledgement, "client 7"),
            moment(21_300, MomentKind::ServidorCaughtUp, "papo-servidor-2 at index 2150"),
            moment(22_000, MomentKind::Recovered, "3 of 3 servidores at index 2150"),
        ],
        rate: rate(),
        messages: MessageCounts {
            attempted: 2150,
            acknowledged: 2150,
            acknowledged_during_fault: 690,
            kept: 2150,
            ..MessageCounts::default()
        },
        figures: Figures {
            pause_ms: Some(655),
            silence_ms: Some(610),
            period_ms: 50,
            coordinator_ms: Some(630),
            recovered_ms: Some(12_000),
            resumed_ms: None,
            failed_requests: 0,
        },
        broken: Vec::new(),
        not_undone: Vec::new(),
    }
}

/// 36 seconds of about 60 messages a second, with a hole of 600 ms and one failure.
fn rate() -> Vec<RateSample> {
    let sample = |i: u64| {
        let hole = (100..106).contains(&i);
        let acknowledged = if hole { 0 } else { 6 + u32::try_from(i * 7 % 5).expect("small") - 2 };
        RateSample { at_ms: i * RateSample::WIDTH_MS, acknowledged, failed: u32::from(i == 104) }
    };
    (0..360).map(sample).collect()
}

/// The same, but a message is gone.
pub(super) fn lost_messages() -> Evidence {
    let sentence = "message m-17 of client 3 was acknowledged at index 812 and is in no history";
    Evidence {
        verdict: Verdict::Fail,
        because: vec!["P1 was broken: 1 message was lost".into()],
        messages: MessageCounts { kept: 2149, lost: 1, ..leader_kill().messages },
        broken: vec![Broken { promise: "P1".into(), sentence: sentence.into() }],
        ..leader_kill()
    }
}

/// Every text tries to be more than a text.
pub(super) fn hostile() -> Evidence {
    let text =
        "]]><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>\u{1b}[2J\u{202e}\r\nforged: PASS";
    Evidence {
        drill: text.into(),
        started: text.into(),
        verdict: Verdict::Fail,
        because: vec![text.into()],
        timeline: leader_kill().timeline.into_iter().map(|m| Moment { text: text.into(), ..m }).collect(),
        broken: vec![Broken { promise: text.into(), sentence: text.into() }],
        not_undone: vec![text.into()],
        ..leader_kill()
    }
}
