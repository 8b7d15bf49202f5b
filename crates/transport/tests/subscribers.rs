//! What subscribers of a proxy may do that no decent library does: raw connections against the publisher
//! side.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use papo_transport::{Frames, Kind, Net, SocketId, SocketOptions, ZmqContext, ZmqNet};

const DEADLINE: Duration = Duration::from_secs(20);
const GREETING: usize = 64;

struct Proxy {
    net: ZmqNet,
    socket: SocketId,
    address: SocketAddr,
}

fn proxy() -> Proxy {
    let mut net = ZmqNet::new(&ZmqContext::new()).unwrap();
    let options = SocketOptions { max_message: 100, ..SocketOptions::default() };
    let socket = net.open(Kind::ProxyOut, &options).unwrap();
    let address = net.bind(socket, (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    Proxy { net, socket, address }
}

impl Proxy {
    fn turn(&mut self) {
        self.net.wait(Some(Duration::from_millis(2)), &mut Vec::new());
    }

    fn asked(&mut self) -> Frames {
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.turn();
            if let Some(message) = self.net.receive(self.socket) {
                return message;
            }
            assert!(Instant::now() < deadline, "no subscription");
        }
    }

    /// Runs until the other side of `stream` is closed.
    fn until_closed(&mut self, stream: &mut TcpStream) {
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.turn();
            match stream.read(&mut [0; 4096]) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
            assert!(Instant::now() < deadline, "not disconnected");
        }
    }

    /// A decent subscriber still gets what it asks for.
    fn still_serves(&mut self) {
        let mut stream = connect(self.address);
        stream.write_all(&[opening(), subscription("decent")].concat()).unwrap();
        assert_eq!(self.asked(), [b"\x01decent"]);
        self.net.subscribe(self.socket, b"decent");
        self.net.send(self.socket, vec![b"decent".to_vec(), b"body".to_vec()]).unwrap();
        self.turn();
        let mut heard = vec![0; opening().len() + 1 + 14];
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.read_exact(&mut heard).unwrap();
        assert!(heard.ends_with(b"\x01\x06decent\x00\x04body"), "{heard:?}");
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Greeting and READY of a SUB socket in the clear.
fn opening() -> Vec<u8> {
    let mut bytes = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0];
    bytes.extend(b"NULL");
    bytes.resize(GREETING, 0);
    bytes.extend(b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB");
    bytes
}

fn subscription(topic: &str) -> Vec<u8> {
    [&[0, u8::try_from(topic.len()).unwrap() + 1, 1], topic.as_bytes()].concat()
}

#[test]
fn what_is_not_the_protocol_is_disconnected() {
    let mut proxy = proxy();
    let oversized = [opening(), vec![2, 0, 0, 0, 0, 0, 0, 0, 101]].concat();
    let endless = [opening(), [&[2], [0xff; 8].as_slice()].concat()].concat();
    for bytes in [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), vec![0; 200], oversized, endless] {
        let mut stream = connect(proxy.address);
        stream.write_all(&bytes).unwrap();
        proxy.until_closed(&mut stream);
    }
    proxy.still_serves();
}

#[test]
fn a_connection_that_says_nothing_is_closed_although_the_loop_sleeps() {
    let Proxy { mut net, address, .. } = proxy();
    let waker = net.waker();
    let mut silent = connect(address);
    let mut halfway = connect(address);
    halfway.write_all(&opening()[..GREETING]).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || net.wait(None, &mut Vec::new()));
        for stream in [&mut silent, &mut halfway] {
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            stream.read_to_end(&mut Vec::new()).expect("closed within the deadline");
        }
        waker.wake();
    });
}

#[test]
fn a_flood_of_subscriptions_leaves_room_for_others() {
    let mut proxy = proxy();
    let address = proxy.address;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut stream = connect(address);
            stream.set_write_timeout(Some(Duration::from_millis(10))).unwrap();
            stream.write_all(&opening()).unwrap();
            let flood = subscription("flood").repeat(1000);
            let mut rest = flood.as_slice();
            while !stop.load(Ordering::Relaxed) {
                // The write blocks, and times out, while the proxy leaves this peer unread.
                let written = stream.write(rest).unwrap_or(0);
                rest = &rest[written..];
                if rest.is_empty() {
                    rest = &flood;
                }
            }
        });
        let mut decent = connect(address);
        decent.write_all(&[opening(), subscription("decent")].concat()).unwrap();
        let deadline = Instant::now() + DEADLINE;
        while proxy.asked() != [b"\x01decent"] {
            assert!(Instant::now() < deadline, "the flood is all that is heard");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// With libzmq's `ZMQ_XPUB_MANUAL` this fails within a second: what was accepted for a peer that had gone was
/// kept for whoever connected next.
#[test]
fn nobody_inherits_the_topics_of_a_peer_that_left() {
    let mut proxy = proxy();
    let address = proxy.address;
    let stop = AtomicBool::new(false);
    let (stop, deadline) = (&stop, Instant::now() + Duration::from_secs(3));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let mut stream = connect(address);
                    let _ = stream.write_all(&[opening(), subscription("private")].concat());
                }
            });
        }
        let observer = scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let mut stream = connect(address);
                stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
                let _ = stream.write_all(&[opening(), subscription("public")].concat());
                let mut heard = Vec::new();
                let _ = stream.read_to_end(&mut heard);
                assert!(!heard.windows(7).any(|bytes| bytes == b"private"), "heard what it did not ask for");
            }
        });
        let mut accepted = 0;
        while Instant::now() < deadline && !observer.is_finished() {
            proxy.turn();
            while let Some(message) = proxy.net.receive(proxy.socket) {
                if let Some(topic) = message[0].strip_prefix(&[1]) {
                    proxy.net.subscribe(proxy.socket, topic);
                    accepted += 1;
                }
            }
            for _ in 0..50 {
                proxy.net.send(proxy.socket, vec![b"private".to_vec(), b"secret".to_vec()]).unwrap();
            }
        }
        stop.store(true, Ordering::Relaxed);
        observer.join().unwrap();
        assert!(accepted > 0, "nobody subscribed: nothing was tested");
    });
}

#[test]
fn what_is_held_for_a_subscriber_that_does_not_read_is_told_bounded_and_given_up_when_it_leaves() {
    const SIZE: usize = 10_000;
    const QUEUE: usize = 1000;
    let mut proxy = proxy();
    let mut stream = connect(proxy.address);
    stream.write_all(&[opening(), subscription("geral")].concat()).unwrap();
    assert_eq!(proxy.asked(), [b"\x01geral"]);
    proxy.net.subscribe(proxy.socket, b"geral");
    assert_eq!(proxy.net.audience(proxy.socket).held_bytes, 0);

    let mut sent = 0;
    while proxy.net.audience(proxy.socket).missed == 0 {
        proxy.net.send(proxy.socket, vec![b"geral".to_vec(), vec![7; SIZE]]).unwrap();
        proxy.turn();
        sent += 1;
        assert!(sent < 100_000, "its queue is never full");
    }
    let held = proxy.net.audience(proxy.socket).held_bytes;
    assert!(held > (QUEUE - 1) * SIZE && held < QUEUE * (SIZE + 100), "{held} bytes");

    let mut buffer = vec![0; 1 << 20];
    assert!(stream.read(&mut buffer).unwrap() > 0);
    let deadline = Instant::now() + DEADLINE;
    stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    while proxy.net.audience(proxy.socket).held_bytes > held / 2 {
        proxy.turn();
        // Nothing there at the moment is fine.
        let _ = stream.read(&mut buffer);
        assert!(Instant::now() < deadline, "reading does not help");
    }
    drop(stream);
    while proxy.net.audience(proxy.socket).subscribers > 0 {
        proxy.turn();
        assert!(Instant::now() < deadline, "it is not noticed that it left");
    }
    assert_eq!(proxy.net.audience(proxy.socket).held_bytes, 0);
}
