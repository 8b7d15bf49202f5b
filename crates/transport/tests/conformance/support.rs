//! Nets of both sorts, and ways to wait for what must happen.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use papo_transport::{
    Frames, Kind, MemoryFabric, MemoryNet, Net, SendError, SocketId, SocketOptions, ZmqContext, ZmqNet,
};

/// Longer than anything takes that works.
const DEADLINE: Duration = Duration::from_secs(20);
/// How often a condition is looked at again.
const TURN: Duration = Duration::from_millis(2);

/// Something that nets come from which can reach each other.
pub(crate) trait World: Sync {
    type Net: Net + Send;

    fn net(&self) -> Self::Net;
}

#[derive(Default)]
pub(crate) struct Zmq(ZmqContext);

impl World for Zmq {
    type Net = ZmqNet;

    fn net(&self) -> ZmqNet {
        ZmqNet::new(&self.0).unwrap()
    }
}

#[derive(Default)]
pub(crate) struct Memory(MemoryFabric);

impl World for Memory {
    type Net = MemoryNet;

    fn net(&self) -> MemoryNet {
        self.0.net()
    }
}

pub(crate) fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Where nobody listens. Not the address of a ZeroMQ socket just closed: that one goes on accepting for a
/// moment.
pub(crate) fn nowhere() -> SocketAddr {
    TcpListener::bind(anywhere()).and_then(|listener| listener.local_addr()).unwrap()
}

pub(crate) fn frames(parts: &[&str]) -> Frames {
    parts.iter().map(|part| part.as_bytes().to_vec()).collect()
}

pub(crate) fn open(net: &mut impl Net, kind: Kind) -> SocketId {
    net.open(kind, &SocketOptions::default()).unwrap()
}

/// A socket that listens.
pub(crate) fn listen(net: &mut impl Net, kind: Kind) -> (SocketId, SocketAddr) {
    listen_with(net, kind, &SocketOptions::default())
}

pub(crate) fn listen_with(net: &mut impl Net, kind: Kind, options: &SocketOptions) -> (SocketId, SocketAddr) {
    let socket = net.open(kind, options).unwrap();
    let address = net.bind(socket, anywhere()).unwrap();
    (socket, address)
}

/// A socket that connects.
pub(crate) fn dial(net: &mut impl Net, kind: Kind, address: SocketAddr) -> SocketId {
    let socket = open(net, kind);
    net.connect(socket, address).unwrap();
    socket
}

/// Calls `attempt` again and again until it gives something.
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
    }
}

/// Lets a net do what it has to do, for a moment.
pub(crate) fn turn(net: &mut impl Net) {
    net.wait(Some(TURN), &mut Vec::new());
}

/// The next message.
pub(crate) fn receive(net: &mut impl Net, socket: SocketId) -> Frames {
    eventually("a message", || {
        let message = net.receive(socket);
        if message.is_none() {
            turn(net);
        }
        message
    })
}

/// Sends as soon as there is room.
pub(crate) fn send(net: &mut impl Net, socket: SocketId, message: &Frames) {
    eventually("room to send", || match net.send(socket, message.clone()) {
        Ok(()) => Some(()),
        Err(SendError::Full) => {
            turn(net);
            None
        }
        Err(error) => panic!("{error}"),
    });
}

/// Publishes until the subscriber gets it, so that a subscription is known to have arrived; then reads the
/// subscriber empty of the repetitions.
pub(crate) fn publish_until_heard<N: Net>(
    publisher: (&mut N, SocketId),
    subscriber: (&mut N, SocketId),
    topic: &str,
) {
    let (publishing, from) = publisher;
    let (listening, to) = subscriber;
    let probe = frames(&[topic, "probe"]);
    eventually("a subscription", || {
        publishing.send(from, probe.clone()).unwrap();
        turn(publishing);
        turn(listening);
        listening.receive(to)
    });
    let last = frames(&[topic, "last probe"]);
    publishing.send(from, last.clone()).unwrap();
    turn(publishing);
    while receive(listening, to) != last {}
}
