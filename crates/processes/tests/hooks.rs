//! The drill hooks of servidores: each fault happens, is survived, and is over when it is over; and the one that must not be survived is
//! not.

use std::time::Duration;

use papo_audit::{Conclusion, Promise, Verdict};
use papo_processes::{Asker, Cluster, Ended, Load, LoadOptions, Shape, until};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
/// How long one request may take, to be answered or refused.
const ANSWER: Duration = Duration::from_secs(10);
/// Beyond the failure detector's limit several times over.
const FREEZE_MS: u64 = 4_000;

fn start() -> Cluster {
    Cluster::start_as(Shape { drill_hooks: true, ..Shape::default() })
}

#[test]
fn a_coordinator_frozen_for_longer_than_the_failure_detector_waits_is_replaced_and_then_obeyed_by_nobody() {
    let mut cluster = start();
    let load = Load::start(&cluster, &LoadOptions { listen_at: vec![1], ..LoadOptions::default() });
    load.wait_for_more(60);
    let old = cluster.coordinator();
    let before = cluster.status(&old).expect("it runs");
    let page = cluster.hook(&old, "freeze", &format!(r#"{{"for_ms": {FREEZE_MS}}}"#));
    assert_eq!(page.status, 202, "{page:?}");
    assert_eq!(told(&cluster, &old)["frozen"], true);

    let others: Vec<String> = cluster.servidores().into_iter().filter(|name| *name != old).collect();
    let new = until("another servidor coordinates", LIMIT, || {
        let status = cluster.status(&others[0])?;
        others.contains(&status.coordinator).then_some(status)
    });
    assert!(new.epoch > before.epoch, "{new:?} after {before:?}");
    load.wait_for_more(60);
    until("the freeze is over", LIMIT, || (told(&cluster, &old)["frozen"] == false).then_some(()));

    // From here on nobody is seen to obey it in its old epoch; it may coordinate again in a later one.
    until("it obeys, or coordinates anew", LIMIT, || {
        for other in &others {
            let status = cluster.status(other)?;
            assert!(status.epoch > before.epoch, "{other} went back to the old reign: {status:?}");
        }
        (cluster.status(&old)?.epoch > before.epoch).then_some(())
    });
    cluster.wait_until_whole();
    load.wait_for_more(60);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}

#[test]
fn a_crash_ends_the_process_with_137_and_loses_nothing() {
    let mut cluster = start();
    let load = Load::start(&cluster, &LoadOptions { listen_at: vec![1], ..LoadOptions::default() });
    load.wait_for_more(60);
    let victim = cluster.coordinator();
    crash(&mut cluster, &victim);
    load.wait_for_more(60);
    cluster.restart(&victim);
    cluster.wait_until_whole();
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
    for name in cluster.servidores() {
        assert_eq!(cluster.terminate(&name), Ended::Exited(0), "{name} passes SIGTERM on");
    }
}

#[test]
fn a_servidor_that_is_cut_off_refuses_writes_and_heals_without_loss() {
    let mut cluster = start();
    let load = Load::start(&cluster, &LoadOptions { listen_at: vec![1], ..LoadOptions::default() });
    load.wait_for_more(60);
    let minority = cluster.coordinator();
    let others: Vec<String> = cluster.servidores().into_iter().filter(|name| *name != minority).collect();
    let page = cluster.hook(&minority, "cut", &json!({"from": others}).to_string());
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(told(&cluster, &minority)["cut"], json!(others));

    until("the others go on under one of themselves", LIMIT, || {
        let status = cluster.status(&others[0])?;
        others.contains(&status.coordinator).then_some(())
    });
    let alone = until("it notices that it is alone", LIMIT, || {
        let status = cluster.status(&minority)?;
        (status.role != "coordinator" && status.coordinator.is_empty()).then_some(status)
    });
    load.wait_for_more(60);
    let answer = Asker::new(cluster.servidor_port(&minority)).ask(
        "publish",
        &json!({"user": "ana", "channel": "geral", "message": "sozinha"}),
        ANSWER,
    );
    assert!(answer.is_some_and(|answer| !answer.is_ok()), "nobody writes by way of a minority");
    let later = cluster.status(&minority).expect("it runs");
    assert_eq!(
        (later.commit, later.epoch),
        (alone.commit, alone.epoch),
        "it hears nothing and calls no election"
    );

    let page = cluster.hook(&minority, "cut", r#"{"from": []}"#);
    assert_eq!(page.status, 200, "{page:?}");
    cluster.wait_until_whole();
    load.wait_for_more(60);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}

#[test]
fn a_follower_cut_off_from_the_coordinator_only_still_hears_the_third() {
    let mut cluster = start();
    let load = Load::start(&cluster, &LoadOptions::default());
    load.wait_for_more(60);
    let coordinator = cluster.coordinator();
    let follower = cluster.follower();
    let page = cluster.hook(&coordinator, "cut", &json!({"from": [follower]}).to_string());
    assert_eq!(page.status, 200, "{page:?}");
    // Requests go on: whoever cannot reach the coordinator sends clients elsewhere, or another one coordinates.
    load.wait_for_more(150);
    let page = cluster.hook(&coordinator, "cut", r#"{"from": []}"#);
    assert_eq!(page.status, 200, "{page:?}");
    cluster.wait_until_whole();
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}

/// The negative control: an audit that passes here would prove nothing anywhere.
#[test]
fn servidores_that_acknowledge_before_they_store_and_crash_together_make_the_audit_fail() {
    let mut cluster = start();
    let load = Load::start(&cluster, &LoadOptions::default());
    load.wait_for_more(60);
    let all = cluster.servidores();
    for servidor in &all {
        let page = cluster.hook(servidor, "break", r#"{"how": "acknowledge-before-store"}"#);
        assert_eq!(page.status, 200, "{page:?}");
        assert_eq!(told(&cluster, servidor)["broken"], "acknowledge-before-store");
    }
    load.wait_for_more(150);
    for servidor in &all {
        assert_eq!(cluster.hook(servidor, "crash", "").status, 202);
    }
    for servidor in &all {
        let ended = until(&format!("{servidor} has crashed"), LIMIT, || cluster.has_ended(servidor));
        assert_eq!(ended, Ended::Exited(137));
        cluster.kill9(servidor);
    }
    cluster.start_all();
    cluster.wait_until_whole();
    // What is written now takes the places of what was lost.
    load.wait_for_more(20);
    let ledger = load.finish();
    let report = cluster.audit(&[ledger]);
    assert_eq!(report.conclusion, Conclusion::Fail, "{report}");
    assert!(report.counts.get(&Verdict::Lost).is_some_and(|lost| *lost > 0), "{report}");
    assert!(report.violations.iter().any(|violation| violation.promise == Promise::Durable), "{report}");
    println!("{report}");
}

#[test]
fn servidores_that_were_broken_and_mended_before_they_crash_lose_nothing() {
    let mut cluster = start();
    let load = Load::start(&cluster, &LoadOptions::default());
    let all = cluster.servidores();
    for how in [r#"{"how": "acknowledge-before-store"}"#, r#"{"how": null}"#] {
        for servidor in &all {
            assert_eq!(cluster.hook(servidor, "break", how).status, 200);
        }
        load.wait_for_more(60);
    }
    for servidor in &all {
        crash(&mut cluster, servidor);
    }
    cluster.start_all();
    cluster.wait_until_whole();
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}

fn crash(cluster: &mut Cluster, servidor: &str) {
    let page = cluster.hook(servidor, "crash", "");
    assert_eq!(page.status, 202, "{page:?}");
    let ended = until(&format!("{servidor} has crashed"), LIMIT, || cluster.has_ended(servidor));
    assert_eq!(ended, Ended::Exited(137));
    // It has ended; this makes room for it to be started again.
    cluster.kill9(servidor);
}

fn told(cluster: &Cluster, servidor: &str) -> Value {
    let page = cluster.hooks_told(servidor).expect("the hooks answer");
    assert_eq!(page.status, 200, "{page:?}");
    let told: Value = serde_json::from_str(&page.body).expect("JSON");
    assert_eq!(told["name"], servidor);
    told
}
