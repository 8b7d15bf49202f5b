//! P11: servidores are admitted and dismissed, one at a time, while everything goes on.

use std::collections::VecDeque;
use std::time::Duration;

use papo_core::chat::{Outcome, Refusal};
use papo_core::log::Operation;
use papo_core::members::ADMIN;
use papo_core::replica::{Answer, Notice, Resigned, RoleName, Ticket};

use papo_simulator::cluster::Cluster;
use papo_simulator::cluster::clients::plain;
use papo_simulator::cluster::disk::Health;
use papo_simulator::cluster::node::name;
use papo_simulator::cluster::time::{MS, S, Time};

/// A cluster of the first `founders` of `count` servidores; the others were never started.
fn founded(founders: usize, count: usize, seed: u64) -> Cluster {
    let mut cluster = Cluster::new(count, seed);
    for (number, node) in cluster.nodes.iter_mut().enumerate() {
        // Who comes later is configured with the longer list of its time.
        node.genesis = (0..founders.max(number + 1)).map(name).collect();
    }
    (0..founders).for_each(|node| cluster.start(node));
    cluster.settle();
    cluster
}

/// Whoever brokers would ask.
fn serving(cluster: &Cluster) -> Vec<usize> {
    (0..cluster.nodes.len()).filter(|node| cluster.serves(*node)).collect()
}

fn ask(cluster: &mut Cluster, id: &str, operation: Operation) -> Outcome {
    let node = *serving(cluster).first().expect("somebody serves");
    let ticket = cluster.write(node, ADMIN, id, operation, 5 * S);
    match cluster.answer_within(ticket, 6 * S) {
        Answer::Written { outcome, .. } => outcome,
        other => panic!("{id} was answered {other:?}\n{}", cluster.describe()),
    }
}

fn admit(cluster: &mut Cluster, node: usize) {
    let id = format!("admit {node} at {}", cluster.now);
    assert_eq!(ask(cluster, &id, Operation::Admit { name: name(node) }), Outcome::Done);
}

fn dismiss(cluster: &mut Cluster, node: usize) {
    let id = format!("dismiss {node} at {}", cluster.now);
    assert_eq!(ask(cluster, &id, Operation::Dismiss { name: name(node) }), Outcome::Done);
}

fn members(cluster: &Cluster) -> Vec<String> {
    cluster.canon.members().voters().iter().map(|member| member.id.name.clone()).collect()
}

fn names(nodes: &[usize]) -> Vec<String> {
    nodes.iter().copied().map(name).collect()
}

fn until_members(cluster: &mut Cluster, nodes: &[usize]) {
    let expected = names(nodes);
    cluster.until(&format!("the members are {expected:?}"), 20 * S, |cluster| members(cluster) == expected);
}

/// Writes at all that serve, all the time: every write must be carried out, and soon.
#[derive(Default)]
struct Load {
    count: usize,
    open: VecDeque<Asked>,
    slowest: Time,
}

struct Asked {
    id: String,
    ticket: Ticket,
    since: Time,
}

impl Load {
    /// Lets `span` pass under load.
    fn pass(&mut self, cluster: &mut Cluster, span: Time) {
        let end = cluster.now + span;
        self.until(cluster, "time passes", span + MS, |cluster| cluster.now >= end);
    }

    fn until(&mut self, cluster: &mut Cluster, what: &str, limit: Time, done: impl Fn(&Cluster) -> bool) {
        let end = cluster.now + limit;
        while !done(cluster) {
            assert!(cluster.now < end, "not within {} ms: {what}\n{}", limit / MS, cluster.describe());
            for node in serving(cluster) {
                self.count += 1;
                let id = format!("r{}", self.count);
                let ticket = write(cluster, node, &id);
                self.open.push_back(Asked { id, ticket, since: cluster.now });
            }
            cluster.pass(10 * MS);
            self.review(cluster);
        }
    }

    /// Asks elsewhere what a servidor that left could not do, as brokers do.
    fn review(&mut self, cluster: &mut Cluster) {
        for asked in std::mem::take(&mut self.open) {
            match cluster.answer(asked.ticket) {
                Some(Answer::Written { .. }) => {
                    self.slowest = self.slowest.max(cluster.told[&asked.ticket].at - asked.since);
                }
                Some(Answer::Elsewhere { .. }) => {
                    let node = *serving(cluster).first().expect("somebody serves");
                    let ticket = write(cluster, node, &asked.id);
                    self.open.push_back(Asked { ticket, ..asked });
                }
                None => {
                    let waited = cluster.now - asked.since;
                    assert!(
                        waited < 2 * S,
                        "{} waits for {} ms\n{}",
                        asked.id,
                        waited / MS,
                        cluster.describe()
                    );
                    self.open.push_back(asked);
                }
                Some(other) => panic!("{} was answered {other:?}\n{}", asked.id, cluster.describe()),
            }
        }
    }

    /// All of it is there, once.
    fn finish(mut self, cluster: &mut Cluster) {
        self.pass(cluster, S);
        while !self.open.is_empty() {
            cluster.pass(5 * MS);
            self.review(cluster);
        }
        let done = cluster.canon.chat.users().filter(|user| user.starts_with('r')).count();
        assert_eq!(done, self.count, "every write took effect once");
        assert!(self.count > 200, "there was load");
        assert!(self.slowest < S, "the slowest write took {} ms", self.slowest / MS);
        cluster.canon.check_end();
    }
}

fn write(cluster: &mut Cluster, node: usize, id: &str) -> Ticket {
    cluster.write(node, "ana", id, Operation::Login { user: plain(id) }, 5 * S)
}

fn admit_under(load: &mut Load, cluster: &mut Cluster, node: usize) {
    let id = format!("admit {node}");
    change_under(load, cluster, &id, Operation::Admit { name: name(node) });
}

fn dismiss_under(load: &mut Load, cluster: &mut Cluster, node: usize) {
    let id = format!("dismiss {node}");
    change_under(load, cluster, &id, Operation::Dismiss { name: name(node) });
}

fn change_under(load: &mut Load, cluster: &mut Cluster, id: &str, operation: Operation) {
    let ticket = cluster.write(serving(cluster)[0], ADMIN, id, operation, 5 * S);
    load.until(cluster, "the change is agreed", 2 * S, |cluster| {
        matches!(cluster.answer(ticket), Some(Answer::Written { outcome: Outcome::Done, .. }))
    });
}

#[test]
fn a_cluster_grows_from_one_to_seven_and_shrinks_back_to_one_under_load() {
    let mut cluster = founded(1, 7, 801);
    let mut load = Load::default();
    for node in 1..7 {
        admit_under(&mut load, &mut cluster, node);
        load.pass(&mut cluster, 200 * MS);
        assert_eq!(members(&cluster).len(), node, "who is not there does not count");
        cluster.start(node);
        load.until(&mut cluster, "it counts and serves", 5 * S, |cluster| {
            members(cluster).len() == node + 1 && cluster.serves(node)
        });
    }
    // The greatest rank came last, and takes over; so the coordinator leaves first.
    load.until(&mut cluster, "the highest rank coordinates", 20 * S, |cluster| {
        cluster.coordinator() == Some(6)
    });
    for node in (1..7).rev() {
        dismiss_under(&mut load, &mut cluster, node);
        load.until(&mut cluster, "it counts no longer, and knows it", 10 * S, |cluster| {
            members(cluster).len() == node && !cluster.serves(node)
        });
        // The pod goes.
        cluster.crash(node);
    }
    assert_eq!(members(&cluster), ["s1"]);
    load.finish(&mut cluster);
}

#[test]
fn the_first_of_a_cluster_can_leave_it_too() {
    let mut cluster = founded(1, 2, 802);
    let mut load = Load::default();
    cluster.start(1);
    admit_under(&mut load, &mut cluster, 1);
    dismiss_under(&mut load, &mut cluster, 0);
    load.until(&mut cluster, "only the second is left", 10 * S, |cluster| {
        members(cluster) == ["s2"] && !cluster.serves(0)
    });
    cluster.crash(0);
    load.finish(&mut cluster);
}

#[test]
fn a_coordinator_that_is_dismissed_hands_over_leaves_and_does_not_come_back() {
    let mut cluster = founded(3, 3, 803);
    cluster.settle_under(2);
    let mut load = Load::default();
    load.pass(&mut cluster, 300 * MS);
    dismiss_under(&mut load, &mut cluster, 2);
    load.until(&mut cluster, "it is removed", 5 * S, |cluster| members(cluster) == ["s1", "s2"]);
    load.pass(&mut cluster, 10 * S);
    assert_eq!(cluster.coordinator(), Some(1));
    assert_eq!(cluster.status(2).role, RoleName::Learner, "it goes on learning");
    assert!(!cluster.serves(2), "and clients are not sent there");
    let removed = |notice: &Notice| *notice == Notice::Resigned(Resigned::Removed);
    assert!(!cluster.notices.iter().any(|(_, _, notice)| removed(notice)), "it left before it was removed");
    load.finish(&mut cluster);
}

#[test]
fn whoever_was_dismissed_can_be_admitted_again_with_the_same_disk() {
    let mut cluster = founded(3, 3, 804);
    let disk = cluster.nodes[0].disk.content.id;
    dismiss(&mut cluster, 0);
    until_members(&mut cluster, &[1, 2]);
    cluster.crash(0);
    for n in 0..300 {
        let ticket = write(&mut cluster, 2, &format!("without{n}"));
        cluster.carried_out(ticket);
    }
    cluster.start(0);
    cluster.until("it has all again", 5 * S, |cluster| cluster.status(0).applied == cluster.canon.last());
    cluster.pass(10 * S);
    assert_eq!(members(&cluster), ["s2", "s3"], "being there is not enough");
    admit(&mut cluster, 0);
    until_members(&mut cluster, &[0, 1, 2]);
    let member = cluster.canon.members().named("s1").cloned().expect("it counts");
    assert_eq!((member.id.disk, member.rank), (disk, 1));
    cluster.until("it serves", S, |cluster| cluster.serves(0));
    cluster.settle_under(2);
}

#[test]
fn a_dismissal_taken_back_before_it_is_carried_out_changes_nothing() {
    let mut cluster = founded(3, 3, 805);
    cluster.crash(0);
    dismiss(&mut cluster, 1);
    admit(&mut cluster, 1);
    cluster.start(0);
    cluster.pass(5 * S);
    assert_eq!(members(&cluster), ["s1", "s2", "s3"]);
}

#[test]
fn somebody_who_is_admitted_and_never_comes_costs_nothing() {
    let mut cluster = founded(3, 7, 806);
    (3..7).for_each(|node| admit(&mut cluster, node));
    assert_eq!(cluster.status(0).wanted.len(), 7);
    cluster.crash(0);
    cluster.settle();
    let ticket = write(&mut cluster, 1, "r1");
    cluster.carried_out(ticket);
    cluster.pass(10 * S);
    assert_eq!(members(&cluster), ["s1", "s2", "s3"], "two of three go on, whoever else was to come");
}

/// Of three one is down. Without the second, nothing could be decided any more.
#[test]
fn a_dismissal_waits_while_those_that_remain_have_no_majority_that_is_there() {
    for leaves in [1, 2] {
        let mut cluster = founded(3, 3, 807);
        cluster.settle_under(2);
        cluster.crash(0);
        dismiss(&mut cluster, leaves);
        cluster.pass(20 * S);
        assert_eq!(members(&cluster).len(), 3);
        let ticket = write(&mut cluster, 2, "r1");
        cluster.carried_out(ticket);
        cluster.start(0);
        let stay: Vec<usize> = (0..3).filter(|node| *node != leaves).collect();
        until_members(&mut cluster, &stay);
    }
}

#[test]
fn a_lost_servidor_is_dismissed_without_being_there() {
    let mut cluster = founded(3, 3, 808);
    cluster.crash(2);
    cluster.settle();
    dismiss(&mut cluster, 2);
    until_members(&mut cluster, &[0, 1]);
    // It comes back, and finds out.
    cluster.start(2);
    cluster.until("it learns that it does not count", 5 * S, |cluster| {
        cluster.status(2).role == RoleName::Learner && !cluster.serves(2)
    });
    cluster.pass(10 * S);
    assert_eq!(cluster.coordinator(), Some(1), "it disturbs nobody");
}

/// Both that are there are to leave, and the one that is to stay is down: somebody has to coordinate all the same.
#[test]
fn those_that_are_to_leave_coordinate_where_nobody_else_can() {
    let mut cluster = founded(3, 3, 809);
    cluster.crash(0);
    cluster.settle();
    dismiss(&mut cluster, 1);
    dismiss(&mut cluster, 2);
    cluster.crash(1);
    cluster.crash(2);
    cluster.start(1);
    cluster.start(2);
    cluster.until("one of them coordinates", 10 * S, |cluster| cluster.coordinator().is_some());
    cluster.settle();
    let ticket = write(&mut cluster, 1, "r1");
    cluster.carried_out(ticket);
    cluster.start(0);
    until_members(&mut cluster, &[0]);
    cluster.until("it goes on alone", 5 * S, |cluster| cluster.coordinator() == Some(0) && cluster.serves(0));
}

/// With two changes on their way there would be majorities of the first list and of the last that know nothing of each other.
#[test]
fn a_second_member_is_not_added_before_the_first_one_is_committed() {
    let mut cluster = founded(3, 5, 810);
    cluster.nodes[2].timing.membership = Duration::from_millis(20);
    cluster.crash(2);
    cluster.start(2);
    cluster.settle_under(2);
    admit(&mut cluster, 3);
    admit(&mut cluster, 4);
    // The coordinator orders, and nothing of it reaches the other members.
    cluster.network.starve(0, true);
    cluster.network.starve(1, true);
    cluster.start(3);
    cluster.start(4);
    let adds = |cluster: &Cluster| {
        let log = &cluster.nodes[2].disk.content.log;
        log.iter().filter(|entry| matches!(entry.operation, Operation::AddMember(_))).count()
    };
    cluster.until("one is added", 5 * S, |cluster| adds(cluster) == 1);
    cluster.pass(2 * S);
    assert_eq!(adds(&cluster), 1, "and that is all that happens");
    assert_eq!(members(&cluster).len(), 3, "it is not committed");
    cluster.network.starve(0, false);
    cluster.network.starve(1, false);
    until_members(&mut cluster, &[0, 1, 2, 3, 4]);
}

/// Half a change: the coordinator has stored it, and is cut off before anybody else has.
#[test]
fn a_change_that_nobody_else_has_stored_is_gone_with_its_coordinator() {
    let mut cluster = founded(3, 4, 811);
    cluster.settle_under(2);
    cluster.start(3);
    admit(&mut cluster, 3);
    for node in [0, 1, 3] {
        cluster.network.starve(node, true);
    }
    let stored = |cluster: &Cluster| {
        cluster.nodes[2]
            .disk
            .content
            .log
            .iter()
            .any(|entry| matches!(entry.operation, Operation::AddMember(_)))
    };
    cluster.until("it is stored by the coordinator only", 5 * S, stored);
    cluster.partition(&[&[0, 1, 3], &[2]]);
    for node in [0, 1, 3] {
        cluster.network.starve(node, false);
    }
    cluster.until("the others go on without it", 10 * S, |cluster| cluster.coordinator() == Some(1));
    until_members(&mut cluster, &[0, 1, 2, 3]);
    cluster.heal();
    cluster.settle();
}

#[test]
fn a_founder_whose_list_names_nobody_else_founds_no_second_cluster() {
    let mut cluster = founded(3, 3, 812);
    let first = cluster.status(2).cluster;
    cluster.crash(0);
    cluster.wipe(0);
    cluster.nodes[0].genesis = names(&[0]);
    cluster.start(0);
    cluster.until("it counts again", 20 * S, |cluster| {
        cluster.nodes[0].replica.is_some() && cluster.status(0).role == RoleName::Follower
    });
    assert_eq!(cluster.status(0).cluster, first);
}

#[test]
fn a_newcomer_has_its_own_rank_unless_somebody_has_it_already() {
    let mut cluster = founded(3, 5, 813);
    cluster.nodes[3].rank = Some(2);
    cluster.nodes[4].rank = Some(9);
    for node in [3, 4] {
        cluster.start(node);
        admit(&mut cluster, node);
    }
    until_members(&mut cluster, &[0, 1, 2, 3, 4]);
    let ranks: Vec<u64> = cluster.canon.members().voters().iter().map(|member| member.rank).collect();
    let first = if ranks[3] == 4 { [1, 2, 3, 4, 9] } else { [1, 2, 3, 10, 9] };
    assert_eq!(ranks, first);
}

#[test]
fn clusters_of_one_to_seven_are_founded_and_go_on_without_a_minority() {
    for count in 1..=7 {
        let mut cluster = Cluster::founded(count, 820 + count as u64);
        assert_eq!(members(&cluster).len(), count);
        (0..(count - 1) / 2).for_each(|node| cluster.crash(node));
        let ticket = write(&mut cluster, count - 1, "r1");
        cluster.carried_out(ticket);
    }
}

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let mut cluster = founded(1, 1, 830);
    let refusal = |cluster: &mut Cluster, id: &str, operation| ask(cluster, id, operation);
    let last = Operation::Dismiss { name: name(0) };
    assert_eq!(refusal(&mut cluster, "1", last.clone()), Outcome::Refused(Refusal::LastMember));
    assert_eq!(refusal(&mut cluster, "1", last), Outcome::Refused(Refusal::LastMember), "again");
    let bad = Operation::Admit { name: "no name".to_owned() };
    assert_eq!(refusal(&mut cluster, "2", bad), Outcome::Refused(Refusal::BadServerName));
    cluster.pass(2 * S);
    assert_eq!(members(&cluster), ["s1"]);
}

#[test]
fn whoever_has_left_for_good_is_soon_forgotten_and_whoever_is_to_come_is_not() {
    let mut cluster = founded(3, 3, 831);
    dismiss(&mut cluster, 2);
    until_members(&mut cluster, &[0, 1]);
    cluster.crash(2);
    cluster.crash(1);
    cluster.pass(90 * S);
    let known: Vec<String> = cluster.status(0).peers.into_iter().map(|peer| peer.id.name).collect();
    assert_eq!(known, ["s2"], "a member that is down is missed, one that left is not");
}

/// What people wait for before they take a servidor away.
#[test]
fn a_removal_is_told_of_once_it_is_committed() {
    let mut cluster = founded(3, 4, 832);
    cluster.settle_under(2);
    // Of the two that stay with the coordinator nobody gets its entries.
    dismiss(&mut cluster, 0);
    for node in [0, 1] {
        cluster.network.starve(node, true);
    }
    let names = |members: &[papo_core::members::Member]| -> Vec<String> {
        members.iter().map(|member| member.id.name.clone()).collect()
    };
    cluster.until("it is ordered", 5 * S, |cluster| names(&cluster.status(2).members) == ["s2", "s3"]);
    cluster.pass(300 * MS);
    assert_eq!(names(&cluster.status(2).members_committed), ["s1", "s2", "s3"], "it is not decided yet");
    cluster.network.starve(1, false);
    cluster
        .until("it is decided", 5 * S, |cluster| names(&cluster.status(2).members_committed) == ["s2", "s3"]);
}

/// It cannot be removed yet, and its rank is the highest: it would coordinate, and have to hand over once more.
#[test]
fn whoever_is_to_leave_does_not_coordinate_where_one_that_stays_can() {
    let mut cluster = founded(3, 3, 833);
    cluster.settle_under(2);
    cluster.crash(0);
    dismiss(&mut cluster, 2);
    cluster.until("both know of it", 5 * S, |cluster| {
        [1, 2].iter().all(|node| cluster.status(*node).wanted == ["s1", "s2"])
    });
    // What is known to be committed is stored with what comes next, and applied at once after a restart.
    for id in ["r1", "r2"] {
        let ticket = write(&mut cluster, 1, id);
        cluster.carried_out(ticket);
    }
    cluster.pass(S);
    assert_eq!(cluster.coordinator(), Some(2), "without it nobody could decide");
    for _ in 0..3 {
        cluster.crash(2);
        cluster.pass(S);
        cluster.start(2);
        cluster.settle();
        assert_eq!(cluster.coordinator(), Some(1));
    }
    cluster.pass(10 * S);
    assert_eq!(cluster.coordinator(), Some(1), "and it does not ask for it");
}

/// Found by seed 33939: in a quiet chat, a disk that takes no writes lacks only a few entries.
#[test]
fn whoever_cannot_store_anything_is_not_counted() {
    let mut cluster = founded(1, 2, 84);
    cluster.set_disk(1, Health::Stuck);
    cluster.start(1);
    admit(&mut cluster, 1);
    cluster.pass(10 * S);
    assert_eq!(members(&cluster), names(&[0]), "it has stored nothing");
    let ticket = cluster.write(0, "ana", "r1", Operation::Login { user: plain("ana") }, S);
    cluster.carried_out(ticket);
    cluster.set_disk(1, Health::Well);
    until_members(&mut cluster, &[0, 1]);
}
