//! What no client should send, to every port: a clear error to whoever asked, and nothing else changed.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use papo_processes::{Answer, Asker, Cluster, Load, LoadOptions, send_garbage, until};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(8);

/// Asks, and insists on an answer.
fn ask(asker: &mut Asker, service: &str, data: &Value) -> Answer {
    until(&format!("`{service}` is answered"), LIMIT, || asker.ask(service, data, LIMIT))
}

fn refused(asker: &mut Asker, service: &str, data: &Value) {
    let answer = ask(asker, service, data);
    assert_eq!(answer.data["status"], "erro", "{service} {data} was answered {answer:?}");
    assert!(!answer.description().is_empty(), "{service} {data} is refused without saying why");
    assert_eq!(answer.data["message"], answer.data["description"], "old clients read either");
}

#[test]
fn bad_requests_are_refused_clearly_and_change_nothing() {
    let mut cluster = Cluster::start();
    let mut asker = Asker::new(cluster.broker_port(1));
    assert!(ask(&mut asker, "login", &json!({"user": "José"})).is_ok());
    assert!(ask(&mut asker, "channel", &json!({"channel": "geral"})).is_ok());
    let names = |answer: &Answer, key: &str| answer.data[key].as_array().map(Vec::len);
    let before = ask(&mut asker, "users", &json!({}));

    let decomposed = "Jose\u{301}";
    let long = "n".repeat(10_000);
    for user in [
        "",
        " ",
        "a\u{7}b",
        "a\nb",
        &long,
        "user:ana",
        "servers",
        "serv",
        "replication",
        "repl",
        "tip:",
        "ti",
        "u",
        "a:b",
        "José",
        decomposed,
        "JOSÉ",
        "ＪＯＳÉ",
        " ana",
        "a\u{200b}na\u{202e}",
    ] {
        refused(&mut asker, "login", &json!({"user": user}));
        if !user.to_lowercase().contains("jos") && !user.contains('Ｊ') {
            refused(&mut asker, "channel", &json!({"channel": user}));
        }
    }
    refused(&mut asker, "channel", &json!({"channel": "GERAL"}));
    for data in
        [json!({}), json!({"user": 7}), json!({"user": ["a"]}), json!({"user": null}), json!([]), json!("x")]
    {
        refused(&mut asker, "login", &data);
    }
    refused(&mut asker, "publish", &json!({"user": "José", "channel": "nada", "message": "oi"}));
    refused(
        &mut asker,
        "publish",
        &json!({"user": "José", "channel": "geral", "message": "x".repeat(9_000)}),
    );
    refused(&mut asker, "publish", &json!({"user": "José", "channel": "geral", "message": ""}));
    refused(
        &mut asker,
        "publish",
        &json!({"user": "José", "channel": "geral", "message": "oi", "request_id": ""}),
    );
    refused(&mut asker, "message", &json!({"src": "José", "dst": "ninguém", "message": "oi"}));
    refused(&mut asker, "sync", &json!({"user": "José", "since": 0}));
    refused(&mut asker, "history", &json!({"user": "José", "with": "José", "session": "v1.2.00"}));
    refused(&mut asker, "users", &json!({"seen": 1_u64 << 60}));
    let unknown = ask(&mut asker, "dança", &json!({}));
    assert_eq!((unknown.service.as_str(), unknown.description()), ("erro", "Serviço não encontrado"));

    let after = ask(&mut asker, "users", &json!({}));
    assert_eq!(names(&before, "users"), names(&after, "users"), "nobody came to be");
    assert_eq!(names(&ask(&mut asker, "channels", &json!({})), "channels"), Some(1));
    cluster.assert_alike();
}

#[test]
fn advice_that_makes_no_sense_is_ignored_and_poisons_no_clock() {
    let mut cluster = Cluster::start();
    let mut asker = Asker::new(cluster.broker_port(1));
    assert!(ask(&mut asker, "channel", &json!({"channel": "geral"})).is_ok());
    let say = |asker: &mut Asker, clock: Value, timestamp: &str| {
        let data = json!({
            "user": "ana", "channel": "geral", "message": "oi", "clock": clock, "timestamp": timestamp
        });
        let answer = ask(asker, "publish", &data);
        assert!(answer.is_ok(), "{answer:?}");
        answer.data["clock"].as_u64().expect("every reply has a clock")
    };
    let honest = say(&mut asker, json!(0), "2025-11-03T21:14:07.123456");
    for clock in
        [json!(1_u64 << 63), json!((1_u64 << 53) - 1), json!(-5), json!(1e300), json!("tarde"), json!(null)]
    {
        say(&mut asker, clock, "9999-12-31T23:59:59Z");
    }
    let later = say(&mut asker, json!(honest), "ontem");
    assert!(later < honest + (1 << 20), "the clock was poisoned: {honest} became {later}");
    cluster.assert_alike();
}

#[test]
fn frames_that_are_no_requests_get_an_error_and_the_next_request_an_answer() {
    let cluster = Cluster::start();
    let mut asker = Asker::new(cluster.broker_port(1));
    let bomb: Vec<u8> = [vec![0x91; 60_000], vec![0xc0]].concat();
    let claims_much = [0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, b'a'].to_vec();
    for request in [
        vec![],
        vec![0xc1],
        b"GET / HTTP/1.1".to_vec(),
        vec![0xff; 1000],
        bomb,
        claims_much,
        vec![0; 100_000],
    ] {
        let answer = asker.ask_raw(&request, LIMIT);
        let answer = answer.unwrap_or_else(|| panic!("{} bytes of garbage hang the client", request.len()));
        assert_eq!(answer.data["status"], "erro", "{answer:?}");
        assert!(!answer.description().is_empty());
    }
    assert!(ask(&mut asker, "users", &json!({})).data["users"].is_array());
}

#[test]
fn garbage_on_every_port_harms_nobody() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions::default());
    load.wait_for_more(30);
    let messages: Vec<Vec<Vec<u8>>> = vec![
        vec![vec![]],
        vec![vec![1]],
        vec![vec![1, 1], vec![]],
        vec![vec![0; 70]; 7],
        vec![vec![], vec![0xc1]],
        vec![vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0], vec![0x82, 0xff]],
        vec![b"replication".to_vec(), vec![1, 0x93], vec![0x81]],
        vec![b"geral".to_vec(), vec![0x80], vec![1, 1, 255, 255, 255, 255, 255, 255, 255, 255]],
        vec![vec![7; 200_000]],
    ];
    for port in cluster.all_ports() {
        for kind in [zmq::DEALER, zmq::REQ, zmq::PUB, zmq::ROUTER] {
            send_garbage(port, kind, &messages);
        }
        for bytes in
            [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 300], &[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]]
        {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
                // A port that hangs up on nonsense does well.
                let _ = stream.write_all(bytes);
            }
        }
    }
    load.wait_for_more(60);
    cluster.wait_until_whole();
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
}
