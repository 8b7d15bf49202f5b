//! The real binary: it starts, answers, stops when asked, and says why it cannot start.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use papo_core::clock::{Lamport, WallTime};
use papo_transport::{Kind, Net, SocketOptions, ZmqContext, ZmqNet};
use papo_wire::referencia::{Reply, Request};
use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(30);

/// A running binary. Killed if the test fails.
struct Referencia {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Referencia {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_referencia"))
            .args(["--listen", "127.0.0.1"])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let log = BufReader::new(child.stderr.take().expect("piped"));
        Self { child, log }
    }

    fn address(&mut self) -> SocketAddr {
        for line in self.log.by_ref().lines() {
            let event: serde_json::Value = serde_json::from_str(&line.expect("text")).expect("JSON");
            if event["message"] == "listening" {
                return event["address"].as_str().expect("an address").parse().expect("an address");
            }
        }
        panic!("it never listened");
    }

    fn end(mut self) -> (i32, String) {
        let mut log = String::new();
        self.log.read_to_string(&mut log).expect("text");
        (self.child.wait().expect("a child").code().expect("no signal killed it"), log)
    }
}

impl Drop for Referencia {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().expect("killed");
            self.child.wait().expect("reaped");
        }
    }
}

fn ask(address: SocketAddr, request: &Request) -> Reply {
    let mut net = ZmqNet::new(&ZmqContext::new()).expect("a net");
    let socket = net.open(Kind::Request, &SocketOptions::default()).expect("a socket");
    net.connect(socket, address).expect("an address");
    net.send(socket, vec![request.encode(WallTime::EPOCH, Lamport::default())]).expect("queued");
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(frames) = net.receive(socket) {
            return Reply::decode(&frames[0]).expect("an answer").0;
        }
        assert!(Instant::now() < deadline, "no answer came");
        net.wait(Some(Duration::from_millis(100)), &mut Vec::new());
    }
}

#[test]
fn it_answers_and_stops_with_0_on_sigterm() {
    let mut referencia = Referencia::start(&["--port", "0"]);
    let address = referencia.address();
    let request = Request::Rank {
        user: "servidor-1".to_owned(),
        p2p_address: "servidor-1:5570".to_owned(),
        rank: None,
    };
    assert_eq!(ask(address, &request), Reply::Rank(1));
    kill_process(Pid::from_child(&referencia.child), Signal::TERM).expect("it is there");
    let (code, log) = referencia.end();
    assert_eq!(code, 0, "{log}");
}

#[test]
fn a_port_in_use_is_a_clear_error_and_78() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (code, log) = Referencia::start(&["--port", &port]).end();
    assert_eq!(code, 78, "{log}");
    assert!(log.contains(&format!("127.0.0.1:{port}: port in use")), "{log}");
}

#[test]
fn a_wrong_flag_is_told_and_64() {
    let (code, log) = Referencia::start(&["--expiry", "soon"]).end();
    assert_eq!(code, 64, "{log}");
    assert!(log.contains("--expiry soon: a whole number and its unit"), "{log}");
}
