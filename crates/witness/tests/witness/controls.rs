//! What must pass, what must fail, and what only looks like two coordinators.

use papo_processes::{Cluster, Shape, until};
use papo_witness::evidence::{MomentKind, Verdict};
use papo_witness::{Expectations, LoadSettings};

use crate::stage::{PATIENCE, Stage, proven};

fn settings(seed: u64) -> LoadSettings {
    LoadSettings { clients: 4, rate: 60.0, seed, ..LoadSettings::default() }
}

fn with_hooks() -> Cluster {
    Cluster::start_as(Shape { drill_hooks: true, ..Shape::default() })
}

#[test]
fn a_drill_that_does_nothing_passes() {
    let cluster = Cluster::start();
    let stage = Stage::set(&cluster, &settings(20));
    stage.load.wait_for_more(100, PATIENCE).expect("messages flow");
    let seen = stage.end();
    let evidence =
        seen.judge(None, &Expectations { failed_requests: Some(0), ..Expectations::default() }).evidence;
    assert_eq!(evidence.verdict, Verdict::Pass, "{:#?}", evidence.because);
    assert_eq!(evidence.messages.acknowledged_during_fault, evidence.messages.acknowledged);
}

#[test]
fn servidores_that_acknowledge_before_they_store_fail() {
    let mut cluster = with_hooks();
    let stage = Stage::set(&cluster, &settings(21));
    let at = stage.timeline.mark(MomentKind::Fault, "all acknowledge before they store");
    for servidor in cluster.servidores() {
        let page = cluster.hook(&servidor, "break", r#"{"how": "acknowledge-before-store"}"#);
        assert_eq!(page.status, 200, "{page:?}");
    }
    stage.load.wait_for_more(100, PATIENCE).expect("messages flow");
    for servidor in cluster.servidores() {
        assert_eq!(cluster.hook(&servidor, "crash", "").status, 202);
    }
    for servidor in cluster.servidores() {
        until("it has crashed", PATIENCE, || cluster.has_ended(&servidor));
        cluster.kill9(&servidor);
    }
    cluster.start_all();
    stage.wait_until_whole();
    let mut stage = stage;
    // What is not there any more is not waited for.
    stage.patience = std::time::Duration::from_secs(10);
    let evidence = stage.end().judge(Some(&proven(at, None)), &Expectations::default()).evidence;
    assert_eq!(evidence.verdict, Verdict::Fail, "{:#?}", evidence.because);
    assert!(evidence.messages.lost > 0, "{:?}", evidence.messages);
    assert!(evidence.broken.iter().any(|broken| broken.promise == "P1"), "{:#?}", evidence.broken);
}

#[test]
fn a_coordinator_that_was_frozen_is_obeyed_by_nobody_afterwards() {
    let mut cluster = with_hooks();
    let stage = Stage::set(&cluster, &settings(22));
    let old = cluster.coordinator();
    let at = stage.timeline.mark(MomentKind::Fault, format!("freeze {old}"));
    assert_eq!(cluster.hook(&old, "freeze", r#"{"for_ms": 3000}"#).status, 202);
    until("another servidor coordinates", PATIENCE, || {
        stage.watch.seen().view.coordinator().filter(|reign| reign.coordinator != old)
    });
    stage.load.wait_for_more(100, PATIENCE).expect("messages flow");
    stage.wait_until_whole();
    let seen = stage.end();
    let expectations =
        Expectations { coordinator: Some(PATIENCE), recovered: Some(PATIENCE), ..Expectations::default() };
    let evidence = seen.judge(Some(&proven(at, None)), &expectations).evidence;
    assert_eq!(evidence.verdict, Verdict::Pass, "{:#?}", evidence.because);
    assert!(seen.has(MomentKind::NewCoordinator) && seen.has(MomentKind::Recovered));
}
