//! What goes wrong when a servidor is started: a clear error, its exit code, and no harm to the others.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use papo_processes::{Asker, Cluster, Ended, Process, until};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(30);

/// Starts a servidor with the arguments of `like`, changed, and waits until it ends.
fn ends(cluster: &Cluster, like: &str, changes: &[(&str, String)]) -> (Ended, String) {
    let mut process = changed(cluster, like, changes);
    process.start();
    let ended = until("a servidor that cannot run ends", LIMIT, || process.ended());
    (ended, process.log_tail(20))
}

fn changed(cluster: &Cluster, like: &str, changes: &[(&str, String)]) -> Process {
    let mut arguments = cluster.arguments(like);
    for (key, value) in changes {
        let flag = format!("--{key}=");
        arguments.retain(|argument| !argument.starts_with(&flag));
        arguments.push(format!("{flag}{value}"));
    }
    Process::new("another", "servidor", arguments, cluster.directory().join("another.log"))
}

/// Flags for a servidor that meets nobody's ports.
fn elsewhere() -> Vec<(&'static str, String)> {
    let [port, replication] = [papo_processes::free_port(), papo_processes::free_port()];
    vec![
        ("port", port.to_string()),
        ("replication-port", replication.to_string()),
        ("advertise", format!("127.0.0.1:{port}")),
    ]
}

#[test]
fn a_data_directory_in_use_is_left_alone() {
    let cluster = Cluster::start();
    let (ended, log) = ends(&cluster, "servidor-1", &elsewhere());
    assert_eq!(ended, Ended::Exited(74), "{log}");
    assert!(log.contains("in use") || log.contains("already"), "{log}");
}

#[test]
fn a_port_in_use_is_named() {
    let cluster = Cluster::start();
    let data = cluster.directory().join("new").display().to_string();
    let (ended, log) = ends(&cluster, "servidor-1", &[("data", data)]);
    assert_eq!(ended, Ended::Exited(78), "{log}");
    assert!(log.contains(&cluster.servidor_port("servidor-1").to_string()), "{log}");
}

#[test]
fn wrong_settings_are_all_named_at_once() {
    let cluster = Cluster::start();
    let (ended, log) = ends(&cluster, "servidor-1", &[("port", "x".into()), ("grace", "soon".into())]);
    assert_eq!(ended, Ended::Exited(64), "{log}");
    assert!(log.contains("port") && log.contains("grace"), "{log}");
}

#[test]
fn a_second_servidor_under_one_name_is_told_so_and_disturbs_nobody() {
    let mut cluster = Cluster::start();
    let data = cluster.directory().join("impostor").display().to_string();
    let mut changes = elsewhere();
    changes.push(("data", data));
    let mut impostor = changed(&cluster, "servidor-1", &changes);
    impostor.start();
    until("the impostor is told", LIMIT, || {
        let told = impostor.log_tail(50) + &cluster.log_tail("servidor-1", 50);
        told.contains("uses this servidor's name").then_some(())
    });
    let mut asker = Asker::new(cluster.broker_port(1));
    assert!(asker.ask("login", &json!({"user": "ana"}), LIMIT).is_some_and(|answer| answer.is_ok()));
    impostor.kill9();
    cluster.assert_alike();
}

#[test]
fn data_of_another_cluster_is_not_listened_to() {
    let foreign = {
        let mut other = Cluster::start();
        let mut asker = Asker::new(other.broker_port(1));
        assert!(asker.ask("login", &json!({"user": "estranha"}), LIMIT).is_some_and(|answer| answer.is_ok()));
        other.terminate("servidor-1");
        let kept = tempfile::tempdir().expect("a folder can be made");
        for file in fs::read_dir(other.data("servidor-1")).expect("it has data") {
            let file = file.expect("it can be listed");
            fs::copy(file.path(), kept.path().join(file.file_name())).expect("it can be copied");
        }
        kept
    };
    let mut cluster = Cluster::start();
    let mut changes = elsewhere();
    changes.extend([("data", foreign.path().display().to_string()), ("name", "servidor-9".into())]);
    let mut stranger = changed(&cluster, "servidor-1", &changes);
    stranger.start();
    until("somebody says that it belongs to another cluster", LIMIT, || {
        let told = stranger.log_tail(50) + &cluster.log_tail("servidor-1", 50);
        told.contains("another cluster").then_some(())
    });
    let mut asker = Asker::new(cluster.broker_port(1));
    let answer = until("users are listed", LIMIT, || asker.ask("users", &json!({}), LIMIT));
    assert_eq!(answer.data["users"], json!([]), "nothing of the other cluster is here");
    stranger.kill9();
    cluster.assert_alike();
}

#[test]
fn a_damaged_database_is_refused_and_not_touched() {
    let mut cluster = Cluster::start();
    let mut asker = Asker::new(cluster.broker_port(1));
    for n in 0..50 {
        let data = json!({"user": format!("ana{n}")});
        assert!(until("a login is answered", LIMIT, || asker.ask("login", &data, LIMIT)).is_ok());
    }
    let victim = cluster.follower();
    cluster.terminate(&victim);
    let log = cluster.data(&victim).join("log.db");
    flip_bits(&log);
    let damaged = fs::read(&log).expect("it can be read");
    cluster.restart(&victim);
    until("it refuses the damaged database", LIMIT, || {
        cluster.log_tail(&victim, 30).contains("log.db").then_some(())
    });
    let ended = until("it ends", LIMIT, || cluster.has_ended(&victim));
    assert_eq!(ended, Ended::Exited(74), "what is wrong with the disk has its own exit code");
    let told = cluster.log_tail(&victim, 30);
    assert!(told.contains("set-aside"), "it says what to do: {told}");
    assert_eq!(
        fs::read(&log).expect("it can be read"),
        damaged,
        "what is left of it is for the operator to look at"
    );

    // The others go on, and once the data is out of the way it comes back empty and learns everything.
    cluster.kill9(&victim);
    cluster.wipe_data(&victim);
    cluster.restart(&victim);
    cluster.assert_alike();
}

fn flip_bits(path: &Path) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("it can be opened");
    let length = file.metadata().expect("it has a length").len();
    let mut page = vec![0_u8; 4096];
    // Every page but the first, which holds the schema.
    for at in (4096..length).step_by(4096) {
        file.read_exact_at(&mut page, at).expect("it can be read");
        page.iter_mut().skip(100).step_by(97).for_each(|byte| *byte ^= 0x10);
        file.write_all_at(&page, at).expect("it can be written");
    }
}

#[test]
fn a_name_that_never_resolves_keeps_nobody_from_serving() {
    let mut cluster = Cluster::start();
    let victim = cluster.follower();
    cluster.terminate(&victim);
    let more = |flag: &str, nowhere: &str| {
        let known = cluster
            .arguments(&victim)
            .iter()
            .find_map(|a| a.strip_prefix(&format!("--{flag}=")).map(str::to_owned));
        known.map_or_else(|| nowhere.to_owned(), |known| format!("{nowhere},{known}"))
    };
    let changes = [
        ("broker", more("broker", "broker.invalid:5558")),
        ("proxy", more("proxy", "proxy.invalid:5555")),
        ("peers", "servidor.invalid:5570".to_owned()),
    ];
    let mut lost = changed(&cluster, &victim, &changes);
    lost.start();
    until("it serves all the same", LIMIT, || {
        cluster.status(&victim).filter(|status| status.role == "follower").map(|_| ())
    });
    cluster.assert_alike();
    lost.kill9();
}
