//! How a cluster begins.

use std::sync::Arc;

use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{ClusterId, Entry, Genesis, Operation};
use papo_core::members::{Member, MemberId};
use papo_core::replica::RoleName;

use papo_simulator::cluster::Cluster;
use papo_simulator::cluster::clients::plain;
use papo_simulator::cluster::disk::Health;
use papo_simulator::cluster::time::{MS, S};

fn ranks(cluster: &Cluster) -> Vec<(String, u64)> {
    let members = cluster.canon.members().voters().iter();
    members.map(|member| (member.id.name.clone(), member.rank)).collect()
}

fn named(ranks: &[u64]) -> Vec<(String, u64)> {
    (1..).zip(ranks).map(|(n, rank): (u32, &u64)| (format!("s{n}"), *rank)).collect()
}

#[test]
fn referencias_ranks_are_those_of_the_cluster() {
    let mut cluster = Cluster::new(3, 61);
    for (node, rank) in [(0, 7), (1, 9), (2, 4)] {
        cluster.nodes[node].rank = Some(rank);
    }
    cluster.start_all();
    cluster.settle_under(1);
    assert!(cluster.now < 2 * S, "and nothing had to be waited for");
    assert_eq!(ranks(&cluster), named(&[7, 9, 4]));
}

#[test]
fn without_referencia_the_founder_gives_ranks_by_their_order() {
    let mut cluster = Cluster::new(3, 62);
    for node in &mut cluster.nodes {
        node.rank = None;
    }
    cluster.start_all();
    cluster.settle_under(2);
    assert_eq!(ranks(&cluster), named(&[1, 2, 3]));
}

#[test]
fn one_servidor_is_a_cluster_and_has_its_log_again_after_a_restart() {
    let mut cluster = Cluster::founded(1, 63);
    let ticket = cluster.write(0, "ana", "r1", Operation::Login { user: plain("ana") }, S);
    let index = cluster.carried_out(ticket);
    cluster.crash(0);
    cluster.start(0);
    cluster.settle();
    let retry = cluster.write(0, "ana", "r1", Operation::Login { user: plain("ana") }, S);
    assert_eq!(cluster.carried_out(retry), index);
}

#[test]
fn five_servidores_go_on_with_three() {
    let mut cluster = Cluster::founded(5, 64);
    assert_eq!(cluster.canon.members().voters().len(), 5);
    cluster.crash(4);
    cluster.crash(2);
    cluster.settle_under(3);
    let ticket = cluster.write(0, "ana", "r1", Operation::Login { user: plain("ana") }, S);
    cluster.carried_out(ticket);
    cluster.crash(3);
    cluster.pass(5 * S);
    assert_eq!(cluster.coordinator(), None, "but not with two");
}

#[test]
fn nobody_is_founded_before_all_founders_are_there() {
    let mut cluster = Cluster::new(3, 65);
    cluster.start(0);
    cluster.start(2);
    cluster.pass(10 * S);
    assert!(cluster.nodes.iter().all(|node| node.disk.content.log.is_empty()));
    cluster.start(1);
    cluster.settle();
}

/// Kills a founder before each single thing it does: there is never a second cluster beside the first.
#[test]
fn whoever_dies_while_the_cluster_is_founded_there_is_one_cluster() {
    for dies in 0..3 {
        for step in 0..60 {
            let mut cluster = Cluster::new(3, step as u64);
            cluster.nodes[dies].dies_after = Some(step);
            cluster.start_all();
            cluster.until("it is dead, or was not in time", 3 * S, |cluster| {
                cluster.nodes[dies].replica.is_none() || cluster.is_settled()
            });
            cluster.nodes[dies].dies_after = None;
            if cluster.nodes[dies].replica.is_none() {
                cluster.start(dies);
            }
            cluster.settle();
            assert_eq!(cluster.canon.members().voters().len(), 3);
        }
    }
}

#[test]
fn a_founder_that_lost_its_disk_founds_no_second_cluster() {
    let mut cluster = Cluster::founded(3, 66);
    let first = cluster.status(2).cluster;
    cluster.crash(0);
    cluster.wipe(0);
    cluster.start(0);
    cluster.settle();
    assert_eq!(cluster.status(0).cluster, first);
}

/// A log as long as that of a cluster that was in use for a while.
fn long_log(cluster: &Cluster, length: u64) -> Vec<Arc<Entry>> {
    let member = |(node, rank): (usize, u64)| {
        let node = &cluster.nodes[node];
        Member { id: MemberId { name: node.name.clone(), disk: node.disk.content.id }, rank }
    };
    let genesis = Genesis {
        cluster: ClusterId(1),
        members: (0..cluster.nodes.len()).zip(1..).map(member).collect(),
        session_key: vec![7; 32],
        rules: 1,
    };
    let operation = |index| match index {
        1 => Operation::Genesis(genesis.clone()),
        2 => Operation::Channel { channel: plain("geral") },
        _ => Operation::Publish {
            channel: "geral".to_owned(),
            user: "ana".to_owned(),
            message: format!("message {index}"),
        },
    };
    let entry = |index: u64| Entry {
        index,
        epoch: 1,
        lamport: Lamport::new(index),
        time: WallTime::from_nanos(index as i64),
        author: String::new(),
        request_id: None,
        operation: operation(index),
    };
    (1..=length).map(|index| Arc::new(entry(index))).collect()
}

#[test]
fn an_empty_servidor_catches_up_with_a_long_log_from_the_disks_of_the_others() {
    let mut cluster = Cluster::new(3, 67);
    let log = long_log(&cluster, 20_000);
    for node in [0, 1] {
        cluster.nodes[node].disk.content.log = log.clone();
        cluster.nodes[node].disk.content.committed = 20_000;
    }
    cluster.start_all();
    cluster.settle();
    assert!(cluster.status(2).applied > 20_000);
    assert!(cluster.log_reads >= 7, "what is not in memory any more was read from a disk");
    assert!(cluster.now < 3 * S, "and it did not take long: {} ms", cluster.now / MS);
}

#[test]
fn a_servidor_whose_disk_is_stuck_takes_no_more_than_fits_into_memory() {
    let mut cluster = Cluster::new(3, 69);
    let log = long_log(&cluster, 20_000);
    for node in [0, 1] {
        cluster.nodes[node].disk.content.log = log.clone();
        cluster.nodes[node].disk.content.committed = 20_000;
    }
    cluster.set_disk(2, Health::Stuck);
    cluster.start_all();
    cluster.pass(3 * S);
    let taken = cluster.status(2).last;
    assert!((10_000..19_000).contains(&taken), "{taken}");
    cluster.set_disk(2, Health::Well);
    cluster.settle();
}

#[test]
fn an_answer_to_a_catch_up_that_is_lost_is_asked_for_again() {
    let mut cluster = Cluster::new(3, 68);
    let log = long_log(&cluster, 10_000);
    for node in [0, 1] {
        cluster.nodes[node].disk.content.log = log.clone();
        cluster.nodes[node].disk.content.committed = 10_000;
    }
    cluster.network.loss = 0.3;
    cluster.network.broadcast_loss = 1.0;
    cluster.start_all();
    cluster.until("it has all", 20 * S, |cluster| {
        cluster.status(2).applied >= 10_000 && cluster.status(2).role != RoleName::Learner
    });
}
