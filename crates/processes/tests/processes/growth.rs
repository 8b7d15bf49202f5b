//! P11: members come and go under load, by the command that people use.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use papo_processes::{Cluster, Ended, Load, LoadOptions, Shape, get, until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// `papo members`, asked at a servidor. What it printed, or what it complained about.
fn papo_members(cluster: &Cluster, at: &str, words: &[&str]) -> Result<Value, String> {
    let from = format!("--from=127.0.0.1:{}", cluster.servidor_port(at));
    let ran = Command::new(beside("papo")).arg("members").args(words).args([&from, "--json"]).output();
    let ran = ran.expect("papo can be run");
    if ran.status.success() {
        return Ok(serde_json::from_slice(&ran.stdout).expect("it prints JSON"));
    }
    Err(String::from_utf8_lossy(&ran.stderr).into_owned())
}

fn beside(binary: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test has a path");
    let folder = own.parent().expect("in a folder");
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    folder.join(binary)
}

fn is_ready(cluster: &Cluster, servidor: &str) -> bool {
    get(cluster.http_port(servidor), "/readyz").is_some_and(|page| page.status == 200)
}

fn states(report: &Value) -> Vec<(String, String)> {
    let rows = report["servidores"].as_array().expect("there are servidores");
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.iter().map(|row| (text(row, "name"), text(row, "state"))).collect()
}

#[test]
fn a_cluster_grows_from_three_to_five_and_back_under_load_and_loses_nothing() {
    const FOUNDERS: [&str; 3] = ["servidor-1", "servidor-2", "servidor-3"];
    const ALL: [&str; 5] = ["servidor-1", "servidor-2", "servidor-3", "servidor-4", "servidor-5"];
    let mut cluster = Cluster::start_as(Shape { newcomers: 2, ..Shape::default() });
    let load = Load::start(&cluster, &LoadOptions { listen_at: vec![1], ..LoadOptions::default() });
    load.wait_for_more(60);

    // The command first, as the chart's hook does; nobody waits for who is not there yet.
    let report = papo_members(&cluster, "servidor-1", &["set", &ALL.join(",")]).expect("it is agreed");
    assert!(states(&report).contains(&("servidor-5".to_owned(), "awaited".to_owned())), "{report}");
    load.wait_for_more(60);
    for newcomer in &ALL[3..] {
        cluster.restart(newcomer);
    }
    let report =
        papo_members(&cluster, "servidor-2", &["set", &ALL.join(","), "--wait=all"]).expect("all count");
    assert_eq!(report["settled"], true, "{report}");
    cluster.expect_members(&ALL);
    cluster.wait_until_whole();
    until("the newcomers are ready", PATIENCE, || {
        ALL[3..].iter().all(|newcomer| is_ready(&cluster, newcomer)).then_some(())
    });
    load.wait_for_more(60);

    // The highest rank takes over, and is among those that leave.
    until("a newcomer coordinates", PATIENCE, || {
        ALL[3..].contains(&cluster.coordinator().as_str()).then_some(())
    });
    let report = papo_members(&cluster, "servidor-4", &["set", &FOUNDERS.join(",")]).expect("they leave");
    assert_eq!((report["members"].as_u64(), report["settled"].as_bool()), (Some(3), Some(true)), "{report}");
    for left in &ALL[3..] {
        until(&format!("{left} is not ready any more"), PATIENCE, || {
            (!is_ready(&cluster, left)).then_some(())
        });
        let status = cluster.status(left).expect("it goes on learning");
        assert_eq!(status.role, "learner", "{left}");
        assert_eq!(cluster.terminate(left), Ended::Exited(0), "{left} has nothing to hand over");
    }
    cluster.expect_members(&FOUNDERS);
    cluster.wait_until_whole();
    load.wait_for_more(60);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}

#[test]
fn a_servidor_that_is_lost_for_good_is_replaced_by_hand_and_another_one_forgotten() {
    let mut cluster = Cluster::start_as(Shape { newcomers: 1, ..Shape::default() });
    let load = Load::start(&cluster, &LoadOptions::default());
    load.wait_for_more(60);
    let refused = papo_members(&cluster, "servidor-2", &["forget", "servidor-1"]).expect_err("it is alive");
    assert!(refused.contains("servidor-1 is alive"), "{refused}");

    cluster.kill9("servidor-1");
    cluster.wipe_data("servidor-1");
    cluster.restart("servidor-4");
    papo_members(&cluster, "servidor-2", &["replace", "servidor-1", "servidor-4"]).expect("it is replaced");
    cluster.expect_members(&["servidor-2", "servidor-3", "servidor-4"]);
    cluster.wait_until_whole();
    load.wait_for_more(60);

    cluster.kill9("servidor-2");
    let report = until("the other one counts as silent, and is forgotten", PATIENCE, || {
        papo_members(&cluster, "servidor-3", &["forget", "servidor-2"]).ok()
    });
    assert_eq!(report["members"].as_u64(), Some(2), "{report}");
    cluster.expect_members(&["servidor-3", "servidor-4"]);
    cluster.wait_until_whole();
    load.wait_for_more(60);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}

#[test]
fn a_broker_lets_nobody_change_the_members() {
    let cluster = Cluster::start();
    let port = cluster.broker_port(1);
    for service in ["members", "admit", "dismiss"] {
        let data = serde_json::json!({"name": "servidor-9", "request_id": "x1"});
        let answer = papo_processes::Asker::new(port).ask(service, &data, PATIENCE).expect("it answers");
        assert_eq!(answer.data["reason"], "unknown_service", "{service}: {:?}", answer.data);
    }
}
