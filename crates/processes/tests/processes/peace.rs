use papo_processes::{Bot, Cluster, Ended, Load, LoadOptions};

#[test]
fn with_nothing_broken_every_promise_holds_and_everything_stops_in_good_order() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions { listen_at: vec![1, 2], ..LoadOptions::default() });
    let bot = Bot::start(&cluster, "bot", &["--users=6", "--rate=60", "--duration=4s"]);
    load.wait_for_more(300);
    let bot = bot.wait();
    bot.assert_content();
    let ledger = load.finish();
    cluster.assert_kept(&[ledger, bot.ledger]);
    for name in cluster.names() {
        assert_eq!(cluster.terminate(&name), Ended::Exited(0), "{name} after SIGTERM");
    }
}
