//! The proxy's loop, the same plays over ZeroMQ and over memory.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::Parser;
use papo_proxy::{Proxy, ProxyMetrics, ProxySettings, StartError};
use papo_service::{Health, Metrics, Shutdown};
use papo_transport::{
    Frames, Kind, MemoryFabric, MemoryNet, Net, SocketId, SocketOptions, ZmqContext, ZmqNet,
};
use papo_wire::stamp::Stamp;

/// Long enough for anything that happens at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes nets that reach one another.
trait Fabric {
    type Net: Net + Send + 'static;

    fn net(&self) -> Self::Net;
}

impl Fabric for ZmqContext {
    type Net = ZmqNet;

    fn net(&self) -> ZmqNet {
        ZmqNet::new(self).expect("a net")
    }
}

impl Fabric for MemoryFabric {
    type Net = MemoryNet;

    fn net(&self) -> MemoryNet {
        Self::net(self)
    }
}

/// Declares each play as a test on each fabric.
macro_rules! plays {
    ($($play:ident),* $(,)?) => {
        mod over_zeromq {
            $(#[test] fn $play() { super::$play(&super::ZmqContext::new()); })*
        }
        mod over_memory {
            $(#[test] fn $play() { super::$play(&super::MemoryFabric::new()); })*
        }
    };
}

plays![
    a_publication_reaches_its_subscribers_without_its_stamp,
    two_publishers_of_one_log_are_one_stream,
    what_would_catch_other_peoples_messages_is_refused,
    strict_rules_keep_private_messages_in,
    a_cancelled_subscription_is_over_and_can_be_made_again,
    one_subscribers_cancellation_is_not_anothers,
    a_subscriber_that_does_not_read_slows_nobody,
    garbage_of_publishers_is_dropped_and_counted,
    a_proxy_that_is_stopped_forwards_what_has_arrived,
    a_proxy_takes_subscribers_once_the_coordinator_has_found_it_and_announces_it_once,
    health_and_numbers_are_shown,
];

fn a_publication_reaches_its_subscribers_without_its_stamp(fabric: &impl Fabric) {
    let proxy = RunningProxy::start(fabric, &[]);
    let mut publisher = Publisher::connect(fabric, &proxy);
    let mut ana = Subscriber::connect(fabric, &proxy, &["geral"]);
    publisher.settle(&mut [(&mut ana, "geral")]);
    publisher.say("outro", 1);
    publisher.say("geralmente", 2);
    publisher.say("geral", 3);
    assert_eq!(ana.receive(), message("geral", 3));
}

fn two_publishers_of_one_log_are_one_stream(fabric: &impl Fabric) {
    let proxy = RunningProxy::start(fabric, &[]);
    let mut first = Publisher::connect(fabric, &proxy);
    let mut second = Publisher::connect(fabric, &proxy);
    let mut ana = Subscriber::connect(fabric, &proxy, &["geral", "servers"]);
    first.settle(&mut [(&mut ana, "geral")]);
    second.settle(&mut [(&mut ana, "geral")]);
    // A coordinator that dies, and a successor that repeats the end of what was published, as each runs into the other.
    for index in 1..=60 {
        first.say("geral", index);
        if index > 30 {
            second.say("geral", index - 30);
        }
    }
    for index in 31..=100 {
        second.say("geral", index);
    }
    let mut last = 0;
    while last < 100 {
        let frames = ana.receive();
        let index = (last + 1..=100).find(|index| frames == message("geral", *index));
        last = index.unwrap_or_else(|| panic!("after {last} came {frames:?}"));
    }
    first.publish("servers", b"2", Stamp::Epoch(2));
    second.publish("servers", b"1", Stamp::Epoch(1));
    second.publish("servers", b"3", Stamp::Epoch(3));
    let mut epochs = Vec::new();
    while epochs.last() != Some(&"3".to_owned()) {
        epochs.push(String::from_utf8(ana.receive()[1].clone()).expect("text"));
    }
    assert!(epochs.is_sorted_by(|before, after| before < after), "{epochs:?}");
}

fn what_would_catch_other_peoples_messages_is_refused(fabric: &impl Fabric) {
    let proxy = RunningProxy::start(fabric, &[]);
    let mut publisher = Publisher::connect(fabric, &proxy);
    let refused =
        ["", "u", "user", "user:", "s", "server", "t", "tip", "tip:", "tip:user:", "r", "replication", "a:b"];
    let mut spy = Subscriber::connect(fabric, &proxy, &refused);
    spy.subscribe("servers");
    let mut ana = Subscriber::connect(fabric, &proxy, &["user:ana", "geral", "tip:user:ana"]);
    publisher.settle(&mut [(&mut spy, "servers"), (&mut ana, "user:ana")]);
    for (verdict, number) in [("beginning", 10), ("replication", 1), ("not_a_topic", 2), ("accepted", 4)] {
        proxy.wait_for_metric(&format!("papo_proxy_subscriptions_total{{verdict=\"{verdict}\"}} {number}"));
    }
    publisher.say("user:ana", 1);
    publisher.say("geral", 2);
    publisher.publish("tip:user:ana", b"tip", Stamp::Unordered);
    publisher.publish("servers", b"announcement", Stamp::Epoch(1));
    assert_eq!(ana.receive(), message("user:ana", 1));
    assert_eq!(ana.receive(), message("geral", 2));
    assert_eq!(ana.receive(), [b"tip:user:ana".to_vec(), b"tip".to_vec()]);
    assert_eq!(
        spy.receive(),
        [b"servers".to_vec(), b"announcement".to_vec()],
        "the first that the spy is sent"
    );
}

fn strict_rules_keep_private_messages_in(fabric: &impl Fabric) {
    let proxy = RunningProxy::start(fabric, &["--subscriptions=strict"]);
    let mut publisher = Publisher::connect(fabric, &proxy);
    let mut ana = Subscriber::connect(fabric, &proxy, &["user:ana", "tip:user:ana"]);
    publisher.settle(&mut [(&mut ana, "tip:user:ana")]);
    proxy.wait_for_metric(r#"papo_proxy_subscriptions_total{verdict="private"} 1"#);
    publisher.say("user:ana", 1);
    publisher.publish("tip:user:ana", b"1", Stamp::Unordered);
    assert_eq!(ana.receive(), [b"tip:user:ana".to_vec(), b"1".to_vec()]);
}

fn a_cancelled_subscription_is_over_and_can_be_made_again(fabric: &impl Fabric) {
    let proxy = RunningProxy::start(fabric, &[]);
    let mut publisher = Publisher::connect(fabric, &proxy);
    let mut ana = Subscriber::connect(fabric, &proxy, &["geral", "rust"]);
    publisher.settle(&mut [(&mut ana, "geral")]);
    ana.unsubscribe("geral");
    proxy.wait_for_metric("papo_proxy_cancellations_total 1");
    publisher.say("geral", 1);
    publisher.say("rust", 2);
    assert_eq!(ana.receive(), message("rust", 2));
    ana.subscribe("geral");
    proxy.wait_for_metric(r#"papo_proxy_subscriptions_total{verdict="accepted"} 3"#);
    publisher.say("geral", 3);
    assert_eq!(ana.receive(), message("geral", 3));
}

fn one_subscribers_cancellation_is_not_anothers(fabric: &impl Fabric) {
    let proxy = RunningProxy::start(fabric, &[]);
    let mut publisher = Publisher::connect(fabric, &proxy);
    let mut stays = Subscriber::connect(fabric, &proxy, &["geral"]);
    let mut leaves = Subscriber::connect(fabric, &proxy, &["geral"]);
    let mut vanishes = Subscriber::connect(fabric, &proxy, &["geral"]);
    publisher.settle(&mut [(&mut stays, "geral"), (&mut leaves, "geral"), (&mut vanishes, "geral")]);
    leaves.unsubscribe("geral");
    drop(vanishes);
    proxy.wait_for_metric("papo_proxy_cancellations_total 2");
    publisher.say("geral", 1);
    assert_eq!(stays.receive(), message("geral", 1));
}

fn a_subscriber_that_does_not_read_slows_nobody(fabric: &impl Fabric) {
    let proxy = RunningProxy::start(fabric, &["--subscriber-queue=4"]);
    let mut publisher = Publisher::connect(fabric, &proxy);
    let mut slow = Subscriber::connect(fabric, &proxy, &["geral"]);
    let mut quick = Subscriber::connect(fabric, &proxy, &["geral"]);
    publisher.settle(&mut [(&mut slow, "geral"), (&mut quick, "geral")]);
    // More than all buffers between the proxy and the slow one can hold.
    let long = vec![b'x'; 256 * 1024];
    for index in 1..=200 {
        publisher.publish("geral", &long, Stamp::Index(index));
        assert_eq!(quick.receive()[1].len(), long.len());
    }
    proxy.wait_for_metric(r#"papo_proxy_forwarded_total{kind="message"} 200"#);
    let got = std::iter::from_fn(|| slow.receive_now()).count();
    assert!(got < 200, "the slow one's queue was endless: {got}");
    // And it is served again once it reads.
    publisher.settle(&mut [(&mut slow, "geral")]);
    publisher.say("geral", 201);
    assert_eq!(slow.receive(), message("geral", 201));
}

fn garbage_of_publishers_is_dropped_and_counted(fabric: &impl Fabric) {
    let proxy = RunningProxy::start(fabric, &[]);
    let mut publisher = Publisher::connect(fabric, &proxy);
    let mut ana = Subscriber::connect(fabric, &proxy, &["geral"]);
    publisher.settle(&mut [(&mut ana, "geral")]);
    let absurd = Stamp::Index(1 << 60).encode();
    let secret = Stamp::Unordered.encode();
    let garbage: [&[&[u8]]; 6] = [
        &[b"geral"],
        &[b"geral", b"old style"],
        &[b"geral", b"payload", b"no stamp"],
        &[b"geral", b"payload", &absurd],
        &[b"replication", b"log", &secret],
        &[b"geral", b"payload", &secret, b"more"],
    ];
    for frames in garbage {
        publisher.send(frames);
    }
    for (reason, number) in [("frames", 3), ("stamp", 1), ("absurd", 1), ("topic", 1)] {
        proxy.wait_for_metric(&format!("papo_proxy_dropped_total{{reason=\"{reason}\"}} {number}"));
    }
    publisher.say("geral", 1);
    assert_eq!(ana.receive(), message("geral", 1));
}

fn a_proxy_that_is_stopped_forwards_what_has_arrived(fabric: &impl Fabric) {
    let mut proxy = RunningProxy::start(fabric, &[]);
    let mut publisher = Publisher::connect(fabric, &proxy);
    let mut ana = Subscriber::connect(fabric, &proxy, &["geral"]);
    publisher.settle(&mut [(&mut ana, "geral")]);
    for index in 1..=50 {
        publisher.say("geral", index);
    }
    proxy.wait_for_metric("papo_proxy_index 50");
    proxy.shutdown.request();
    proxy.wait_until_stopped();
    assert!(proxy.health.ready().is_err());
    for index in 1..=50 {
        assert_eq!(ana.receive(), message("geral", index));
    }
}

fn a_proxy_takes_subscribers_once_the_coordinator_has_found_it_and_announces_it_once(fabric: &impl Fabric) {
    let proxy = RunningProxy::start(fabric, &[]);
    let mut ana = Subscriber::connect(fabric, &proxy, &["servers", "geral"]);
    let mut publisher = Publisher::connect(fabric, &proxy);
    publisher.settle(&mut [(&mut ana, "geral")]);
    assert!(proxy.health.ready().is_err(), "tips come from anybody");
    for _ in 0..3 {
        publisher.publish("servers", b"announcement", Stamp::Epoch(2));
    }
    wait_until("it is ready", || proxy.health.ready().is_ok());
    proxy.wait_for_metric(r#"papo_proxy_dropped_total{reason="repeated"} 2"#);
    publisher.say("geral", 1);
    assert_eq!(ana.receive()[1], b"announcement");
    assert_eq!(ana.receive(), message("geral", 1));
}

fn health_and_numbers_are_shown(fabric: &impl Fabric) {
    let proxy = RunningProxy::start(fabric, &[]);
    wait_until("it has started", || proxy.health.is_started());
    assert_eq!(proxy.health.live(), Ok(()));
    for line in [
        "papo_proxy_index 0",
        "papo_proxy_epoch 0",
        "papo_proxy_garbage_total 0",
        r#"papo_proxy_forwarded_total{kind="announcement"} 0"#,
        r#"papo_proxy_dropped_total{reason="stale"} 0"#,
        r#"papo_proxy_subscriptions_total{verdict="accepted"} 0"#,
    ] {
        proxy.wait_for_metric(line);
    }
}

/// Nets of ours send nothing up but subscriptions; others' may.
#[test]
fn garbage_of_subscribers_harms_nobody() {
    let context = ZmqContext::new();
    let proxy = RunningProxy::start(&context, &[]);
    let mut publisher = Publisher::connect(&context, &proxy);
    let mut ana = Subscriber::connect(&context, &proxy, &["geral"]);
    publisher.settle(&mut [(&mut ana, "geral")]);
    let vandal = zmq::Context::new().socket(zmq::XSUB).expect("a socket");
    vandal.set_linger(0).expect("set");
    vandal.connect(&format!("tcp://{}", proxy.subscribers)).expect("an address");
    vandal.send(&b"\x01"[..], 0).expect("sent");
    proxy.wait_for_metric(r#"papo_proxy_subscriptions_total{verdict="beginning"} 1"#);
    vandal.send(&b"\x02what?"[..], 0).expect("sent");
    vandal.send(&b""[..], 0).expect("sent");
    vandal.send_multipart([&b"\x02many"[..], b"frames"], 0).expect("sent");
    proxy.wait_for_metric("papo_proxy_garbage_total 3");
    proxy.wait_for_metric("papo_proxy_subscribers 2");
    proxy.wait_for_metric("papo_proxy_active_subscriptions 1");
    // No ZMTP at all: the connection is ended.
    let mut stranger = std::net::TcpStream::connect(proxy.subscribers).expect("it listens");
    std::io::Write::write_all(&mut stranger, &[b'?'; 64]).expect("sent");
    proxy.wait_for_metric("papo_proxy_garbage_total 4");
    publisher.say("geral", 1);
    assert_eq!(ana.receive(), message("geral", 1));
    let nothing = vandal.recv_bytes(zmq::DONTWAIT);
    assert_eq!(nothing, Err(zmq::Error::EAGAIN), "the refused one is sent nothing");
}

/// What an open subscription costs when its owner comes and goes.
#[test]
fn subscribers_that_come_and_go_leave_the_proxy_standing() {
    let context = ZmqContext::new();
    let proxy = RunningProxy::start(&context, &[]);
    let mut publisher = Publisher::connect(&context, &proxy);
    for round in 0..100 {
        let mut passer = Subscriber::connect(&context, &proxy, &["geral", "", "user:ana"]);
        if round % 10 == 0 {
            publisher.settle(&mut [(&mut passer, "user:ana")]);
        }
    }
    let mut ana = Subscriber::connect(&context, &proxy, &["geral"]);
    publisher.settle(&mut [(&mut ana, "geral")]);
    publisher.say("geral", 1);
    assert_eq!(ana.receive(), message("geral", 1));
}

#[test]
fn a_port_in_use_is_named() {
    let context = ZmqContext::new();
    let first = RunningProxy::start(&context, &[]);
    let taken = ProxySettings { subscriber_port: first.subscribers.port(), ..settings(&[]) };
    let metrics = ProxyMetrics::new(&Metrics::new("proxy", "0"));
    let error = Proxy::bind(Fabric::net(&context), &taken, metrics).err().expect("the port is taken");
    assert!(matches!(error, StartError::Bind { whom: "subscribers", .. }));
    assert_eq!(
        error.to_string(),
        format!("cannot listen for subscribers: {}: port in use", first.subscribers)
    );
}

fn settings(more: &[&str]) -> ProxySettings {
    let ports = ["proxy", "--listen=127.0.0.1", "--publisher-port=0", "--subscriber-port=0"];
    ProxySettings::try_parse_from(ports.iter().chain(more)).expect("right settings")
}

/// A proxy that runs in a thread, and is told to stop when dropped.
struct RunningProxy {
    publishers: SocketAddr,
    subscribers: SocketAddr,
    shutdown: Shutdown,
    health: Health,
    metrics: Metrics,
    thread: Option<JoinHandle<()>>,
}

impl RunningProxy {
    fn start(fabric: &impl Fabric, more: &[&str]) -> Self {
        let metrics = Metrics::new("proxy", "0");
        let proxy = Proxy::bind(fabric.net(), &settings(more), ProxyMetrics::new(&metrics)).expect("bound");
        let (publishers, subscribers) = (proxy.publisher_address(), proxy.subscriber_address());
        let (shutdown, health) = (Shutdown::new(), Health::new());
        let (its_shutdown, its_health) = (shutdown.clone(), health.clone());
        let thread = thread::spawn(move || proxy.run(&its_shutdown, &its_health));
        Self { publishers, subscribers, shutdown, health, metrics, thread: Some(thread) }
    }

    fn wait_for_metric(&self, line: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let shown = self.metrics.encode().expect("text");
            if shown.lines().any(|shown| shown == line) {
                return;
            }
            assert!(Instant::now() < end, "not within {PATIENCE:?}: {line}, but\n{shown}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn wait_until_stopped(&mut self) {
        let thread = self.thread.take().expect("it is waited for once");
        wait_until("the proxy stops", || thread.is_finished());
        thread.join().expect("the proxy ends well");
    }
}

impl Drop for RunningProxy {
    fn drop(&mut self) {
        self.shutdown.request();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the proxy panicked");
        }
    }
}

/// A servidor, as far as the proxy knows one.
struct Publisher<N> {
    net: N,
    socket: SocketId,
    settled: u32,
}

impl<N: Net> Publisher<N> {
    fn connect(fabric: &impl Fabric<Net = N>, proxy: &RunningProxy) -> Self {
        let mut net = fabric.net();
        let socket = net.open(Kind::Publish, &SocketOptions::default()).expect("a socket");
        net.connect(socket, proxy.publishers).expect("an address");
        Self { net, socket, settled: 0 }
    }

    fn say(&mut self, topic: &str, index: u64) {
        self.publish(topic, format!("message {index}").as_bytes(), Stamp::Index(index));
    }

    fn publish(&mut self, topic: &str, payload: &[u8], stamp: Stamp) {
        self.send(&[topic.as_bytes(), payload, &stamp.encode()]);
    }

    fn send(&mut self, frames: &[&[u8]]) {
        let frames = frames.iter().map(|frame| frame.to_vec()).collect();
        self.net.send(self.socket, frames).expect("a publisher is never full");
    }

    /// Publishes until every one of these subscribers is reached on that topic of its own. ZeroMQ connects and
    /// subscribes in the background, and what is published before is lost.
    fn settle(&mut self, subscribers: &mut [(&mut Subscriber<N>, &str)]) {
        let end = Instant::now() + PATIENCE;
        for (subscriber, topic) in subscribers {
            self.settled += 1;
            let word = format!("settling {}", self.settled).into_bytes();
            loop {
                assert!(Instant::now() < end, "nothing arrives");
                self.publish(topic, &word, Stamp::Unordered);
                if subscriber.hears(&word) {
                    break;
                }
            }
        }
    }
}

/// A client, as far as the proxy knows one.
struct Subscriber<N> {
    net: N,
    socket: SocketId,
}

impl<N: Net> Subscriber<N> {
    fn connect(fabric: &impl Fabric<Net = N>, proxy: &RunningProxy, topics: &[&str]) -> Self {
        let mut net = fabric.net();
        let options = SocketOptions { receive_queue: 100, ..SocketOptions::default() };
        let socket = net.open(Kind::Subscribe, &options).expect("a socket");
        net.connect(socket, proxy.subscribers).expect("an address");
        let mut this = Self { net, socket };
        topics.iter().for_each(|topic| this.subscribe(topic));
        this
    }

    fn subscribe(&mut self, topic: &str) {
        self.net.subscribe(self.socket, topic.as_bytes());
    }

    fn unsubscribe(&mut self, topic: &str) {
        self.net.unsubscribe(self.socket, topic.as_bytes());
    }

    /// The next message that is not there for settling.
    fn receive(&mut self) -> Frames {
        let end = Instant::now() + PATIENCE;
        let mut ready = Vec::new();
        loop {
            if let Some(frames) = self.receive_now() {
                return frames;
            }
            assert!(Instant::now() < end, "nothing came");
            self.net.wait(Some(Duration::from_millis(100)), &mut ready);
        }
    }

    fn receive_now(&mut self) -> Option<Frames> {
        loop {
            let frames = self.net.receive(self.socket)?;
            if !frames[1].starts_with(b"settling") {
                return Some(frames);
            }
        }
    }

    /// Whether this word arrives soon. What arrives before it is gone.
    fn hears(&mut self, word: &[u8]) -> bool {
        let end = Instant::now() + Duration::from_millis(20);
        let mut ready = Vec::new();
        while Instant::now() < end {
            while let Some(frames) = self.net.receive(self.socket) {
                if frames[1] == word {
                    return true;
                }
            }
            self.net.wait(Some(Duration::from_millis(5)), &mut ready);
        }
        false
    }
}

fn message(topic: &str, index: u64) -> Frames {
    vec![topic.as_bytes().to_vec(), format!("message {index}").into_bytes()]
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
