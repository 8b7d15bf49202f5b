//! The server as servidores meet it: over real sockets.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use papo_service::{Health, Metrics};
use papo_transport::{Kind, SocketOptions, ZmqContext, ZmqNet};
use papo_wire::referencia::Listed;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

struct Running {
    address: SocketAddr,
    context: ZmqContext,
    metrics: Metrics,
    shutdown: Shutdown,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start() -> Self {
        let (context, metrics, shutdown) =
            (ZmqContext::new(), Metrics::new("referencia", "test"), Shutdown::new());
        let mut net = ZmqNet::new(&context).expect("a net");
        let socket = net.open(Kind::Router, &SocketOptions::default()).expect("a socket");
        let address = net.bind(socket, "127.0.0.1:0".parse().expect("an address")).expect("a port");
        let registry = Registry::new(Duration::from_secs(60));
        let mut server = Server::new(net, socket, registry, Counters::new(&metrics));
        let stop = shutdown.clone();
        let thread = thread::spawn(move || server.run(&stop, &Health::new().watch("server", PATIENCE)));
        Self { address, context, metrics, shutdown, thread: Some(thread) }
    }

    fn client(&self, kind: Kind) -> Client {
        let mut net = ZmqNet::new(&self.context).expect("a net");
        let socket = net.open(kind, &SocketOptions::default()).expect("a socket");
        net.connect(socket, self.address).expect("an address");
        Client { net, socket }
    }

    fn metric(&self, line: &str) -> bool {
        self.metrics.encode().expect("text").lines().any(|known| known == line)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.request();
        let ended = self.thread.take().expect("it was started").join();
        assert!(ended.is_ok() || thread::panicking(), "the server panicked");
    }
}

struct Client {
    net: ZmqNet,
    socket: SocketId,
}

impl Client {
    fn send(&mut self, frames: &Frames) {
        let deadline = Instant::now() + PATIENCE;
        // A dealer takes nothing until it is connected.
        while let Err(error) = self.net.send(self.socket, frames.clone()) {
            assert!(Instant::now() < deadline, "not sent: {error}");
            self.net.wait(Some(Duration::from_millis(5)), &mut Vec::new());
        }
    }

    fn receive(&mut self) -> Frames {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(frames) = self.net.receive(self.socket) {
                return frames;
            }
            assert!(Instant::now() < deadline, "no answer came");
            self.net.wait(Some(Duration::from_millis(100)), &mut Vec::new());
        }
    }

    fn ask(&mut self, frames: &Frames) -> (Reply, Lamport) {
        self.send(frames);
        let answer = self.receive();
        assert_eq!(answer.len(), 1, "{answer:?}");
        Reply::decode(&answer[0]).expect("an answer")
    }

    fn request(&mut self, request: &Request) -> Reply {
        self.ask(&vec![request.encode(WallTime::EPOCH, Lamport::default())]).0
    }
}

fn rank_request(name: &str) -> Request {
    Request::Rank { user: name.to_owned(), p2p_address: format!("{name}:5570"), rank: None }
}

#[test]
fn a_servidor_registers_beats_and_is_listed() {
    let running = Running::start();
    let mut servidor = running.client(Kind::Request);
    assert_eq!(servidor.request(&rank_request("servidor-1")), Reply::Rank(1));
    assert_eq!(servidor.request(&Request::Heartbeat { user: "servidor-1".to_owned() }), Reply::Heartbeat);
    let listed = Listed { name: "servidor-1".to_owned(), rank: 1, address: "servidor-1:5570".to_owned() };
    assert_eq!(running.client(Kind::Request).request(&Request::List), Reply::List(vec![listed]));
    assert!(running.metric(r#"papo_referencia_requests_total{service="list"} 1"#));
}

#[test]
fn bad_input_is_answered_and_counted_and_the_server_goes_on() {
    let running = Running::start();
    let nonsense: [Frames; 4] = [
        vec![b"\xc1".to_vec()],
        vec![b"\x91".repeat(100)],
        vec![b"one".to_vec(), b"two".to_vec()],
        vec![b"\x82\xa7service\xa4what\xa4data\x80".to_vec()],
    ];
    let mut client = running.client(Kind::Request);
    for frames in nonsense {
        let (reply, _) = client.ask(&frames);
        assert!(matches!(reply, Reply::Refused { .. }), "{frames:?} got {reply:?}");
    }
    assert!(running.metric("papo_referencia_bad_input_total 4"), "{:?}", running.metrics.encode());
    assert_eq!(client.request(&rank_request("servidor-1")), Reply::Rank(1));
}

#[test]
fn a_dealer_without_an_empty_frame_is_answered_as_it_asked() {
    let running = Running::start();
    let (reply, _) =
        running.client(Kind::Dealer).ask(&vec![Request::List.encode(WallTime::EPOCH, Lamport::default())]);
    assert_eq!(reply, Reply::List(Vec::new()));
}

#[test]
fn answers_carry_a_lamport_clock_that_no_client_can_poison() {
    let running = Running::start();
    let mut client = running.client(Kind::Request);
    let mut ask =
        |clock| client.ask(&vec![Request::List.encode(WallTime::EPOCH, Lamport::new(clock))]).1.get();
    assert_eq!(ask(0), 2);
    assert!(ask(100) > 100);
    assert!(ask(u64::MAX) < 1000);
}
