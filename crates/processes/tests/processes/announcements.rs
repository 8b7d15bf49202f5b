use std::time::Duration;

use papo_processes::{Cluster, Listener, Load, LoadOptions, until};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_millis(500);

#[test]
fn a_new_coordinator_is_announced_once_at_every_proxy() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions { writers: 1, ..LoadOptions::default() });
    // Subscriptions of one socket take effect in order: who hears the channel is announced to as well.
    let listeners = cluster.proxy_ports().into_iter().map(|port| Listener::new(port, &["servers", "geral"]));
    let listeners: Vec<Listener> = listeners.collect();
    for listener in &listeners {
        until("what is said in the channel is heard", LIMIT, || listener.next(SILENCE));
    }

    let old = cluster.coordinator();
    cluster.kill9(&old);
    let new = cluster.coordinator();
    assert_ne!(old, new);
    load.wait_for_more(20);
    load.finish();

    for listener in &listeners {
        let heard = std::iter::from_fn(|| listener.next(SILENCE));
        let announced: Vec<Value> =
            heard.filter(|(topic, _)| topic == "servers").map(|(_, announcement)| announcement).collect();
        assert_eq!(announced.len(), 1, "one election, one announcement: {announced:?}");
        assert_eq!(announced[0]["service"], "election");
        let data = &announced[0]["data"];
        assert_eq!(data["coordinator"], Value::from(new.as_str()));
        assert!(data["timestamp"].is_string() && data["clock"].is_u64(), "{data}");
    }
}
