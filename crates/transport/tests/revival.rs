//! Links that libzmq gives up for good, and how they are made again.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use papo_transport::{
    Change, FanOut, Frames, Kind, Links, Net, Resolver, SocketId, SocketOptions, Waker, ZmqContext, ZmqNet,
};

const DEADLINE: Duration = Duration::from_secs(20);

fn net() -> ZmqNet {
    ZmqNet::new(&ZmqContext::new()).unwrap()
}

fn receive(here: &mut ZmqNet, socket: SocketId, there: &mut ZmqNet) -> Frames {
    let deadline = Instant::now() + DEADLINE;
    loop {
        for net in [&mut *here, &mut *there] {
            net.wait(Some(Duration::from_millis(2)), &mut Vec::new());
        }
        if let Some(message) = here.receive(socket) {
            return message;
        }
        assert!(Instant::now() < deadline, "no message");
    }
}

/// What a resolver says of a numeric target.
fn change(address: SocketAddr) -> Change {
    let mut resolver = Resolver::start(Waker::new(|| {}), DEADLINE);
    resolver.watch(&address.into());
    resolver.changes().remove(0)
}

/// Answers the first connection with another protocol, and then leaves the port to others.
fn spoil(listener: TcpListener) {
    let (mut stream, _) = listener.accept().unwrap();
    drop(listener);
    let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0];
    greeting.extend(b"ANOTHER MECHANISM");
    greeting.resize(64, 0);
    stream.write_all(&greeting).unwrap();
    // Returns when the other side has hung up.
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn a_link_of_its_own_lives_again_when_it_is_reopened() {
    let (mut here, mut there) = (net(), net());
    let (spoiler, address) = listener();
    let mut links = Links::new(Kind::Dealer, SocketOptions::default());
    links.follow(&mut there, &change(address));
    spoil(spoiler);
    let router = here.open(Kind::Router, &SocketOptions::default()).unwrap();
    here.bind(router, address).unwrap();
    let socket = links.reopen(&mut there, address).opened[0].1;
    let deadline = Instant::now() + DEADLINE;
    while there.send(socket, vec![b"alive".to_vec()]).is_err() {
        there.wait(Some(Duration::from_millis(2)), &mut Vec::new());
        assert!(Instant::now() < deadline, "not connected");
    }
    assert_eq!(receive(&mut here, router, &mut there)[1], b"alive");
}

#[test]
fn a_link_among_others_lives_again_when_it_is_reopened() {
    let (mut here, mut there) = (net(), net());
    let (spoiler, address) = listener();
    let subscriber = there.open(Kind::Subscribe, &SocketOptions::default()).unwrap();
    there.subscribe(subscriber, b"topic");
    let mut fan = FanOut::new(subscriber);
    fan.follow(&mut there, &change(address)).unwrap();
    spoil(spoiler);
    let proxy = here.open(Kind::ProxyOut, &SocketOptions::default()).unwrap();
    here.bind(proxy, address).unwrap();
    fan.reopen(&mut there, address).unwrap();
    assert_eq!(receive(&mut here, proxy, &mut there), [b"\x01topic"]);
}
