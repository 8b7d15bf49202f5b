use std::time::{Duration, Instant};

use papo_audit::{Event, Recorder, Request};
use papo_processes::{Asker, Cluster, Load, LoadOptions, until};
use serde_json::json;

/// A broker's deadline is 5 s; who waits longer was left hanging.
const DEADLINE: Duration = Duration::from_secs(8);
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn without_a_majority_writes_are_answered_with_an_error_and_a_retry_settles_them() {
    let mut cluster = Cluster::start();
    let recorder = Recorder::new();
    let mut brokers: Vec<Asker> = cluster.broker_ports().into_iter().map(Asker::new).collect();
    let login = Request::Login { user: "ana".into(), again: false };
    assert!(write(&recorder, &mut brokers[0], "login", &login).is_ok());
    let channel = Request::Channel { channel: "geral".into() };
    assert!(write(&recorder, &mut brokers[0], "channel", &channel).is_ok());

    let coordinator = cluster.coordinator();
    for follower in cluster.servidores().iter().filter(|name| **name != coordinator) {
        cluster.kill9(follower);
    }
    let open: Vec<(String, Request)> = (0..2).map(|n| (format!("open-{n}"), said(n))).collect();
    for (id, request) in &open {
        let answer = write(&recorder, &mut brokers[0], id, request);
        assert!(!answer.is_ok(), "one of three is no majority: {answer:?}");
        let reason = answer.reason();
        assert!(["not_ordered", "unknown"].contains(&reason), "a write is refused or unknown: {answer:?}");
        assert_eq!(answer.data["outcome"] == "unknown", reason == "unknown", "{answer:?}");
        assert!(!answer.description().is_empty(), "the error says what is wrong: {answer:?}");
    }
    cluster.kill9(&coordinator);
    let answer = write(&recorder, &mut brokers[1], "nobody", &said(2));
    assert!(!answer.is_ok(), "nobody is no majority: {answer:?}");

    cluster.start_all();
    cluster.wait_until_whole();
    for (n, (id, request)) in open.iter().enumerate() {
        let broker = n % brokers.len();
        until(&format!("{id} is settled by a retry"), LIMIT, || {
            write(&recorder, &mut brokers[broker], id, request).is_ok().then_some(())
        });
    }
    cluster.assert_kept(&[recorder.finish().expect("there is no journal to fail")]);
}

#[test]
fn what_only_one_of_three_has_stored_is_not_acknowledged() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions::default());
    load.wait_for_more(60);
    let coordinator = cluster.coordinator();
    let followers: Vec<String> =
        cluster.servidores().into_iter().filter(|name| *name != coordinator).collect();
    for follower in &followers {
        cluster.kill9(follower);
    }
    // For a moment it still believes that it coordinates; whatever it acknowledges then, nobody else will know.
    until("the coordinator notices that it is alone", LIMIT, || {
        (cluster.status(&coordinator)?.role != "coordinator").then_some(())
    });
    cluster.kill9(&coordinator);
    for follower in &followers {
        cluster.restart(follower);
    }
    load.wait_for_more(60);
    cluster.restart(&coordinator);
    cluster.wait_until_whole();
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}

fn said(n: usize) -> Request {
    Request::Publish { user: "ana".into(), channel: "geral".into(), message: format!("mensagem {n}") }
}

/// Asks once, and writes down what came of it.
fn write(recorder: &Recorder, broker: &mut Asker, id: &str, request: &Request) -> papo_processes::Answer {
    recorder.record(
        "ana",
        Event::Attempted { request_id: id.into(), request: request.clone(), replies_to: None },
    );
    let (service, data) = match request {
        Request::Login { user, .. } => ("login", json!({"user": user, "request_id": id})),
        Request::Channel { channel } => ("channel", json!({"channel": channel, "request_id": id})),
        Request::Publish { user, channel, message } => {
            ("publish", json!({"user": user, "channel": channel, "message": message, "request_id": id}))
        }
        other => panic!("this test does not ask for {other:?}"),
    };
    let began = Instant::now();
    let answer = broker.ask(service, &data, DEADLINE);
    let answer = answer.unwrap_or_else(|| panic!("no answer to {id} after {:?}", began.elapsed()));
    let reason = answer.description().to_owned();
    let request_id = id.to_owned();
    let event = match (answer.is_ok(), answer.reason()) {
        (true, _) => Event::Acknowledged { request_id, index: answer.index() },
        (false, "not_ordered") => Event::TurnedAway { request_id, reason },
        (false, _) => Event::Unknown { request_id, reason },
    };
    recorder.record("ana", event);
    answer
}
