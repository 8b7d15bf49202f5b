//! Sockets that follow the addresses of names.

use std::net::SocketAddr;

use papo_transport::{
    Change, FanOut, Frames, Kind, LinkError, Links, MemoryFabric, MemoryNet, Net, Resolver, SendError,
    SocketId, SocketOptions, TargetId, Waker,
};

/// Names of targets: only a resolver gives them out.
fn targets<const N: usize>() -> [TargetId; N] {
    let never = std::time::Duration::from_secs(3600);
    let mut resolver = Resolver::start(Waker::new(|| {}), never);
    std::array::from_fn(|_| resolver.watch(&"127.0.0.1:1".parse().unwrap()))
}

fn listen(net: &mut MemoryNet, kind: Kind) -> (SocketId, SocketAddr) {
    let socket = net.open(kind, &SocketOptions::default()).unwrap();
    let address = net.bind(socket, "10.0.0.1:0".parse().unwrap()).unwrap();
    (socket, address)
}

fn added(target: TargetId, addresses: &[SocketAddr]) -> Change {
    Change { target, added: addresses.to_vec(), removed: Vec::new() }
}

fn removed(target: TargetId, addresses: &[SocketAddr]) -> Change {
    Change { target, added: Vec::new(), removed: addresses.to_vec() }
}

fn body(text: &str) -> Frames {
    vec![text.as_bytes().to_vec()]
}

#[test]
fn every_address_has_a_link_of_its_own_while_it_is_wanted() {
    let mut net = MemoryFabric::new().net();
    let [brokers] = targets();
    let (one, first) = listen(&mut net, Kind::Router);
    let (two, second) = listen(&mut net, Kind::Router);
    let mut links = Links::new(Kind::Dealer, SocketOptions::default());

    let changes = links.follow(&mut net, &added(brokers, &[first, second]));
    assert_eq!(changes.opened.len(), 2);
    assert_eq!(links.iter().collect::<Vec<_>>(), changes.opened);
    let to_second = links.socket(second).unwrap();
    assert_eq!(links.address(to_second), Some(second));
    net.send(to_second, body("x")).unwrap();
    assert_eq!(net.receive(one), None);
    assert!(net.receive(two).is_some());

    let changes = links.follow(&mut net, &removed(brokers, &[second]));
    assert_eq!(changes.closed, [(second, to_second)]);
    assert_eq!(net.send(to_second, body("x")), Err(SendError::Closed));
    assert_eq!(links.iter().map(|(address, _)| address).collect::<Vec<_>>(), [first]);
}

#[test]
fn an_address_of_two_names_is_kept_until_neither_has_it() {
    let mut net = MemoryFabric::new().net();
    let [one, two] = targets();
    let (_, address) = listen(&mut net, Kind::Router);
    let mut links = Links::new(Kind::Dealer, SocketOptions::default());
    links.follow(&mut net, &added(one, &[address]));
    assert!(links.follow(&mut net, &added(two, &[address])).opened.is_empty());
    assert!(links.follow(&mut net, &removed(one, &[address])).closed.is_empty());
    assert!(links.socket(address).is_some());
    assert_eq!(links.forget(&mut net, two).closed.len(), 1);
    assert_eq!(links.socket(address), None);
}

#[test]
fn a_reopened_link_is_a_new_connection() {
    let fabric = MemoryFabric::new();
    let (mut here, mut there) = (fabric.net(), fabric.net());
    let [brokers] = targets();
    let (router, address) = listen(&mut here, Kind::Router);
    let mut links = Links::new(Kind::Dealer, SocketOptions::default());
    let old = links.follow(&mut there, &added(brokers, &[address])).opened[0].1;
    there.send(old, body("before")).unwrap();
    let before = here.receive(router).unwrap();

    let changes = links.reopen(&mut there, address);
    let new = links.socket(address).unwrap();
    assert_eq!((changes.closed, changes.opened), (vec![(address, old)], vec![(address, new)]));
    assert_ne!(old, new);
    there.send(new, body("after")).unwrap();
    let after = here.receive(router).unwrap();
    assert_ne!(before[0], after[0]);
    assert_eq!(here.send(router, before), Err(SendError::Unroutable));

    let stranger = "10.9.9.9:1".parse().unwrap();
    let nothing = links.reopen(&mut there, stranger);
    assert!(nothing.opened.is_empty() && nothing.closed.is_empty() && nothing.failed.is_empty());
}

#[test]
fn a_link_that_cannot_be_made_is_reported_and_can_be_tried_again() {
    let mut net = MemoryFabric::new().net();
    let [brokers] = targets();
    let impossible: SocketAddr = "10.0.0.1:0".parse().unwrap();
    let mut links = Links::new(Kind::Dealer, SocketOptions::default());
    let changes = links.follow(&mut net, &added(brokers, &[impossible]));
    assert!(matches!(changes.failed[..], [LinkError::Connect(_)]));
    assert_eq!(links.socket(impossible), None);
    assert_eq!(links.repair(&mut net).failed.len(), 1, "still wanted");
    links.follow(&mut net, &removed(brokers, &[impossible]));
    assert!(links.repair(&mut net).failed.is_empty());
}

#[test]
fn one_subscriber_follows_all_proxies() {
    let mut net = MemoryFabric::new().net();
    let [one, two] = targets();
    let (first_proxy, first) = listen(&mut net, Kind::Publish);
    let (second_proxy, second) = listen(&mut net, Kind::Publish);
    let subscribe = net.open(Kind::Subscribe, &SocketOptions::default()).unwrap();
    net.subscribe(subscribe, b"");
    let mut fan = FanOut::new(subscribe);
    fan.follow(&mut net, &added(one, &[first, second])).unwrap();
    fan.follow(&mut net, &added(two, &[second])).unwrap();
    assert_eq!(fan.addresses().collect::<Vec<_>>(), [first, second]);
    for proxy in [first_proxy, second_proxy] {
        net.send(proxy, body("x")).unwrap();
        assert_eq!(net.receive(subscribe), Some(body("x")));
    }
    fan.forget(&mut net, one);
    assert_eq!(fan.addresses().collect::<Vec<_>>(), [second]);
    for proxy in [first_proxy, second_proxy] {
        net.send(proxy, body("y")).unwrap();
    }
    assert_eq!(net.receive(subscribe), Some(body("y")));
    assert_eq!(net.receive(subscribe), None);
}

#[test]
fn a_reopened_address_of_a_fan_out_is_connected_again() {
    let fabric = MemoryFabric::new();
    let (mut here, mut there) = (fabric.net(), fabric.net());
    let [proxies] = targets();
    let (publish, address) = listen(&mut here, Kind::Publish);
    let subscribe = there.open(Kind::Subscribe, &SocketOptions::default()).unwrap();
    there.subscribe(subscribe, b"");
    let mut fan = FanOut::new(subscribe);
    fan.follow(&mut there, &added(proxies, &[address])).unwrap();
    fabric.cut(here.id(), there.id());
    here.send(publish, body("lost with the old connection")).unwrap();
    fan.reopen(&mut there, address).unwrap();
    fabric.heal(here.id(), there.id());
    here.send(publish, body("new")).unwrap();
    assert_eq!(there.receive(subscribe), Some(body("new")));
    // What is not followed is not connected.
    fan.reopen(&mut there, "10.9.9.9:1".parse().unwrap()).unwrap();
    assert_eq!(fan.addresses().collect::<Vec<_>>(), [address]);
}

#[test]
fn an_address_that_can_never_be_connected_does_not_keep_the_others() {
    let mut net = MemoryFabric::new().net();
    let [proxies] = targets();
    let (publish, address) = listen(&mut net, Kind::Publish);
    let subscribe = net.open(Kind::Subscribe, &SocketOptions::default()).unwrap();
    net.subscribe(subscribe, b"");
    let mut fan = FanOut::new(subscribe);
    let impossible = "10.0.0.1:0".parse().unwrap();
    assert!(fan.follow(&mut net, &added(proxies, &[impossible, address])).is_err());
    net.send(publish, body("x")).unwrap();
    assert_eq!(net.receive(subscribe), Some(body("x")));
}
