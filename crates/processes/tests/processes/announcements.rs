use std::time::Duration;

use papo_processes::{Answer, Asker, Cluster, Listener, Load, LoadOptions, until};
use serde_json::{Value, json};

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

/// A subscriber that missed the last message of a topic has no later one to see the gap by.
#[test]
fn who_missed_the_last_message_is_told_how_far_the_topic_has_come() {
    let cluster = Cluster::start();
    let mut asker = Asker::new(cluster.broker_ports()[0]);
    let mut say = |service: &str, data: Value| {
        until("it is acknowledged", LIMIT, || asker.ask(service, &data, LIMIT).filter(Answer::is_ok))
    };
    say("channel", json!({"channel": "geral"}));
    say("login", json!({"user": "bia"}));
    let last = [
        ("tip:geral", "publish", json!({"user": "ana", "channel": "geral", "message": "a última"})),
        ("tip:user:bia", "message", json!({"src": "ana", "dst": "bia", "message": "só para ti"})),
    ];
    for port in cluster.proxy_ports() {
        for (topic, service, message) in &last {
            let said = say(service, message.clone()).index();
            // It comes too late for the message itself.
            let listener = Listener::new(port, &[topic]);
            let (heard, tip) = until("the tip is told", LIMIT, || listener.next(SILENCE));
            assert_eq!((heard.as_str(), &tip["index"]), (*topic, &Value::from(said)), "{tip}");
        }
    }
}
