use std::net::SocketAddr;

use papo_transport::{ConnectError, Frames, Kind, Net, SocketId, SocketOptions};

use crate::support::{World, anywhere, dial, eventually, frames, listen, listen_with, open, receive, turn};

/// Drives the proxy until its next subscription or cancellation.
fn asked(net: &mut impl Net, proxy: SocketId, subscriber: &mut impl Net) -> Vec<u8> {
    let mut message = eventually("a subscription", || {
        turn(net);
        turn(subscriber);
        net.receive(proxy)
    });
    assert_eq!(message.len(), 1);
    message.remove(0)
}

/// A subscriber whose topic was received and accepted.
fn accepted<N: Net>(
    here: &mut N,
    proxy: SocketId,
    there: &mut N,
    address: SocketAddr,
    topic: &str,
) -> SocketId {
    let subscriber = dial(there, Kind::Subscribe, address);
    there.subscribe(subscriber, topic.as_bytes());
    assert_eq!(asked(here, proxy, there), format!("\x01{topic}").as_bytes());
    here.subscribe(proxy, topic.as_bytes());
    subscriber
}

fn publish(net: &mut impl Net, proxy: SocketId, message: &Frames) {
    net.send(proxy, message.clone()).unwrap();
    turn(net);
}

pub(crate) fn a_subscription_is_received_and_counts_only_when_accepted(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (proxy, address) = listen(&mut here, Kind::ProxyOut);
    let subscriber = dial(&mut there, Kind::Subscribe, address);
    for topic in ["", "user:ana", "geral"] {
        there.subscribe(subscriber, topic.as_bytes());
        assert_eq!(asked(&mut here, proxy, &mut there), format!("\x01{topic}").as_bytes());
    }
    here.subscribe(proxy, b"geral");
    publish(&mut here, proxy, &frames(&["user:ana", "secret"]));
    publish(&mut here, proxy, &frames(&["", "empty"]));
    publish(&mut here, proxy, &frames(&["geral", "public"]));
    assert_eq!(receive(&mut there, subscriber), frames(&["geral", "public"]));
}

pub(crate) fn a_topic_matches_exactly(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (proxy, address) = listen(&mut here, Kind::ProxyOut);
    let subscriber = accepted(&mut here, proxy, &mut there, address, "ger");
    publish(&mut here, proxy, &frames(&["geral", "no"]));
    publish(&mut here, proxy, &frames(&["ger", "yes"]));
    assert_eq!(receive(&mut there, subscriber), frames(&["ger", "yes"]));
}

pub(crate) fn another_topic_than_the_one_asked_for_can_be_accepted(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (proxy, address) = listen(&mut here, Kind::ProxyOut);
    let subscriber = dial(&mut there, Kind::Subscribe, address);
    there.subscribe(subscriber, b"");
    assert_eq!(asked(&mut here, proxy, &mut there), b"\x01");
    here.subscribe(proxy, b"geral");
    here.subscribe(proxy, b"outro");
    here.unsubscribe(proxy, b"outro");
    publish(&mut here, proxy, &frames(&["outro", "no"]));
    publish(&mut here, proxy, &frames(&["geral", "yes"]));
    assert_eq!(receive(&mut there, subscriber), frames(&["geral", "yes"]));
}

pub(crate) fn acceptance_goes_to_the_peer_received_last(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (proxy, address) = listen(&mut here, Kind::ProxyOut);
    let refused = dial(&mut there, Kind::Subscribe, address);
    there.subscribe(refused, b"a");
    assert_eq!(asked(&mut here, proxy, &mut there), b"\x01a");
    let lucky = accepted(&mut here, proxy, &mut there, address, "a");
    publish(&mut here, proxy, &frames(&["a", "for one"]));
    assert_eq!(receive(&mut there, lucky), frames(&["a", "for one"]));

    there.subscribe(refused, b"b");
    assert_eq!(asked(&mut here, proxy, &mut there), b"\x01b");
    here.subscribe(proxy, b"b");
    publish(&mut here, proxy, &frames(&["b", "for the other"]));
    assert_eq!(receive(&mut there, refused), frames(&["b", "for the other"]));
    assert_eq!(there.receive(lucky), None);
}

pub(crate) fn a_cancelled_topic_is_received_and_gone(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (proxy, address) = listen(&mut here, Kind::ProxyOut);
    let subscriber = accepted(&mut here, proxy, &mut there, address, "a");
    there.unsubscribe(subscriber, b"a");
    assert_eq!(asked(&mut here, proxy, &mut there), b"\0a");
    // A topic that was never accepted is not worth a word when it is cancelled.
    there.subscribe(subscriber, b"refused");
    assert_eq!(asked(&mut here, proxy, &mut there), b"\x01refused");
    there.unsubscribe(subscriber, b"refused");
    there.subscribe(subscriber, b"b");
    assert_eq!(asked(&mut here, proxy, &mut there), b"\x01b");
}

pub(crate) fn topics_of_a_peer_that_left_are_received_as_cancelled(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (proxy, address) = listen(&mut here, Kind::ProxyOut);
    let subscriber = accepted(&mut here, proxy, &mut there, address, "a");
    there.subscribe(subscriber, b"b");
    assert_eq!(asked(&mut here, proxy, &mut there), b"\x01b");
    here.subscribe(proxy, b"b");
    there.close(subscriber);
    let mut left = [asked(&mut here, proxy, &mut there), asked(&mut here, proxy, &mut there)];
    left.sort();
    assert_eq!(left, [b"\0a", b"\0b"]);
}

pub(crate) fn a_peer_that_left_before_it_was_accepted_leaves_nothing_behind(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (proxy, address) = listen(&mut here, Kind::ProxyOut);
    let stays = accepted(&mut here, proxy, &mut there, address, "other");
    let leaves = dial(&mut there, Kind::Subscribe, address);
    there.subscribe(leaves, b"private");
    assert_eq!(asked(&mut here, proxy, &mut there), b"\x01private");
    there.close(leaves);
    // The one that came later says something: by then the proxy has seen the other leave, or will.
    let late = dial(&mut there, Kind::Subscribe, address);
    here.subscribe(proxy, b"private");
    there.subscribe(late, b"late");
    let mut gone = false;
    loop {
        match asked(&mut here, proxy, &mut there).as_slice() {
            b"\x01late" => break,
            b"\0private" if !gone => gone = true,
            other => panic!("unexpected {other:?}"),
        }
    }
    here.subscribe(proxy, b"late");
    for topic in ["private", "late", "other"] {
        publish(&mut here, proxy, &frames(&[topic, "body"]));
    }
    assert_eq!(receive(&mut there, late), frames(&["late", "body"]));
    assert_eq!(receive(&mut there, stays), frames(&["other", "body"]));
}

pub(crate) fn a_slow_subscriber_delays_nobody(world: &impl World) {
    let (mut here, mut there, mut elsewhere) = (world.net(), world.net(), world.net());
    let small = SocketOptions { send_queue: 10, receive_queue: 10, ..SocketOptions::default() };
    let (proxy, address) = listen_with(&mut here, Kind::ProxyOut, &small);
    let stuck = elsewhere.open(Kind::Subscribe, &small).unwrap();
    elsewhere.connect(stuck, address).unwrap();
    elsewhere.subscribe(stuck, b"t");
    assert_eq!(asked(&mut here, proxy, &mut elsewhere), b"\x01t");
    here.subscribe(proxy, b"t");
    let reader = accepted(&mut here, proxy, &mut there, address, "t");
    let body = vec![0; 100_000];
    for number in 0..300_u32 {
        let message = vec![b"t".to_vec(), number.to_be_bytes().to_vec(), body.clone()];
        publish(&mut here, proxy, &message);
        let received = eventually("the message", || {
            turn(&mut here);
            there.receive(reader)
        });
        assert_eq!(received[1], number.to_be_bytes(), "the reader misses nothing");
    }
    let mut heard = 0;
    while elsewhere.receive(stuck).is_some() {
        heard += 1;
        turn(&mut elsewhere);
    }
    assert!(heard < 300, "what has no room is dropped");
}

pub(crate) fn a_subscriber_asks_again_when_the_proxy_is_back(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (proxy, address) = listen(&mut here, Kind::ProxyOut);
    let subscriber = accepted(&mut here, proxy, &mut there, address, "a");
    here.close(proxy);
    let proxy = open(&mut here, Kind::ProxyOut);
    eventually("the port", || here.bind(proxy, address).ok());
    assert_eq!(asked(&mut here, proxy, &mut there), b"\x01a");
    here.subscribe(proxy, b"a");
    publish(&mut here, proxy, &frames(&["a", "again"]));
    assert_eq!(receive(&mut there, subscriber), frames(&["a", "again"]));
}

pub(crate) fn a_proxy_output_only_listens(world: &impl World) {
    let mut net = world.net();
    let (_, address) = listen(&mut net, Kind::Subscribe);
    let proxy = open(&mut net, Kind::ProxyOut);
    assert!(matches!(net.connect(proxy, address), Err(ConnectError::OnlyListens(_))));
    net.bind(proxy, anywhere()).unwrap();
}
