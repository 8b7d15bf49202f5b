//! The coordination changes hands without a failed request.

use papo_core::log::Operation;
use papo_core::replica::{Answer, Availability, Notice};

use papo_simulator::cluster::Cluster;
use papo_simulator::cluster::clients::plain;
use papo_simulator::cluster::time::{MS, S, Time};

/// Writes at all servidores all the time, until `done`; every single one must be carried out, and soon. After a while, `stops` is
/// asked to stop; what goes there may be sent elsewhere then, and is asked there.
fn under_load(cluster: &mut Cluster, stops: Option<usize>, limit: Time, done: impl Fn(&Cluster) -> bool) {
    let (begin, end) = (cluster.now + 300 * MS, cluster.now + limit);
    let mut asked = Vec::new();
    let mut stopped = stops.is_none();
    while cluster.now < begin || !done(cluster) {
        assert!(cluster.now < end, "not done under load\n{}", cluster.describe());
        if cluster.now >= begin && !stopped {
            stopped = true;
            cluster.stop(stops.expect("somebody stops"));
        }
        for node in 0..cluster.nodes.len() {
            if cluster.nodes[node].replica.is_some()
                && cluster.nodes[node].availability == Availability::Serving
            {
                let id = format!("r{}", asked.len());
                let ticket = cluster.write(node, "ana", &id, Operation::Login { user: plain(&id) }, 5 * S);
                asked.push((ticket, node, id, cluster.now));
            }
        }
        cluster.pass(3 * MS);
    }
    cluster.pass(S);
    assert!(asked.len() > 100, "there was load");
    for (ticket, node, id, at) in asked {
        let mut ticket = ticket;
        if stops == Some(node) && cluster.answer(ticket) == Some(Answer::Elsewhere { ordered: false }) {
            ticket = cluster.write((node + 1) % 3, "ana", &id, Operation::Login { user: plain(&id) }, S);
            cluster.answer_within(ticket, S);
        }
        let told = cluster.told.get(&ticket).copied();
        let Some(told) = told else {
            panic!("{id} at s{} was never answered\n{}", node + 1, cluster.describe())
        };
        assert!(
            matches!(told.answer, Answer::Written { .. }),
            "{id} at s{} failed: {:?}",
            node + 1,
            told.answer
        );
        assert!(told.by != node || told.at - at < S, "{id} took {} ms", (told.at - at) / MS);
    }
}

fn withdrawn(cluster: &Cluster) -> Vec<usize> {
    cluster
        .announced
        .iter()
        .filter(|(_, _, a)| *a == Availability::Withdrawn)
        .map(|(_, node, _)| *node)
        .collect()
}

#[test]
fn a_coordinator_that_stops_hands_the_coordination_over_without_a_failed_request() {
    for seed in 0..5 {
        let mut cluster = Cluster::founded(3, seed);
        let coordinator = cluster.coordinator().expect("there is one");
        let reigns = cluster.canon.reigns();
        cluster.announced.clear();
        under_load(&mut cluster, Some(coordinator), 2 * S, |cluster| cluster.is_drained(coordinator));
        cluster.crash(coordinator);
        assert_eq!(cluster.canon.reigns(), reigns + 1, "one hand-over is enough");
        assert!(withdrawn(&cluster).is_empty(), "and nobody turned clients away");
        let suspected =
            cluster.notices.iter().filter(|(at, _, n)| *at > S && *n == Notice::Suspected).count();
        assert_eq!(suspected, 0, "nor was anybody suspected");
        cluster.settle();
    }
}

#[test]
fn a_follower_that_stops_finishes_what_it_has() {
    let mut cluster = Cluster::founded(3, 51);
    under_load(&mut cluster, Some(0), 2 * S, |cluster| cluster.is_drained(0));
}

#[test]
fn a_higher_rank_that_comes_back_takes_over_once_it_is_stable_without_a_failed_request() {
    for seed in 0..5 {
        let mut cluster = Cluster::founded(3, seed);
        cluster.crash(2);
        cluster.settle_under(1);
        let reigns = cluster.canon.reigns();
        cluster.start(2);
        let back = cluster.now;
        cluster.until("it serves again", S, |cluster| cluster.serves(2));
        cluster.announced.clear();
        under_load(&mut cluster, None, 10 * S, |cluster| cluster.coordinator() == Some(2));
        assert!(cluster.now - back >= 3 * S, "not before it was stable");
        assert_eq!(cluster.canon.reigns(), reigns + 1);
        assert!(withdrawn(&cluster).is_empty(), "nobody turned clients away");
    }
}

#[test]
fn two_of_five_that_stop_at_once_hand_over_to_one_that_stays() {
    let mut cluster = Cluster::founded(5, 53);
    cluster.stop(4);
    cluster.stop(3);
    cluster.until("both are drained", 3 * S, |cluster| cluster.is_drained(3) && cluster.is_drained(4));
    cluster.crash(3);
    cluster.crash(4);
    cluster.until("one that stays coordinates", S, |cluster| cluster.coordinator() == Some(2));
}

#[test]
fn a_servidor_that_is_alone_stops_too() {
    let mut cluster = Cluster::founded(1, 54);
    cluster.stop(0);
    cluster.until("it is drained", S, |cluster| cluster.is_drained(0));
    let mut cluster = Cluster::founded(3, 55);
    cluster.crash(0);
    cluster.crash(1);
    cluster.stop(2);
    cluster.until("it is drained, though there is nobody to hand over to", 2 * S, |cluster| {
        cluster.is_drained(2)
    });
}
