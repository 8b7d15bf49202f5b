use std::time::Duration;

use papo_processes::{Cluster, Load, LoadOptions, until};

use crate::deaths::assert_hardly_noticed;

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_coordinator_frozen_until_another_reigns_wakes_up_harmless() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions { listen_at: vec![1], ..LoadOptions::default() });
    load.wait_for_more(60);
    for _ in 0..2 {
        let old = cluster.coordinator();
        cluster.stop(&old);
        // The others find out by its silence, and go on under another one.
        let others: Vec<String> = cluster.servidores().into_iter().filter(|name| *name != old).collect();
        until("another servidor coordinates", LIMIT, || {
            let status = cluster.status(&others[0])?;
            (others.contains(&status.coordinator)).then_some(())
        });
        load.wait_for_more(60);
        cluster.cont(&old);
        cluster.wait_until_whole();
        load.wait_for_more(60);
    }
    assert_hardly_noticed(&load);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}

#[test]
fn a_frozen_follower_and_a_frozen_broker_hold_nobody_up() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions { listen_at: vec![1], ..LoadOptions::default() });
    load.wait_for_more(60);
    let follower = cluster.follower();
    for victim in [follower.as_str(), "broker-1"] {
        cluster.stop(victim);
        load.wait_for_more(60);
        cluster.cont(victim);
        cluster.wait_until_whole();
    }
    load.wait_for_more(60);
    assert_hardly_noticed(&load);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}
