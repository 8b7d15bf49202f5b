//! The time that the chat agrees on, whatever the hosts' clocks show.

use papo_core::log::Operation;

use papo_simulator::cluster::Cluster;
use papo_simulator::cluster::clients::plain;
use papo_simulator::cluster::time::{Clocks, MS, S, START};

const HOUR: i64 = 3_600 * S as i64;

fn say(cluster: &mut Cluster, id: &str) -> i64 {
    let node = cluster.nodes.iter().position(|node| node.runs()).expect("one runs");
    let ticket = cluster.write(node, "ana", id, Operation::Login { user: plain(id) }, 3 * S);
    let index = cluster.carried_out(ticket);
    cluster.canon.entries()[index as usize - 1].time.as_nanos()
}

/// How far `time` is from the true time, in milliseconds.
fn off(cluster: &Cluster, time: i64) -> i64 {
    (time - START - cluster.now as i64) / MS as i64
}

#[test]
fn a_clock_that_jumps_during_a_reign_moves_no_timestamp() {
    let mut cluster = Cluster::founded(3, 31);
    let coordinator = cluster.coordinator().expect("there is one");
    let mut before = say(&mut cluster, "r0");
    for (n, jump) in [-HOUR, 3 * HOUR, -5 * HOUR].into_iter().enumerate() {
        cluster.jump_clock(coordinator, jump);
        cluster.pass(2 * S);
        let after = say(&mut cluster, &format!("r{}", n + 1));
        assert!(
            (1_900..2_200).contains(&((after - before) / MS as i64)),
            "time goes on as if nothing had happened"
        );
        before = after;
    }
}

#[test]
fn a_clock_that_is_wrong_by_decades_drags_nobody_along_also_as_coordinator() {
    for (wrong, lie) in [(2, 77), (2, -30), (0, 77), (0, -30), (1, 77), (1, -30)] {
        let mut cluster = Cluster::new(3, 32);
        cluster.nodes[wrong].clocks = Clocks::new(0, lie * 365 * 24 * HOUR);
        cluster.start_all();
        cluster.settle_under(2);
        let time = say(&mut cluster, "r1");
        assert!(off(&cluster, time).abs() < 1_000, "{lie} years at {wrong}: {} ms", off(&cluster, time));
        // Nor when there are only two left to compare.
        let other = if wrong == 1 { 0 } else { 1 };
        cluster.crash(other);
        cluster.settle();
        let time = say(&mut cluster, "r2");
        assert!(off(&cluster, time).abs() < 1_000, "{lie} years at {wrong}: {} ms", off(&cluster, time));
        // Nor when the whole cluster starts again.
        for node in 0..3 {
            if cluster.nodes[node].replica.is_some() {
                cluster.crash(node);
            }
        }
        cluster.start_all();
        cluster.settle();
        let time = say(&mut cluster, "r3");
        assert!(off(&cluster, time).abs() < 1_000, "{lie} years at {wrong}: {} ms", off(&cluster, time));
    }
}

#[test]
fn timestamps_go_on_across_coordinators_whose_clocks_differ() {
    let mut cluster = Cluster::new(3, 33);
    for (node, seconds) in [(0, -20), (1, 0), (2, 30)] {
        cluster.nodes[node].clocks = Clocks::new(50 * (1 - node as i64), seconds * S as i64);
    }
    cluster.start_all();
    cluster.settle_under(2);
    let mut before = say(&mut cluster, "r0");
    for n in 1..6 {
        let coordinator = cluster.coordinator().expect("there is one");
        cluster.crash(coordinator);
        cluster.until("another one coordinates", 2 * S, |cluster| cluster.coordinator().is_some());
        cluster.start(coordinator);
        cluster.pass(S);
        let after = say(&mut cluster, &format!("r{n}"));
        let passed = (after - before) / MS as i64;
        assert!((0..40_000).contains(&passed), "a step of {passed} ms, never backwards");
        before = after;
    }
}

#[test]
fn every_estimate_is_within_its_bound() {
    let mut cluster = Cluster::new(3, 34);
    for node in 0..3 {
        cluster.nodes[node].clocks = Clocks::new(100 - 100 * node as i64, node as i64 * S as i64);
    }
    cluster.start_all();
    cluster.settle_under(2);
    for _ in 0..50 {
        cluster.pass(777 * MS);
        let read = |node: usize| cluster.nodes[node].replica.as_ref().expect("it runs");
        let now = |node: usize| cluster.nodes[node].clocks.read(cluster.now);
        let truth = read(2).agreed_time(now(2));
        for node in [0, 1] {
            let bound = cluster.status(node).clock.expect("it has an estimate").1;
            let off = read(node).agreed_time(now(node)).nanos_after(truth).unsigned_abs();
            assert!(u128::from(off) <= bound.as_nanos(), "s{}: {off} ns, bound {bound:?}", node + 1);
            assert!(bound.as_millis() < 2, "round trips take less than a millisecond here");
        }
    }
}
