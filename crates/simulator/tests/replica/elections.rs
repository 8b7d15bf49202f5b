//! Who coordinates.

use papo_core::chat::Outcome;
use papo_core::log::Operation;
use papo_core::replica::{Answer, Notice, RoleName};

use papo_simulator::cluster::Cluster;
use papo_simulator::cluster::clients::plain;
use papo_simulator::cluster::time::{MS, S};

fn login(user: &str) -> Operation {
    Operation::Login { user: plain(user) }
}

fn coordinates(cluster: &Cluster, node: usize) -> bool {
    cluster.status(node).role == RoleName::Coordinator
}

/// Whether clients of `node` are served by way of `coordinator`.
fn follows(cluster: &Cluster, node: usize, coordinator: usize) -> bool {
    let follows = cluster.status(node).coordinator == Some(cluster.nodes[coordinator].name.clone());
    coordinates(cluster, coordinator) && follows && cluster.serves(node)
}

#[test]
fn of_two_coordinators_under_a_partition_the_old_one_commits_nothing() {
    let mut cluster = Cluster::new(3, 1);
    // This one does not notice that nobody obeys it any more.
    cluster.nodes[2].timing.suspicion = std::time::Duration::from_secs(10);
    cluster.start_all();
    cluster.settle_under(2);
    let before = cluster.canon.last();

    cluster.partition(&[&[0, 1], &[2]]);
    let lost = cluster.write(2, "ana", "r1", login("ana"), 5 * S);
    cluster.until("a second one coordinates", S, |cluster| follows(cluster, 0, 1));
    let kept = cluster.write(0, "bruno", "r2", login("bruno"), S);
    let index = cluster.carried_out(kept);
    cluster.pass(3 * S);
    assert!(coordinates(&cluster, 1) && coordinates(&cluster, 2), "there are two");
    let old = cluster.status(2);
    assert_eq!(
        (old.last, old.commit),
        (before + 1, before),
        "it has ordered the write, and committed nothing"
    );
    assert_eq!(cluster.answer(lost), None);

    cluster.heal();
    cluster.settle();
    assert_eq!(cluster.canon.entries()[index as usize - 1].request_id, Some(client_id("r2")));
    let answer = cluster.answer_within(lost, 5 * S);
    assert!(
        matches!(answer, Answer::Written { index: late, .. } if late > index),
        "its servidor kept the write and handed it to the new coordinator: {answer:?}"
    );
}

fn client_id(id: &str) -> papo_core::log::RequestId {
    papo_core::log::RequestId::Client(id.to_owned())
}

#[test]
fn a_candidate_with_the_shorter_log_takes_over_the_longer_one() {
    let mut cluster = Cluster::founded(3, 2);
    cluster.partition(&[&[0, 1], &[2]]);
    cluster.until("the other two go on", 2 * S, |cluster| follows(cluster, 0, 1));
    let tickets: Vec<_> =
        (0..10).map(|n| cluster.write(0, "ana", &format!("r{n}"), login(&format!("ana{n}")), S)).collect();
    for ticket in tickets {
        cluster.carried_out(ticket);
    }
    let acknowledged = cluster.canon.last();
    assert!(cluster.nodes[2].disk.content.log.len() < acknowledged as usize, "it has the shorter log");

    cluster.crash(1);
    cluster.heal();
    cluster.until("the one with the shorter log coordinates", 2 * S, |cluster| coordinates(cluster, 2));
    cluster.settle();
    assert!(
        cluster.status(2).applied > acknowledged,
        "it has what was acknowledged, and what it ordered itself"
    );
}

#[test]
fn after_a_crash_of_the_coordinator_another_serves_within_a_second() {
    for seed in 0..60 {
        for count in [3, 5] {
            let mut cluster = Cluster::founded(count, seed);
            let pause = cluster.rng.u64(..3 * S);
            cluster.pass(pause);
            let coordinator = cluster.coordinator().expect("there is one");
            cluster.crash(coordinator);
            let ticket = cluster.write((coordinator + 1) % count, "ana", "r1", login("ana"), 5 * S);
            let answer = cluster.answer_within(ticket, S);
            assert!(
                matches!(answer, Answer::Written { outcome: Outcome::Done, .. }),
                "seed {seed}: {answer:?}"
            );
        }
    }
}

#[test]
fn an_isolated_servidor_disturbs_nobody() {
    for isolated in 0..2 {
        let mut cluster = Cluster::founded(3, 4);
        let (epoch, reigns) = (cluster.epoch(), cluster.canon.reigns());
        let others: Vec<usize> = (0..3).filter(|node| *node != isolated).collect();
        cluster.partition(&[&[isolated], &others]);
        cluster.pass(20 * S);
        assert_eq!(cluster.epoch(), epoch, "nobody asked for another epoch meanwhile");
        cluster.heal();
        cluster.settle();
        cluster.pass(5 * S);
        assert_eq!((cluster.epoch(), cluster.canon.reigns()), (epoch, reigns), "nor afterwards");
    }
}

#[test]
fn who_hears_nobody_but_is_heard_disturbs_nobody() {
    let mut cluster = Cluster::founded(3, 5);
    let epoch = cluster.epoch();
    cluster.network.cut(2, 0);
    cluster.network.cut(1, 0);
    cluster.pass(20 * S);
    assert_eq!(cluster.epoch(), epoch);
    cluster.heal();
    cluster.settle();
    assert_eq!(cluster.epoch(), epoch);
}

#[test]
fn who_hears_all_but_the_coordinator_stays_out_and_comes_back() {
    let mut cluster = Cluster::founded(3, 6);
    let epoch = cluster.epoch();
    cluster.network.cut(2, 0);
    cluster.pass(10 * S);
    assert_eq!(cluster.epoch(), epoch, "the other one hears the coordinator: that is enough for a majority");
    cluster.heal();
    cluster.settle();
    assert_eq!(cluster.epoch(), epoch);
}

#[test]
fn who_hears_the_coordinator_but_is_not_heard_by_it_sends_clients_elsewhere() {
    let mut cluster = Cluster::founded(3, 10);
    let epoch = cluster.epoch();
    cluster.network.cut(0, 2);
    cluster.until("it withdraws", S, |cluster| !cluster.serves(0));
    cluster.pass(10 * S);
    assert!(!cluster.serves(0) && cluster.epoch() == epoch, "and does nothing else");
    cluster.heal();
    cluster.until("it serves again", S, |cluster| cluster.serves(0));
}

/// Bully's `OK` is a word, not a deed: the highest rank hears a majority, and so says `OK`, but is not heard by one.
#[test]
fn who_said_ok_and_did_not_coordinate_is_not_waited_for_again() {
    let mut cluster = Cluster::founded(5, 7);
    cluster.partition(&[&[0, 1, 4]]);
    for silent in [2, 3] {
        cluster.crash(silent);
    }
    cluster.network.cut(4, 1);
    cluster.until("the only one that can coordinates", 10 * S, |cluster| coordinates(cluster, 0));
    let ticket = cluster.write(0, "ana", "r1", login("ana"), S);
    cluster.carried_out(ticket);
}

#[test]
fn a_stopped_process_that_goes_on_does_no_harm() {
    for victim in 0..3 {
        let mut cluster = Cluster::founded(3, 8);
        cluster.pause(victim);
        cluster.pass(10 * MS);
        let during = cluster.write(victim, "ana", "r1", login("ana"), 20 * S);
        cluster.pass(10 * S);
        let other = cluster.write((victim + 1) % 3, "bruno", "r2", login("bruno"), S);
        cluster.carried_out(other);
        cluster.resume(victim);
        cluster.settle();
        assert!(matches!(
            cluster.answer_within(during, 30 * S),
            Answer::Written { .. } | Answer::Elsewhere { .. }
        ));
        let ranks =
            cluster.notices.iter().filter(|(_, _, notice)| matches!(notice, Notice::RivalCoordinator(..)));
        assert_eq!(ranks.count(), 0);
    }
}

/// The scenario of figure 8 of the Raft paper. Counting the disks that hold an entry of an older epoch does not make it
/// committed: whoever holds an entry of a later one may still drop it.
#[test]
fn an_entry_of_an_older_epoch_is_not_committed_by_counting() {
    let mut cluster = Cluster::founded(3, 9);
    let (a, b, c) = (2, 1, 0);
    // The first coordinator orders a large entry that nobody else gets.
    cluster.partition(&[]);
    // So large that the answer to a catch-up holds nothing beside it.
    let large = "o".repeat(600 << 10);
    let said = Operation::Message { src: "ana".to_owned(), dst: "ana".to_owned(), message: large };
    cluster.write(a, "ana", "r1", said, S);
    let contested = cluster.canon.last() + 1;
    cluster
        .until("it is on its disk", S, |cluster| cluster.nodes[a].disk.content.log.len() as u64 == contested);
    cluster.crash(a);

    // A second one puts another entry in its place, which nobody else gets either.
    cluster.heal();
    cluster.network.starve(c, true);
    cluster.until("another one coordinates", 2 * S, |cluster| coordinates(cluster, b));
    cluster.until("its opening is on its disk", S, |cluster| {
        cluster.nodes[b].disk.content.log.len() as u64 == contested
    });
    cluster.crash(b);
    assert!(
        (cluster.nodes[c].disk.content.log.len() as u64) < contested,
        "only the two dead ones have an entry there"
    );

    // The first one comes back, and brings its entry to a majority of disks, but not yet one of its new epoch.
    cluster.pass(5 * MS);
    cluster.start(a);
    cluster.network.broadcast_loss = 1.0;
    cluster.network.starve(c, false);
    cluster
        .until("the old entry reaches the other one", 5 * S, |cluster| cluster.status(c).last == contested);
    cluster.network.cut(a, c);
    cluster.pass(50 * MS);
    assert_eq!(cluster.nodes[c].disk.content.log.len() as u64, contested, "it is on a majority of disks");
    assert_eq!(cluster.canon.last(), contested - 1, "that does not make it committed");
    cluster.crash(a);

    // The second one has the longer log, and its entry is what counts.
    cluster.heal();
    cluster.start(b);
    cluster.until("the second one coordinates again", 5 * S, |cluster| {
        coordinates(cluster, b) && cluster.status(b).commit > contested
    });
    assert_eq!(cluster.canon.entries()[contested as usize - 1].operation, Operation::Empty);
}

/// Its promise to itself is stored no sooner than others give up waiting for it. They must not ask it again and again.
#[test]
fn a_highest_rank_with_a_very_slow_disk_does_not_keep_the_others_from_going_on() {
    for delay in [900 * MS, 1_100 * MS, 1_300 * MS, 1_700 * MS] {
        let mut cluster = Cluster::founded(3, 10);
        cluster.crash(2);
        cluster.settle();
        cluster.nodes[2].disk.slow = delay;
        cluster.start(2);
        for round in 0..20 {
            // It asks for the coordination when it lacks nothing.
            cluster.pass(4 * S);
            let since = cluster.now;
            while !is_carried_out(&mut cluster, &format!("r{round}")) {
                assert!(cluster.now - since < 4 * S, "nobody coordinates\n{}", cluster.describe());
                cluster.pass(50 * MS);
            }
        }
    }
}

/// Asks the first servidor once.
fn is_carried_out(cluster: &mut Cluster, id: &str) -> bool {
    let ticket = cluster.write(0, "ana", id, login(id), 5 * S);
    match cluster.answer_within(ticket, 6 * S) {
        Answer::Written { .. } => true,
        Answer::Elsewhere { .. } => false,
        other => panic!("{id} was answered {other:?}"),
    }
}
