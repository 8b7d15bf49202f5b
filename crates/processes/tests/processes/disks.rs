use papo_processes::{Cluster, Load, LoadOptions};

#[test]
fn a_follower_that_lost_its_disk_learns_everything_again_and_becomes_a_member() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions::default());
    load.wait_for_more(150);
    let follower = cluster.follower();
    let disk = cluster.status(&follower).expect("it answers").disk;

    cluster.kill9(&follower);
    cluster.wipe_data(&follower);
    load.wait_for_more(60);
    cluster.restart(&follower);
    cluster.wait_until_whole();

    let new_disk = cluster.status(&follower).expect("it answers").disk;
    assert_ne!(disk, new_disk, "an empty disk has promised nothing, and must not pass for the old one");
    load.wait_for_more(60);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}
