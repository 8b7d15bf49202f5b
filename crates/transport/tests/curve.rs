//! Sockets that speak CURVE: libzmq's, and the one that is ours against libzmq's.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use papo_transport::{
    BindError, CurveError, CurveKeys, Frames, Kind, Net, SendError, SocketId, SocketOptions, ZmqContext,
    ZmqNet,
};

const DEADLINE: Duration = Duration::from_secs(20);

/// A system's key pair, in Z85.
struct System {
    public: String,
    secret: String,
}

impl System {
    fn new() -> Self {
        let pair = zmq::CurveKeyPair::new().unwrap();
        let encode = |key: &[u8]| zmq::z85_encode(key).unwrap();
        Self { public: encode(&pair.public_key), secret: encode(&pair.secret_key) }
    }

    fn service(&self) -> ZmqNet {
        let keys = CurveKeys::service(&self.public, &self.secret).unwrap();
        ZmqNet::new(&ZmqContext::with_curve(keys).unwrap()).unwrap()
    }

    fn client(&self) -> ZmqNet {
        let keys = CurveKeys::client(&self.public).unwrap();
        ZmqNet::new(&ZmqContext::with_curve(keys).unwrap()).unwrap()
    }
}

fn without_keys() -> ZmqNet {
    ZmqNet::new(&ZmqContext::new()).unwrap()
}

fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn open(net: &mut ZmqNet, kind: Kind) -> SocketId {
    net.open(kind, &SocketOptions::default()).unwrap()
}

fn body(text: &str) -> Frames {
    vec![text.as_bytes().to_vec()]
}

fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
    }
}

fn turn(net: &mut ZmqNet) {
    net.wait(Some(Duration::from_millis(2)), &mut Vec::new());
}

fn receive(net: &mut ZmqNet, socket: SocketId) -> Frames {
    eventually("a message", || {
        turn(net);
        net.receive(socket)
    })
}

/// Sends from a dealer until one message has arrived; `None` when an honest dealer got through before.
fn arrives(router: (&mut ZmqNet, SocketId), stranger: &mut ZmqNet, honest: &mut ZmqNet) -> Option<Frames> {
    let (here, socket) = router;
    let address = here.bind(socket, anywhere()).unwrap();
    let suspect = open(stranger, Kind::Dealer);
    stranger.connect(suspect, address).unwrap();
    for _ in 0..50 {
        // Long enough for a handshake on this host; the honest one below is the measure.
        turn(stranger);
        turn(here);
        assert_eq!(stranger.send(suspect, body("let me in")), Err(SendError::Full), "never connected");
    }
    let known = open(honest, Kind::Dealer);
    honest.connect(known, address).unwrap();
    eventually("the honest one", || {
        turn(here);
        turn(honest);
        let _ = stranger.send(suspect, body("let me in"));
        honest.send(known, body("honest")).ok()
    });
    let first = receive(here, socket);
    (first[1] != b"honest").then_some(first)
}

#[test]
fn services_and_clients_of_one_system_talk() {
    let system = System::new();
    let (mut service, mut client, mut other) = (system.service(), system.client(), system.service());
    let router = open(&mut service, Kind::Router);
    let address = service.bind(router, anywhere()).unwrap();
    for net in [&mut client, &mut other] {
        let request = open(net, Kind::Request);
        net.connect(request, address).unwrap();
        net.send(request, body("?")).unwrap();
        let question = receive(&mut service, router);
        assert_eq!(question[3], b"?");
        service.send(router, question).unwrap();
        assert_eq!(receive(net, request), body("?"));
    }
}

#[test]
fn whoever_has_no_keys_or_another_systems_is_not_heard() {
    let (system, other) = (System::new(), System::new());
    for mut stranger in [without_keys(), other.client(), other.service()] {
        let mut service = system.service();
        let router = open(&mut service, Kind::Router);
        assert_eq!(arrives((&mut service, router), &mut stranger, &mut system.client()), None);
    }
}

#[test]
fn subscribers_of_the_system_are_served_and_others_are_not() {
    let (system, other) = (System::new(), System::new());
    let mut service = system.service();
    let proxy = open(&mut service, Kind::ProxyOut);
    let address = service.bind(proxy, anywhere()).unwrap();
    let mut strangers = [without_keys(), other.client()];
    for stranger in &mut strangers {
        let subscriber = open(stranger, Kind::Subscribe);
        stranger.connect(subscriber, address).unwrap();
        stranger.subscribe(subscriber, b"stranger");
    }
    let mut client = system.client();
    let subscriber = open(&mut client, Kind::Subscribe);
    client.connect(subscriber, address).unwrap();
    client.subscribe(subscriber, b"geral");
    client.subscribe(subscriber, b"user:ana");
    for topic in ["geral", "user:ana"] {
        let asked = eventually("a subscription", || {
            turn(&mut service);
            strangers.iter_mut().for_each(turn);
            service.receive(proxy)
        });
        assert_eq!(asked, body(&format!("\x01{topic}")));
        service.subscribe(proxy, topic.as_bytes());
    }
    // Short and long frames, and more than one round of counters.
    for length in [0, 1, 254, 300, 100_000] {
        let message = vec![b"user:ana".to_vec(), vec![7; length], b"end".to_vec()];
        service.send(proxy, message.clone()).unwrap();
        turn(&mut service);
        assert_eq!(receive(&mut client, subscriber), message);
    }
    client.unsubscribe(subscriber, b"geral");
    let cancelled = eventually("a cancellation", || {
        turn(&mut client);
        turn(&mut service);
        service.receive(proxy)
    });
    assert_eq!(cancelled, body("\0geral"));
}

#[test]
fn a_subscriber_with_keys_is_not_served_in_the_clear() {
    let system = System::new();
    let mut service = without_keys();
    let proxy = open(&mut service, Kind::ProxyOut);
    let address = service.bind(proxy, anywhere()).unwrap();
    let (mut keyed, mut plain) = (system.client(), without_keys());
    for (net, topic) in [(&mut keyed, b"keyed"), (&mut plain, b"plain")] {
        let subscriber = open(net, Kind::Subscribe);
        net.connect(subscriber, address).unwrap();
        net.subscribe(subscriber, topic);
    }
    let asked = eventually("a subscription", || {
        turn(&mut keyed);
        turn(&mut plain);
        turn(&mut service);
        service.receive(proxy)
    });
    assert_eq!(asked, body("\x01plain"));
}

#[test]
fn listening_takes_the_secret_key() {
    let mut client = System::new().client();
    for kind in [Kind::Router, Kind::ProxyOut] {
        let socket = open(&mut client, kind);
        assert!(matches!(client.bind(socket, anywhere()), Err(BindError::NoSecretKey(_))));
    }
}

#[test]
fn keys_that_are_none_are_refused_by_name() {
    let system = System::new();
    let truncated = &system.secret[1..];
    assert_eq!(CurveKeys::service(&system.public, truncated).unwrap_err(), CurveError::BadKey("secret"));
    assert_eq!(CurveKeys::service("", &system.secret).unwrap_err(), CurveError::BadKey("public"));
    assert_eq!(CurveKeys::client(&"\"".repeat(40)).unwrap_err(), CurveError::BadKey("public"));
    assert!(CurveKeys::client(&format!("{}\n", system.public)).is_ok(), "as read from a file");
}

#[test]
fn keys_do_not_show_their_secret() {
    let system = System::new();
    let shown = format!("{:?}", CurveKeys::service(&system.public, &system.secret).unwrap());
    assert!(shown.contains(&system.public));
    assert!(!shown.contains(&system.secret));
}
