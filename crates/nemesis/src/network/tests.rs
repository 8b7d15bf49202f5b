use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use papo_processes::until;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
/// As long as a test listens for what must not come.
const A_WHILE: Duration = Duration::from_millis(150);

/// A network with one listener, `a` to `b`, and both ends of a connection through it.
struct Stage {
    network: Network,
    at: SocketAddr,
    b: std::net::TcpListener,
}

impl Stage {
    fn set(from: From) -> Self {
        let network = Network::start().expect("a thread");
        let b = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let at = network.listen(anywhere, from, "b", b.local_addr().expect("bound")).expect("a port");
        Self { network, at, b }
    }

    fn connect(&self) -> (TcpStream, TcpStream) {
        let a = TcpStream::connect(self.at).expect("it listens");
        let (b, _) = self.b.accept().expect("it is led on");
        for stream in [&a, &b] {
            stream.set_read_timeout(Some(PATIENCE)).expect("a span");
        }
        (a, b)
    }
}

fn from_a() -> From {
    From::Always("a".to_owned())
}

fn hears(stream: &mut TcpStream, what: &[u8]) {
    let mut heard = vec![0; what.len()];
    stream.read_exact(&mut heard).expect("it arrives");
    assert_eq!(heard, what);
}

fn hears_nothing(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(A_WHILE)).expect("a span");
    let error = stream.read(&mut [0]).expect_err("nothing may arrive, and nobody may hang up");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    stream.set_read_timeout(Some(PATIENCE)).expect("a span");
}

fn hears_the_end(stream: &mut TcpStream) {
    match stream.read(&mut [0]) {
        Ok(read) => assert_eq!(read, 0, "nothing but the end arrives"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
}

#[test]
fn an_open_link_carries_everything_both_ways_and_the_end_of_it() {
    let stage = Stage::set(from_a());
    let (mut a, mut b) = stage.connect();
    let much = vec![7; 300_000];
    let writer = thread::spawn(move || {
        a.write_all(&much).expect("sent");
        a
    });
    hears(&mut b, &vec![7; 300_000]);
    let mut a = writer.join().expect("sent");
    b.write_all(b"back").expect("sent");
    hears(&mut a, b"back");
    drop(a);
    hears_the_end(&mut b);
    assert_eq!(stage.network.way("a", "b").passed().bytes, 300_000);
}

#[test]
fn a_way_that_is_stopped_keeps_what_is_sent_until_it_is_open_and_the_other_way_goes_on() {
    let stage = Stage::set(from_a());
    let (mut a, mut b) = stage.connect();
    let way = stage.network.way("a", "b");
    way.set(Rule::Stopped);
    a.write_all(b"late").expect("the system takes it");
    b.write_all(b"now").expect("sent");
    hears(&mut a, b"now");
    hears_nothing(&mut b);
    until("it is noticed that something waits", PATIENCE, || (way.passed().held > 0).then_some(()));
    way.set(Rule::Open);
    hears(&mut b, b"late");
}

#[test]
fn nobody_is_told_of_a_hanging_up_while_the_way_is_stopped() {
    let stage = Stage::set(from_a());
    let (a, mut b) = stage.connect();
    stage.network.way("a", "b").set(Rule::Stopped);
    stage.network.way("b", "a").set(Rule::Stopped);
    drop(a);
    hears_nothing(&mut b);
    assert_eq!(stage.network.way("a", "b").passed().held, 0, "an end is nothing that was said");
    stage.network.heal();
    hears_the_end(&mut b);
}

#[test]
fn a_broken_way_closes_what_is_connected_and_what_connects() {
    let stage = Stage::set(from_a());
    let (mut a, mut b) = stage.connect();
    let way = stage.network.way("b", "a");
    way.set(Rule::Broken);
    hears_the_end(&mut a);
    hears_the_end(&mut b);
    hears_the_end(&mut TcpStream::connect(stage.at).expect("it listens"));
    assert!(way.passed().broken >= 2);
    stage.network.heal();
    let (mut a, mut b) = stage.connect();
    a.write_all(b"again").expect("sent");
    hears(&mut b, b"again");
}

#[test]
fn a_slow_way_takes_at_least_its_latency_and_its_rate() {
    let stage = Stage::set(from_a());
    let (mut a, mut b) = stage.connect();
    let latency = Duration::from_millis(60);
    stage.network.way("a", "b").set(Rule::Slow { latency, bytes_per_second: Some(10_000) });
    let began = Instant::now();
    a.write_all(&[1; 1000]).expect("sent");
    hears(&mut b, &[1; 1000]);
    assert!(began.elapsed() >= latency + Duration::from_millis(100), "{:?}", began.elapsed());
    assert!(stage.network.way("a", "b").passed().delayed > 0);
}

#[test]
fn whoever_holds_the_connection_is_found_by_the_kernel() {
    let stage = Stage::set(From::Owner);
    stage.network.is_process("somebody", 1);
    stage.network.is_process("me", std::process::id());
    let (mut a, mut b) = stage.connect();
    a.write_all(b"hello").expect("sent");
    hears(&mut b, b"hello");
    until("it is known to be mine", PATIENCE, || {
        (stage.network.way("me", "b").passed().bytes == 5).then_some(())
    });
}

#[test]
fn a_stranger_is_led_nowhere() {
    let stage = Stage::set(From::Owner);
    hears_the_end(&mut TcpStream::connect(stage.at).expect("it listens"));
}
