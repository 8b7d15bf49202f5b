//! What no client should send, to every port: a clear error to whoever asked, and nothing else changed.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use papo_processes::{Answer, Asker, Cluster, Load, LoadOptions, get, send_garbage, until};
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

fn referencia_port(cluster: &Cluster) -> u16 {
    let arguments = cluster.arguments("referencia");
    let port = arguments.iter().find_map(|argument| argument.strip_prefix("--port="));
    port.and_then(|port| port.parse().ok()).expect("it is told its port")
}

/// The number that a process shows for a metric with these labels, as they are written; 0 where it shows none.
fn counted(cluster: &Cluster, process: &str, metric: &str) -> u64 {
    let page = get(cluster.http_port(process), "/metrics").expect("its pages answer");
    let value = page.body.lines().find_map(|line| line.strip_prefix(metric)?.trim().parse().ok());
    value.unwrap_or(0)
}

/// What a line of the log gives as `count`.
fn count_in(line: &str) -> Option<u64> {
    line.split_once("count=")?.1.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_bad_request_is_counted_and_told_in_the_log_and_a_flood_of_them_does_not_flood_it() {
    const FLOOD: u64 = 300;
    let cluster = Cluster::start();
    let port = cluster.servidor_port("servidor-1");
    let mut asker = Asker::new(port);
    let metric = "papo_servidor_bad_requests_total{reason=\"not_msgpack\"}";
    let before = counted(&cluster, "servidor-1", metric);
    let began = Instant::now();
    for _ in 0..FLOOD {
        let answer = asker.ask_raw(b"GET / HTTP/1.1", LIMIT).expect("it is answered");
        assert_eq!(answer.data["status"], "erro");
    }
    assert_eq!(counted(&cluster, "servidor-1", metric) - before, FLOOD);
    let log = cluster.log_tail("servidor-1", 10_000);
    let took = began.elapsed();
    let lines = log.lines().filter(|line| line.contains("bad requests")).count() as u64;
    assert!(lines >= 1, "the log says nothing of it:\n{log}");
    assert!(lines <= took.as_secs() + 1, "{lines} lines in {took:?}");
    assert!(log.contains("not_msgpack"), "it does not say what is wrong:\n{log}");
    until("the log has told of all of them", LIMIT, || {
        let log = cluster.log_tail("servidor-1", 10_000);
        let bad = log.lines().filter(|line| line.contains("bad requests"));
        let told: u64 = bad.filter_map(count_in).sum();
        (told == FLOOD).then_some(())
    });

    // Through a broker: one of the servidores had it, and says so, if it is the one that was flooded too.
    let mut through_broker = Asker::new(cluster.broker_port(1));
    refused(&mut through_broker, "login", &json!({"user": 7}));
    until("a servidor has counted and told it", LIMIT, || {
        let told = cluster.servidores().into_iter().any(|name| {
            counted(&cluster, &name, "papo_servidor_bad_requests_total{reason=\"wrong_type\"}") > 0
                && cluster.log_tail(&name, 10_000).contains("wrong_type")
        });
        told.then_some(())
    });
}

#[test]
fn a_request_of_several_frames_is_refused_at_every_port_that_answers() {
    let cluster = Cluster::start();
    for port in [cluster.broker_port(1), cluster.servidor_port("servidor-1"), referencia_port(&cluster)] {
        let answer = ask_in_frames(port, &[b"\x80", b"\x80"]);
        let answer = answer.unwrap_or_else(|| panic!("port {port} leaves whoever sends two frames hanging"));
        assert_eq!(answer.data["status"], "erro", "{answer:?}");
        assert!(answer.description().contains("quadro"), "{answer:?}");
    }
    let metric = "papo_servidor_bad_requests_total{reason=\"frames\"}";
    assert_eq!(counted(&cluster, "servidor-1", metric), 1);
}

/// Asks with that payload in several frames.
fn ask_in_frames(port: u16, frames: &[&[u8]]) -> Option<Answer> {
    let socket = zmq::Context::new().socket(zmq::REQ).expect("there are sockets left");
    socket.set_linger(0).expect("linger can be set");
    socket.connect(&format!("tcp://127.0.0.1:{port}")).expect("the address is well formed");
    socket.send_multipart(frames, 0).expect("it is queued");
    let limit = i64::try_from(LIMIT.as_millis()).expect("it is a few seconds");
    (socket.poll(zmq::POLLIN, limit) == Ok(1))
        .then(|| socket.recv_bytes(zmq::DONTWAIT).ok())
        .flatten()
        .and_then(|answer| rmp_serde::from_slice(&answer).ok())
}

#[test]
fn a_request_that_is_too_long_is_told_so_and_one_beyond_all_bounds_harms_nobody_else() {
    let mut cluster = Cluster::start();
    let ports = [cluster.broker_port(1), cluster.servidor_port("servidor-1"), referencia_port(&cluster)];
    for port in ports {
        let mut asker = Asker::new(port);
        for bytes in [70_000, 1_500_000, 4_000_000] {
            let answer = asker.ask_raw(&vec![0xc0; bytes], LIMIT);
            let answer = answer.unwrap_or_else(|| panic!("port {port}: no answer to {bytes} bytes"));
            assert_eq!(answer.data["status"], "erro", "{answer:?}");
            assert!(!answer.description().is_empty(), "{answer:?}");
        }
    }
    let metric = "papo_broker_requests_total{outcome=\"too_large\"}";
    until("the broker has counted them", LIMIT, || {
        (counted(&cluster, "broker-1", metric) >= 3).then_some(())
    });

    // Beyond that the connection ends: there is no answer, and no other connection notices.
    for port in ports {
        send_garbage(port, zmq::DEALER, &[vec![vec![], vec![0xc0; 20 << 20]]]);
    }
    assert!(ask(&mut Asker::new(ports[0]), "users", &json!({})).data["users"].is_array());
    assert!(ask(&mut Asker::new(ports[1]), "status", &json!({})).data["role"].is_string());
    assert!(ask(&mut Asker::new(ports[2]), "list", &json!({})).data["list"].is_array());
    cluster.assert_alike();
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
