//! Disks that are lost, replaced, rolled back, full or stuck.

use papo_core::log::Operation;
use papo_core::replica::{Answer, Message, Notice, Resigned, RoleName};

use papo_simulator::cluster::Cluster;
use papo_simulator::cluster::clients::plain;
use papo_simulator::cluster::disk::Health;
use papo_simulator::cluster::time::{MS, S};

fn login(user: &str) -> Operation {
    Operation::Login { user: plain(user) }
}

fn say_something(cluster: &mut Cluster, node: usize, id: &str) {
    let ticket = cluster.write(node, "ana", id, login(id), 2 * S);
    cluster.carried_out(ticket);
}

fn counts(cluster: &Cluster, node: usize) -> bool {
    let disk = cluster.nodes[node].disk.content.id;
    cluster.canon.members().voters().iter().any(|member| member.id.disk == disk)
}

/// The changes of the members so far, as (added, name).
fn changes(cluster: &Cluster) -> Vec<(bool, String)> {
    let operations = cluster.canon.entries().iter().map(|entry| &entry.operation);
    operations
        .filter_map(|operation| match operation {
            Operation::AddMember(member) => Some((true, member.id.name.clone())),
            Operation::RemoveMember { member, .. } => Some((false, member.name.clone())),
            _ => None,
        })
        .collect()
}

#[test]
fn a_new_disk_under_an_old_name_learns_and_is_then_counted_in_place_of_the_old_one() {
    let mut cluster = Cluster::founded(3, 21);
    for n in 0..20 {
        say_something(&mut cluster, 1, &format!("r{n}"));
    }
    cluster.crash(0);
    cluster.wipe(0);
    cluster.start(0);
    cluster.until("it has learned all", 2 * S, |cluster| cluster.status(0).applied == cluster.canon.last());
    assert_eq!(cluster.status(0).role, RoleName::Learner);
    assert!(!cluster.serves(0), "a learner is not sent clients");
    cluster.until("it is counted", 10 * S, |cluster| counts(cluster, 0));
    assert_eq!(changes(&cluster), [(false, "s1".to_owned()), (true, "s1".to_owned())]);
    cluster.settle();
    cluster.until("it serves", S, |cluster| cluster.serves(0));
    let member = cluster.status(2).members.iter().find(|member| member.id.name == "s1").cloned();
    assert_eq!(member.map(|member| member.rank), Some(1), "the rank stays with the name");
    assert_eq!(cluster.status(0).rank, 1, "and it knows it");
}

#[test]
fn a_learner_does_not_count_however_much_it_has() {
    let mut cluster = Cluster::founded(3, 22);
    cluster.crash(0);
    cluster.wipe(0);
    cluster.start(0);
    cluster.until("it has learned all", 2 * S, |cluster| cluster.status(0).applied == cluster.canon.last());
    cluster.crash(1);
    // The coordinator and the learner are two of three, but one member of three.
    let ticket = cluster.write(2, "ana", "r1", login("ana"), 3 * S);
    let answer = cluster.answer_within(ticket, 4 * S);
    assert!(!matches!(answer, Answer::Written { .. }), "{answer:?}");
    cluster.pass(20 * S);
    assert_eq!(changes(&cluster), [], "nor can it be made to count without a majority");
    assert_eq!(cluster.coordinator(), None);
    cluster.start(1);
    cluster.until("it is counted in the end", 20 * S, |cluster| counts(cluster, 0));
}

/// Between removal and addition there is a majority of neither list that could do without the other.
#[test]
fn a_new_disk_is_not_added_before_the_removal_of_the_old_one_is_committed() {
    let mut cluster = Cluster::new(3, 31);
    cluster.nodes[2].timing.membership = std::time::Duration::from_millis(20);
    cluster.start_all();
    cluster.settle_under(2);
    cluster.crash(0);
    cluster.wipe(0);
    cluster.start(0);
    let removes = |cluster: &Cluster| {
        let last = cluster.nodes[2].disk.content.log.last();
        last.is_some_and(|entry| matches!(entry.operation, Operation::RemoveMember { .. }))
    };
    // Nothing of it reaches the only other member.
    cluster.until("the old disk was silent for long", 10 * S, |cluster| {
        cluster.now > 4 * S && cluster.status(0).role == RoleName::Learner
    });
    cluster.network.starve(1, true);
    cluster.until("the old disk is removed", 10 * S, removes);
    cluster.pass(2 * S);
    assert!(removes(&cluster), "and that is all that happens");
    assert_eq!(changes(&cluster), []);
    cluster.network.starve(1, false);
    cluster.until("the new disk is counted", 20 * S, |cluster| counts(cluster, 0));
}

#[test]
fn two_disks_lost_one_after_the_other_are_replaced_in_turn_and_nothing_is_lost() {
    let mut cluster = Cluster::founded(3, 23);
    say_something(&mut cluster, 0, "before");
    for lost in [0, 1] {
        cluster.crash(lost);
        cluster.wipe(lost);
        say_something(&mut cluster, 2, &format!("without{lost}"));
        cluster.start(lost);
        cluster.until("the new disk is counted", 20 * S, |cluster| counts(cluster, lost));
    }
    // Two new disks hold all; the one that never failed may go.
    cluster.settle();
    cluster.crash(2);
    say_something(&mut cluster, 0, "after");
    cluster.settle();
    let users: Vec<&str> = cluster.canon.chat.users().collect();
    assert_eq!(users, ["before", "without0", "without1", "after"]);
}

#[test]
fn the_coordinators_disk_is_replaced_like_any_other() {
    let mut cluster = Cluster::founded(3, 24);
    say_something(&mut cluster, 0, "before");
    cluster.crash(2);
    cluster.wipe(2);
    cluster.start(2);
    cluster.until("the new disk is counted", 20 * S, |cluster| counts(cluster, 2));
    cluster.settle_under(2);
    say_something(&mut cluster, 0, "after");
}

#[test]
fn a_disk_that_is_lost_again_while_it_learns_is_replaced_all_the_same() {
    let mut cluster = Cluster::founded(3, 25);
    for _ in 0..3 {
        cluster.crash(0);
        cluster.wipe(0);
        cluster.start(0);
        cluster.pass(5_600 * MS);
    }
    cluster.until("the last disk is counted", 20 * S, |cluster| counts(cluster, 0));
    cluster.settle();
    assert_eq!(cluster.status(2).members.len(), 3);
}

#[test]
fn a_disk_that_goes_back_in_time_is_recognised_and_does_not_count_until_it_has_caught_up() {
    for victim in [0, 2] {
        let mut cluster = Cluster::founded(3, 26);
        let snapshot = cluster.nodes[victim].disk.content.clone();
        for n in 0..10 {
            say_something(&mut cluster, 1, &format!("r{n}"));
        }
        cluster.pass(S);
        cluster.crash(victim);
        cluster.pass(2 * S);
        cluster.roll_back(victim, snapshot.clone());
        cluster.start(victim);
        cluster.until("it is told", S, |cluster| {
            cluster.notices.iter().any(|(_, node, notice)| *node == victim && *notice == Notice::DiskOutdated)
        });
        assert_ne!(
            cluster.nodes[victim].replica.as_ref().map(|replica| replica.me().disk),
            Some(snapshot.id)
        );
        assert!(cluster.status(victim).applied <= snapshot.log.len() as u64, "before it had caught up");
        cluster.until("it is counted under its new identity", 20 * S, |cluster| counts(cluster, victim));
        cluster.settle();
    }
}

/// Even where it stands for election before anybody has told it so.
#[test]
fn a_disk_that_goes_back_in_time_is_promised_nothing() {
    let mut cluster = Cluster::founded(3, 27);
    let snapshot = cluster.nodes[2].disk.content.clone();
    cluster.crash(2);
    cluster.settle();
    cluster.start(2);
    cluster.settle_under(2);
    for n in 0..10 {
        say_something(&mut cluster, 1, &format!("r{n}"));
    }
    cluster.pass(S);
    cluster.crash(2);
    cluster.roll_back(2, snapshot);
    cluster.start(2);
    let epoch = cluster.epoch();
    let members = [0, 1].map(|node| cluster.nodes[node].replica.as_ref().expect("it runs").me().clone());
    let forged = cluster.nodes[2].replica.as_ref().expect("it runs").me().clone();
    cluster.inject(0, &forged, Message::AskPromise { epoch: epoch + 1, last: Default::default() });
    cluster.pass(10 * MS);
    assert_eq!(cluster.nodes[0].disk.content.promise.epoch, epoch, "{members:?} remember what it held");
    cluster.until("it is counted under its new identity", 30 * S, |cluster| counts(cluster, 2));
}

#[test]
fn a_late_greeting_makes_no_sound_disk_outdated() {
    let mut cluster = Cluster::founded(3, 28);
    let early =
        cluster.nodes[0].replica.as_ref().expect("it runs").hello(cluster.nodes[0].read_clocks(cluster.now));
    for n in 0..10 {
        say_something(&mut cluster, 1, &format!("r{n}"));
    }
    cluster.pass(S);
    let me = cluster.nodes[0].replica.as_ref().expect("it runs").me().clone();
    for other in [1, 2] {
        cluster.inject(other, &me, Message::Hello(early.clone()));
    }
    cluster.pass(S);
    assert!(counts(&cluster, 0) && cluster.serves(0));
    assert!(!cluster.notices.iter().any(|(_, _, notice)| *notice == Notice::DiskOutdated));
}

#[test]
fn a_coordinator_whose_disk_fails_resigns_and_the_others_go_on() {
    for health in [Health::Full, Health::Stuck] {
        let mut cluster = Cluster::founded(3, 29);
        cluster.set_disk(2, health);
        let ticket = cluster.write(0, "ana", "r1", login("ana"), 5 * S);
        let index = cluster.carried_out(ticket);
        let epoch = cluster.epoch();
        let resigned = |(_, node, notice): &(u64, usize, Notice)| {
            *node == 2 && *notice == Notice::Resigned(Resigned::Disk)
        };
        cluster.until("it resigns", 3 * S, |cluster| cluster.notices.iter().any(resigned));
        cluster.until("another one coordinates", 3 * S, |cluster| {
            cluster.coordinator().is_some_and(|node| node != 2)
        });
        say_something(&mut cluster, 0, "r2");
        assert!(!cluster.serves(2));
        assert!(cluster.epoch() <= epoch + 1, "it told its successor at once");
        cluster.set_disk(2, Health::Well);
        cluster.settle_under(2);
        assert!(cluster.status(2).applied >= index, "it has it all, and takes over again");
    }
}

#[test]
fn a_follower_whose_disk_is_stuck_holds_up_nobody_and_catches_up() {
    let mut cluster = Cluster::founded(3, 30);
    cluster.set_disk(0, Health::Stuck);
    for n in 0..50 {
        say_something(&mut cluster, 1, &format!("r{n}"));
    }
    cluster.pass(2 * S);
    assert!(!cluster.serves(0), "clients are sent elsewhere");
    cluster.set_disk(0, Health::Well);
    cluster.settle();
}
