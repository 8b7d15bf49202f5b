//! What only the network in memory can do: lose links on purpose.

use std::net::SocketAddr;
use std::time::Duration;

use papo_transport::{Frames, Kind, MemoryFabric, MemoryNet, Net, SendError, SocketId, SocketOptions};

struct Pair {
    fabric: MemoryFabric,
    here: MemoryNet,
    router: SocketId,
    address: SocketAddr,
    there: MemoryNet,
    dealer: SocketId,
}

fn message(body: &str) -> Frames {
    vec![body.as_bytes().to_vec()]
}

/// A dealer connected to a router; both queues hold `queue` messages.
fn pair(queue: usize) -> Pair {
    let fabric = MemoryFabric::new();
    let (mut here, mut there) = (fabric.net(), fabric.net());
    let options = SocketOptions { send_queue: queue, receive_queue: queue, ..SocketOptions::default() };
    let router = here.open(Kind::Router, &options).unwrap();
    let address = here.bind(router, "10.0.0.1:0".parse().unwrap()).unwrap();
    let dealer = there.open(Kind::Dealer, &options).unwrap();
    there.connect(dealer, address).unwrap();
    Pair { fabric, here, router, address, there, dealer }
}

impl Pair {
    fn cut(&self) {
        self.fabric.cut(self.here.id(), self.there.id());
    }

    fn heal(&self) {
        self.fabric.heal(self.there.id(), self.here.id());
    }

    fn send(&mut self, body: &str) -> Result<(), SendError> {
        self.there.send(self.dealer, message(body))
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        self.here.receive(self.router).map(|mut frames| frames.remove(1))
    }

    fn is_ready(&mut self) -> bool {
        let mut ready = Vec::new();
        self.here.wait(Some(Duration::ZERO), &mut ready);
        ready.contains(&self.router)
    }
}

#[test]
fn a_cut_holds_messages_back_until_it_is_healed() {
    let mut pair = pair(10);
    pair.cut();
    pair.send("held").unwrap();
    assert!(!pair.is_ready());
    assert_eq!(pair.receive(), None);
    pair.heal();
    assert!(pair.is_ready());
    assert_eq!(pair.receive().unwrap(), b"held");
}

#[test]
fn a_cut_is_silent_until_the_queues_are_full() {
    let mut pair = pair(10);
    pair.cut();
    for _ in 0..20 {
        pair.send("x").unwrap();
    }
    assert_eq!(pair.send("x"), Err(SendError::Full));
}

#[test]
fn a_reset_loses_what_was_on_the_way_and_reconnects() {
    let mut pair = pair(10);
    pair.send("arrived").unwrap();
    pair.fabric.reset(pair.here.id(), pair.there.id());
    assert_eq!(pair.receive().unwrap(), b"arrived");
    pair.cut();
    pair.send("lost").unwrap();
    pair.fabric.reset(pair.here.id(), pair.there.id());
    assert_eq!(pair.send("nobody there"), Err(SendError::Full));
    pair.heal();
    pair.send("new").unwrap();
    assert_eq!(pair.receive().unwrap(), b"new");
    assert_eq!(pair.receive(), None);
}

#[test]
fn nothing_new_is_connected_across_a_cut() {
    let mut pair = pair(10);
    pair.cut();
    let late = pair.there.open(Kind::Dealer, &SocketOptions::default()).unwrap();
    pair.there.connect(late, pair.address).unwrap();
    assert_eq!(pair.there.send(late, message("x")), Err(SendError::Full));
    pair.heal();
    pair.there.send(late, message("x")).unwrap();
    assert_eq!(pair.receive().unwrap(), b"x");
}

#[test]
fn a_cut_concerns_two_nets_only() {
    let mut pair = pair(10);
    pair.cut();
    let mut third = pair.fabric.net();
    let dealer = third.open(Kind::Dealer, &SocketOptions::default()).unwrap();
    third.connect(dealer, pair.address).unwrap();
    third.send(dealer, message("from elsewhere")).unwrap();
    assert_eq!(pair.receive().unwrap(), b"from elsewhere");
}

#[test]
fn a_net_that_is_dropped_is_a_process_that_died() {
    let mut pair = pair(10);
    pair.send("last words").unwrap();
    let peer = pair.here.receive(pair.router).unwrap().remove(0);
    let (mut here, router) = (pair.here, pair.router);
    drop(pair.there);
    assert_eq!(here.send(router, vec![peer, vec![1]]), Err(SendError::Unroutable));
}

#[test]
fn a_subscriber_cut_off_misses_what_has_no_room() {
    let fabric = MemoryFabric::new();
    let (mut here, mut there) = (fabric.net(), fabric.net());
    let options = SocketOptions { send_queue: 2, receive_queue: 3, ..SocketOptions::default() };
    let publish = here.open(Kind::Publish, &options).unwrap();
    let address = here.bind(publish, "10.0.0.1:5571".parse().unwrap()).unwrap();
    let subscribe = there.open(Kind::Subscribe, &options).unwrap();
    there.subscribe(subscribe, b"");
    there.connect(subscribe, address).unwrap();
    here.send(publish, message("before")).unwrap();
    assert_eq!(there.receive(subscribe), Some(message("before")));
    fabric.cut(here.id(), there.id());
    for number in 0..10 {
        here.send(publish, message(&number.to_string())).unwrap();
    }
    fabric.heal(here.id(), there.id());
    let arrived: Vec<_> = std::iter::from_fn(|| there.receive(subscribe)).collect();
    assert_eq!(arrived, ["0", "1", "2", "3", "4"].map(message));
}

#[test]
fn a_wildcard_listens_on_every_address_of_its_port() {
    let fabric = MemoryFabric::new();
    let mut net = fabric.net();
    let router = net.open(Kind::Router, &SocketOptions::default()).unwrap();
    net.bind(router, "0.0.0.0:5570".parse().unwrap()).unwrap();
    let dealer = net.open(Kind::Dealer, &SocketOptions::default()).unwrap();
    net.connect(dealer, "10.1.2.3:5570".parse().unwrap()).unwrap();
    net.send(dealer, message("x")).unwrap();
    assert!(net.receive(router).is_some());
}
