//! A client reads what it wrote, and never reads backwards, though each request may reach another servidor.

use papo_core::log::{Index, Operation};
use papo_core::replica::{Answer, Ask};

use papo_simulator::cluster::Cluster;
use papo_simulator::cluster::clients::plain;
use papo_simulator::cluster::time::{MS, S, Time};

fn login(cluster: &mut Cluster, node: usize, user: &str) -> Index {
    let ticket = cluster.write(node, user, "r1", Operation::Login { user: plain(user) }, 2 * S);
    cluster.carried_out(ticket)
}

fn read(cluster: &mut Cluster, node: usize, seen: Index, patience: Time) -> u64 {
    cluster.ask(node, Ask::Read { seen }, patience)
}

#[test]
fn a_write_is_read_at_once_wherever_the_next_request_arrives() {
    let mut cluster = Cluster::founded(3, 41);
    for n in 0..30 {
        let index = login(&mut cluster, n % 3, &format!("ana{n}"));
        let tickets: Vec<u64> = (0..3).map(|node| read(&mut cluster, node, index, S)).collect();
        for ticket in tickets {
            assert_eq!(cluster.answer_within(ticket, 200 * MS), Answer::Readable);
            assert!(cluster.told[&ticket].applied >= index);
        }
    }
}

#[test]
fn a_servidor_that_is_behind_waits_until_it_has_what_the_client_has_seen() {
    let mut cluster = Cluster::founded(3, 42);
    // It hears that the coordinator lives, but none of the log reaches it.
    cluster.network.starve(0, true);
    let index = login(&mut cluster, 1, "ana");
    let ticket = read(&mut cluster, 0, index, 2 * S);
    cluster.pass(300 * MS);
    assert_eq!(cluster.answer(ticket), None);
    cluster.network.starve(0, false);
    assert_eq!(cluster.answer_within(ticket, S), Answer::Readable);
    assert!(cluster.told[&ticket].applied >= index);
}

#[test]
fn a_servidor_that_stays_behind_says_so_within_the_deadline() {
    let mut cluster = Cluster::founded(3, 43);
    cluster.network.starve(0, true);
    let index = login(&mut cluster, 1, "ana");
    let ticket = read(&mut cluster, 0, index, 600 * MS);
    assert_eq!(cluster.answer_within(ticket, 650 * MS), Answer::TimedOut);
}

#[test]
fn what_nobody_can_have_seen_is_refused_at_once_by_everybody() {
    for count in [1, 3] {
        let mut cluster = Cluster::founded(count, 44);
        let last = cluster.canon.last();
        for node in 0..count {
            for beyond in [1, 1_000, 100_000_000, u64::MAX - last] {
                let ticket = read(&mut cluster, node, last + beyond, 5 * S);
                assert_eq!(cluster.answer_within(ticket, 500 * MS), Answer::BeyondLog { last });
            }
        }
    }
}

/// A coordinator that was replaced without having noticed yet is behind its successor: what a client has seen there may be more
/// than it knows of, and is no lie.
#[test]
fn a_coordinator_that_was_replaced_calls_nobody_a_liar() {
    for victim in [0, 2] {
        let mut cluster = Cluster::founded(3, 45);
        cluster.pause(victim);
        cluster.pass(2 * S);
        let index = login(&mut cluster, 1, "ana");
        let ticket = read(&mut cluster, victim, index, 2 * S);
        cluster.pass(10 * MS);
        cluster.resume(victim);
        let answer = cluster.answer_within(ticket, 3 * S);
        assert!(
            matches!(answer, Answer::Readable | Answer::Elsewhere { .. } | Answer::TimedOut),
            "{answer:?}"
        );
    }
    // Nor does one whose followers still believe it, on its side of a partition.
    let mut cluster = Cluster::founded(5, 46);
    cluster.partition(&[&[0, 1, 2], &[3, 4]]);
    cluster.pass(350 * MS);
    let early: Vec<u64> = [3, 4].iter().map(|node| read(&mut cluster, *node, 1_000, 3 * S)).collect();
    cluster.pass(3 * S);
    for ticket in early {
        let answer = cluster.answer(ticket);
        assert!(!matches!(answer, Some(Answer::BeyondLog { .. })), "it cannot know: {answer:?}");
    }
}
