use papo_transport::{Kind, Net, SocketOptions};

use crate::support::{
    World, dial, eventually, frames, listen, listen_with, publish_until_heard, receive, turn,
};

pub(crate) fn a_subscriber_gets_what_begins_with_its_topic(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (publish, address) = listen(&mut here, Kind::Publish);
    let subscribe = dial(&mut there, Kind::Subscribe, address);
    there.subscribe(subscribe, b"ger");
    publish_until_heard((&mut here, publish), (&mut there, subscribe), "ger");
    for topic in ["ge", "xger", "geral", "other", "ger"] {
        here.send(publish, frames(&[topic, "body"])).unwrap();
    }
    assert_eq!(receive(&mut there, subscribe), frames(&["geral", "body"]));
    assert_eq!(receive(&mut there, subscribe), frames(&["ger", "body"]));
}

pub(crate) fn a_cancelled_topic_stops(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (publish, address) = listen(&mut here, Kind::Publish);
    let subscribe = dial(&mut there, Kind::Subscribe, address);
    there.subscribe(subscribe, b"a");
    publish_until_heard((&mut here, publish), (&mut there, subscribe), "a");
    there.unsubscribe(subscribe, b"a");
    there.subscribe(subscribe, b"b");
    publish_until_heard((&mut here, publish), (&mut there, subscribe), "b");
    here.send(publish, frames(&["a", "no"])).unwrap();
    here.send(publish, frames(&["b", "yes"])).unwrap();
    assert_eq!(receive(&mut there, subscribe), frames(&["b", "yes"]));
}

pub(crate) fn a_topic_subscribed_twice_is_cancelled_twice(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (publish, address) = listen(&mut here, Kind::Publish);
    let subscribe = dial(&mut there, Kind::Subscribe, address);
    for topic in [b"a", b"a", b"b"] {
        there.subscribe(subscribe, topic);
    }
    publish_until_heard((&mut here, publish), (&mut there, subscribe), "b");
    there.unsubscribe(subscribe, b"a");
    publish_until_heard((&mut here, publish), (&mut there, subscribe), "a");
    there.unsubscribe(subscribe, b"a");
    here.send(publish, frames(&["a", "no"])).unwrap();
    here.send(publish, frames(&["b", "yes"])).unwrap();
    assert_eq!(receive(&mut there, subscribe), frames(&["b", "yes"]));
}

pub(crate) fn two_subscribers_each_get_their_own(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (publish, address) = listen(&mut here, Kind::Publish);
    let subscribers = ["a", "b"].map(|topic| {
        let subscriber = dial(&mut there, Kind::Subscribe, address);
        there.subscribe(subscriber, topic.as_bytes());
        publish_until_heard((&mut here, publish), (&mut there, subscriber), topic);
        (subscriber, topic)
    });
    for topic in ["b", "a"] {
        here.send(publish, frames(&[topic, "body"])).unwrap();
    }
    for (subscriber, topic) in subscribers {
        assert_eq!(receive(&mut there, subscriber), frames(&[topic, "body"]));
    }
}

pub(crate) fn connecting_twice_is_connecting_once(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (publish, address) = listen(&mut here, Kind::Publish);
    let subscribe = dial(&mut there, Kind::Subscribe, address);
    there.connect(subscribe, address).unwrap();
    there.subscribe(subscribe, b"");
    publish_until_heard((&mut here, publish), (&mut there, subscribe), "probe");
    for body in ["one", "two"] {
        here.send(publish, frames(&["t", body])).unwrap();
    }
    assert_eq!(receive(&mut there, subscribe), frames(&["t", "one"]));
    assert_eq!(receive(&mut there, subscribe), frames(&["t", "two"]));
}

pub(crate) fn a_proxy_input_gets_everything_of_all_publishers(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (input, address) = listen(&mut here, Kind::ProxyIn);
    for name in ["one", "two"] {
        let publish = dial(&mut there, Kind::Publish, address);
        publish_until_heard((&mut there, publish), (&mut here, input), name);
        there.send(publish, frames(&[name, "payload", "stamp"])).unwrap();
        assert_eq!(receive(&mut here, input), frames(&[name, "payload", "stamp"]));
    }
}

pub(crate) fn a_subscriber_that_does_not_read_delays_nobody(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let small = SocketOptions { send_queue: 10, receive_queue: 10, ..SocketOptions::default() };
    let (publish, address) = listen_with(&mut here, Kind::Publish, &small);
    let [stuck, reader] = [(); 2].map(|()| {
        let subscriber = there.open(Kind::Subscribe, &small).unwrap();
        there.connect(subscriber, address).unwrap();
        there.subscribe(subscriber, b"t");
        publish_until_heard((&mut here, publish), (&mut there, subscriber), "t");
        subscriber
    });
    let body = vec![0; 100_000];
    for number in 0..300_u32 {
        here.send(publish, vec![b"t".to_vec(), number.to_be_bytes().to_vec(), body.clone()]).unwrap();
        turn(&mut here);
        let received = receive(&mut there, reader);
        assert_eq!(received[1], number.to_be_bytes(), "the reader misses nothing");
    }
    let mut heard = 0;
    while there.receive(stuck).is_some() {
        heard += 1;
        turn(&mut there);
    }
    assert!(heard < 300, "what has no room is dropped");
    // And it is still a subscriber.
    eventually("a message after the jam", || {
        here.send(publish, frames(&["t", "again"])).unwrap();
        turn(&mut here);
        turn(&mut there);
        while there.receive(reader).is_some() {}
        there.receive(stuck).filter(|message| *message == frames(&["t", "again"]))
    });
}
