use papo_processes::{Cluster, Ended, Load, LoadOptions};

#[test]
fn everything_killed_at_once_and_started_again_has_lost_nothing() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions::default());
    load.wait_for_more(150);
    for name in cluster.names() {
        cluster.kill9(&name);
    }
    cluster.start_all();
    cluster.wait_until_whole();
    load.wait_for_more(60);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}

#[test]
fn servidores_stopped_and_started_one_after_the_other_under_load_lose_nothing() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions { listen_at: vec![1], ..LoadOptions::default() });
    load.wait_for_more(60);
    for name in cluster.servidores() {
        assert_eq!(cluster.terminate(&name), Ended::Exited(0), "{name} after SIGTERM");
        load.wait_for_more(30);
        cluster.restart(&name);
        cluster.wait_until_whole();
    }
    load.wait_for_more(30);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}
