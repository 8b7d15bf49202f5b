//! Faults on a real cluster, judged.

use papo_processes::Cluster;
use papo_witness::evidence::{MomentKind, Verdict};
use papo_witness::{Expectations, LoadSettings, Proof, Service};

use crate::stage::{PATIENCE, Stage, proven};

/// Gentle: debug builds on a machine with other things to do.
fn settings(seed: u64) -> LoadSettings {
    LoadSettings { clients: 4, rate: 60.0, seed, ..LoadSettings::default() }
}

#[test]
fn a_coordinator_that_is_killed_loses_nothing_and_everybody_goes_on() {
    let mut cluster = Cluster::start();
    let folder = cluster.directory().to_owned();
    let stage = Stage::set(&cluster, &LoadSettings { ledger: Some(folder.clone()), ..settings(7) });

    let coordinator = cluster.coordinator();
    let at = stage.timeline.mark(MomentKind::Fault, format!("kill -9 {coordinator}"));
    cluster.kill9(&coordinator);
    stage.load.wait_for_more(100, PATIENCE).expect("messages flow again");
    cluster.restart(&coordinator);
    stage.timeline.mark(MomentKind::Undone, format!("{coordinator} was started again"));
    stage.wait_until_whole();
    let mut seen = stage.end();

    let expectations = Expectations {
        pause: Some(PATIENCE),
        coordinator: Some(PATIENCE),
        recovered: Some(PATIENCE),
        ..Expectations::default()
    };
    let judgement = seen.judge(Some(&proven(at, None)), &expectations);
    let evidence = &judgement.evidence;
    assert_eq!(evidence.verdict, Verdict::Pass, "{:#?}", evidence.because);
    assert!(seen.has(MomentKind::CoordinatorLost) && seen.has(MomentKind::NewCoordinator));
    let figures = evidence.figures;
    assert!(figures.pause_ms >= figures.silence_ms && figures.silence_ms > Some(0), "{figures:?}");
    assert!(figures.coordinator_ms.is_some() && figures.recovered_ms > figures.coordinator_ms, "{figures:?}");
    let messages = evidence.messages;
    assert!(messages.acknowledged_during_fault >= 100, "{messages:?}");
    assert_eq!((messages.kept, messages.acknowledged), (messages.acknowledged, messages.attempted));
    let lines =
        std::fs::read_to_string(folder.join("ledger.jsonl")).expect("the ledger is a file").lines().count();
    assert_eq!(lines, seen.load.ledger.entries().len());

    // The negative control: the same drill, of a servidor that forgot one message.
    let forgetful = &mut seen.read.histories[1];
    let said = forgetful.records.iter().rposition(|record| record.request_id.is_some());
    let forgotten = forgetful.records.remove(said.expect("something was said"));
    let judgement = seen.judge(Some(&proven(at, None)), &expectations);
    assert_eq!(judgement.evidence.verdict, Verdict::Fail);
    assert_eq!(judgement.evidence.messages.lost, 1);
    let id = forgotten.request_id.expect("that was looked for");
    assert_eq!(judgement.verdicts[&id], papo_audit::Verdict::Lost);
    judgement.write_verdicts(&folder).expect("the folder is there");
    let verdicts = std::fs::read_to_string(folder.join("verdicts.jsonl")).expect("it was just written");
    assert!(verdicts.contains(&format!("{{\"request_id\":\"{id}\",\"verdict\":\"lost\"}}")));
}

#[test]
fn a_broker_and_a_proxy_that_are_killed_lose_nobody_a_message() {
    let mut cluster = Cluster::start();
    let stage = Stage::set(&cluster, &settings(8));

    let at = stage.timeline.mark(MomentKind::Fault, "kill -9 broker-1 and proxy-1");
    cluster.kill9("broker-1");
    cluster.kill9("proxy-1");
    stage.load.wait_for_more(100, PATIENCE).expect("messages flow");
    cluster.start_all();
    stage.load.wait_for_more(50, PATIENCE).expect("messages flow");
    let seen = stage.end();

    let evidence = seen.judge(Some(&proven(at, None)), &Expectations::default()).evidence;
    assert_eq!(evidence.verdict, Verdict::Pass, "{:#?}", evidence.because);
    let shown = seen.load.ledger.entries().iter().filter(|entry| {
        entry.client.starts_with("ouvinte") && matches!(entry.event, papo_audit::Event::Shown { .. })
    });
    assert!(shown.count() > 200, "two followers are shown everything");
}

#[test]
fn without_a_majority_writes_are_refused_and_with_it_they_succeed_again() {
    let mut cluster = Cluster::start();
    let stage = Stage::set(&cluster, &settings(9));

    let followers: Vec<String> = stage.watch.seen().view.followers();
    let at = stage.timeline.mark(MomentKind::Fault, format!("kill -9 {}", followers.join(" and ")));
    for follower in &followers {
        cluster.kill9(follower);
    }
    let seen_at = stage.timeline.mark(MomentKind::FaultProven, "both are dead");
    papo_processes::until("a write is refused", PATIENCE, || {
        let failed = stage.load.failed();
        (failed > 0).then_some(failed)
    });
    let over = stage.timeline.now();
    cluster.start_all();
    stage.timeline.mark(MomentKind::Undone, "both were started again");
    stage.load.wait_for_more(50, PATIENCE).expect("messages flow again");
    stage.wait_until_whole();
    let seen = stage.end();

    let fault = papo_witness::Fault {
        at,
        until: Some(over),
        proof: Proof::Seen { at: seen_at, how: "two of three were killed".to_owned() },
    };
    let expectations = Expectations { service: Service::Refuses, ..Expectations::default() };
    let evidence = seen.judge(Some(&fault), &expectations).evidence;
    assert_eq!(evidence.verdict, Verdict::Pass, "{:#?}", evidence.because);
    assert!(evidence.figures.failed_requests > 0);
}

#[test]
fn what_one_servidor_cannot_tell_at_the_end_leaves_the_drill_unknown() {
    let mut cluster = Cluster::start();
    let mut stage = Stage::set(&cluster, &settings(10));
    stage.patience = std::time::Duration::from_secs(3);
    let follower = cluster.follower();
    let at = stage.timeline.mark(MomentKind::Fault, format!("kill -9 {follower}"));
    cluster.kill9(&follower);
    stage.load.wait_for_more(50, PATIENCE).expect("messages flow");
    let seen = stage.end();
    let evidence = seen.judge(Some(&proven(at, None)), &Expectations::default()).evidence;
    assert_eq!(evidence.verdict, Verdict::Unknown, "{:#?}", evidence.because);
    assert!(evidence.because.iter().any(|why| why.contains(&follower)), "{:#?}", evidence.because);
    assert!(papo_witness::check_health(&cluster.reach(), std::time::Duration::ZERO).is_err());
}
