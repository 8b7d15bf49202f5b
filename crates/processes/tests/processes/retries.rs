use std::thread;
use std::time::Duration;

use papo_audit::What;
use papo_processes::{Answer, Asker, Cluster, until};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn one_request_sent_through_two_brokers_at_once_and_once_more_takes_effect_once() {
    let mut cluster = Cluster::start();
    prepare(&cluster);
    let ports = cluster.broker_ports();
    for n in 0..40 {
        let data = json!({
            "user": "ana", "channel": "geral", "message": format!("mensagem {n}"), "request_id": format!("twice-{n}"),
        });
        let mut answers = thread::scope(|scope| {
            let asking: Vec<_> = ports.iter().map(|port| scope.spawn(|| publish(*port, &data))).collect();
            asking.into_iter().map(|thread| thread.join().expect("it asks")).collect::<Vec<_>>()
        });
        // And once more when it was answered.
        answers.push(publish(ports[n % ports.len()], &data));
        for answer in &answers {
            assert!(answer.is_ok(), "{answer:?}");
            assert_eq!(answer.data["message"], "Mensagem publicada.");
        }
    }
    assert_said_once(&cluster, 40);
    cluster.wait_until_whole();
}

#[test]
fn a_retry_after_the_coordinator_died_gets_the_first_answer_and_takes_no_effect() {
    let mut cluster = Cluster::start();
    prepare(&cluster);
    let data = json!({"user": "ana", "channel": "geral", "message": "mensagem 0", "request_id": "twice-0"});
    let first = publish(cluster.broker_port(1), &data);
    assert!(first.is_ok(), "{first:?}");
    let coordinator = cluster.coordinator();
    cluster.kill9(&coordinator);
    let again = until("the retry is answered", LIMIT, || {
        ask(cluster.broker_port(2), "publish", &data).filter(Answer::is_ok)
    });
    assert_eq!(again.data["message"], first.data["message"]);
    cluster.restart(&coordinator);
    cluster.wait_until_whole();
    assert_said_once(&cluster, 1);
}

#[test]
fn an_id_used_again_for_something_else_is_refused() {
    let cluster = Cluster::start();
    prepare(&cluster);
    let data = json!({"user": "ana", "channel": "geral", "message": "mensagem 0", "request_id": "twice-0"});
    assert!(publish(cluster.broker_port(1), &data).is_ok());
    let other = json!({"user": "ana", "channel": "geral", "message": "outra", "request_id": "twice-0"});
    let answer = publish(cluster.broker_port(2), &other);
    assert_eq!(answer.reason(), "id_reused", "{answer:?}");
    assert_said_once(&cluster, 1);
}

fn prepare(cluster: &Cluster) {
    for (service, data) in [("login", json!({"user": "ana"})), ("channel", json!({"channel": "geral"}))] {
        let answer = ask(cluster.broker_port(1), service, &data);
        assert!(answer.as_ref().is_some_and(Answer::is_ok), "{service}: {answer:?}");
    }
}

fn publish(port: u16, data: &Value) -> Answer {
    ask(port, "publish", data).expect("a client always gets an answer")
}

fn ask(port: u16, service: &str, data: &Value) -> Option<Answer> {
    Asker::new(port).ask(service, data, LIMIT)
}

/// Each of `mensagem 0`, `mensagem 1`, ... is there once, and nothing else was said, at every servidor.
fn assert_said_once(cluster: &Cluster, count: usize) {
    let read = cluster.read_back();
    assert!(read.missing.is_empty(), "{:?}", read.missing);
    let expected: Vec<String> = (0..count).map(|n| format!("mensagem {n}")).collect();
    for history in read.histories {
        let said: Vec<String> =
            history.records.into_iter().filter_map(|record| message(record.what)).collect();
        assert_eq!(said, expected, "at {}", history.servidor);
    }
}

fn message(what: What) -> Option<String> {
    match what {
        What::Publish { message, .. } => Some(message),
        _ => None,
    }
}
