//! Disks without room, and disks that cannot be written: a clear error, nothing acknowledged is lost, and everything goes on once there is
//! room.

use std::time::Duration;

use papo_processes::{Asker, Cluster, Ended, Load, LoadOptions, get, until};
use serde_json::json;

use crate::small_disk::SmallDisk;

const LIMIT: Duration = Duration::from_secs(60);
/// A broker's deadline is 5 s; who waits longer was left hanging.
const DEADLINE: Duration = Duration::from_secs(8);
/// Room for what a test writes in a minute, and little enough to be filled at once.
const SIZE: &str = "16m";

/// Whether a servidor shows that its disk has no room.
fn is_full(cluster: &Cluster, servidor: &str) -> bool {
    let page = get(cluster.http_port(servidor), "/metrics").expect("its pages answer");
    page.body.lines().any(|line| line == "papo_servidor_disk_full 1")
}

/// Has a servidor that runs go on upon a small disk.
fn moved_to_small_disk(cluster: &mut Cluster, servidor: &str) -> Option<SmallDisk> {
    assert_eq!(cluster.terminate(servidor), Ended::Exited(0));
    let disk = SmallDisk::under(&cluster.data(servidor), SIZE)?;
    cluster.restart(servidor);
    cluster.wait_until_whole();
    Some(disk)
}

#[test]
fn with_one_full_disk_the_chat_goes_on_and_with_two_writes_are_refused_until_there_is_room() {
    let mut cluster = Cluster::start();
    let coordinator = cluster.coordinator();
    let followers: Vec<String> =
        cluster.servidores().into_iter().filter(|name| *name != coordinator).collect();
    let mut disks = Vec::new();
    for follower in &followers {
        let Some(disk) = moved_to_small_disk(&mut cluster, follower) else { return };
        disks.push(disk);
    }
    let load = Load::start(&cluster, &LoadOptions::default());
    load.wait_for_more(60);

    disks[0].fill();
    until("the first servidor says that its disk is full", LIMIT, || {
        is_full(&cluster, &followers[0]).then_some(())
    });
    load.wait_for_more(60);

    disks[1].fill();
    until("the second servidor says that its disk is full", LIMIT, || {
        is_full(&cluster, &followers[1]).then_some(())
    });
    let mut asker = Asker::new(cluster.broker_port(1));
    let login = json!({"user": "ana", "request_id": "while the disks are full"});
    let answer = asker.ask("login", &login, DEADLINE).expect("nobody is left hanging");
    assert_eq!(answer.data["status"], "erro", "one disk of three is no majority: {answer:?}");
    assert!(!answer.description().is_empty(), "{answer:?}");
    for follower in &followers {
        assert!(cluster.log_tail(follower, 1000).contains("disk is full"), "{follower} does not say so");
        assert_eq!(cluster.has_ended(follower), None, "a full disk is waited out");
    }

    disks.iter().for_each(SmallDisk::make_room);
    load.wait_for_more(60);
    until("the write that was refused succeeds under the same id", LIMIT, || {
        asker.ask("login", &login, DEADLINE).filter(|answer| answer.is_ok())
    });
    for follower in &followers {
        until("it says that there is room again", LIMIT, || {
            let told = cluster.log_tail(follower, 1000).contains("takes writes again");
            (told && !is_full(&cluster, follower)).then_some(())
        });
    }
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}

#[test]
fn a_servidor_is_not_started_on_a_full_or_read_only_disk_and_is_well_once_that_is_over() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions::default());
    load.wait_for_more(60);
    let victim = cluster.follower();
    let Some(disk) = moved_to_small_disk(&mut cluster, &victim) else { return };

    for (trouble, words) in [("full", "no room left"), ("read-only", "cannot be written")] {
        assert_eq!(cluster.terminate(&victim), Ended::Exited(0));
        match trouble {
            "full" => disk.fill(),
            _ => disk.remount("ro"),
        }
        cluster.restart(&victim);
        let ended = until("it refuses to start", LIMIT, || cluster.has_ended(&victim));
        let told = cluster.log_tail(&victim, 10);
        assert_eq!(ended, Ended::Exited(74), "{trouble}: {told}");
        let data = cluster.data(&victim).display().to_string();
        assert!(told.contains(words) && told.contains(&data), "{trouble}: {told}");
        load.wait_for_more(30);

        match trouble {
            "full" => disk.make_room(),
            _ => disk.remount("rw"),
        }
        cluster.kill9(&victim);
        cluster.restart(&victim);
        cluster.wait_until_whole();
    }
    load.wait_for_more(30);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}
