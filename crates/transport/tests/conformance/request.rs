use papo_transport::{Kind, Net, SendError};

use crate::support::{World, anywhere, dial, frames, listen, nowhere, open, receive, send, turn};

pub(crate) fn a_request_reaches_a_router_with_its_envelope_and_is_answered_by_it(world: &impl World) {
    let mut net = world.net();
    let (router, address) = listen(&mut net, Kind::Router);
    let request = dial(&mut net, Kind::Request, address);
    net.send(request, frames(&["question"])).unwrap();

    let mut received = receive(&mut net, router);
    assert_eq!(received.len(), 4, "routing id, correlation, delimiter, body");
    assert_eq!(received[1].len(), 4);
    assert!(received[2].is_empty());
    assert_eq!(received[3], b"question");

    received[3] = b"answer".to_vec();
    net.send(router, received).unwrap();
    assert_eq!(receive(&mut net, request), frames(&["answer"]));
}

pub(crate) fn request_and_reply_see_bodies_only(world: &impl World) {
    let mut net = world.net();
    let (reply, address) = listen(&mut net, Kind::Reply);
    let request = dial(&mut net, Kind::Request, address);
    for round in ["one", "two"] {
        net.send(request, frames(&[round, "?"])).unwrap();
        assert_eq!(receive(&mut net, reply), frames(&[round, "?"]));
        net.send(reply, frames(&[round, "!"])).unwrap();
        assert_eq!(receive(&mut net, request), frames(&[round, "!"]));
    }
}

pub(crate) fn an_answer_to_an_abandoned_request_is_dropped(world: &impl World) {
    let mut net = world.net();
    let (router, address) = listen(&mut net, Kind::Router);
    let request = dial(&mut net, Kind::Request, address);
    net.send(request, frames(&["first"])).unwrap();
    let mut first = receive(&mut net, router);
    net.send(request, frames(&["second"])).unwrap();
    let mut second = receive(&mut net, router);
    first[3] = b"too late".to_vec();
    second[3] = b"in time".to_vec();
    net.send(router, first).unwrap();
    net.send(router, second).unwrap();
    assert_eq!(receive(&mut net, request), frames(&["in time"]));
}

pub(crate) fn a_reply_receives_the_next_request_only_after_it_has_answered(world: &impl World) {
    let mut net = world.net();
    let (reply, address) = listen(&mut net, Kind::Reply);
    let askers = [dial(&mut net, Kind::Request, address), dial(&mut net, Kind::Request, address)];
    for asker in askers {
        net.send(asker, frames(&["?"])).unwrap();
    }
    for _ in askers {
        receive(&mut net, reply);
        assert_eq!(net.receive(reply), None);
        net.send(reply, frames(&["!"])).unwrap();
    }
    for asker in askers {
        assert_eq!(receive(&mut net, asker), frames(&["!"]));
    }
}

pub(crate) fn a_reply_without_a_request_is_unroutable(world: &impl World) {
    let mut net = world.net();
    let (reply, _) = listen(&mut net, Kind::Reply);
    assert_eq!(net.send(reply, frames(&["!"])), Err(SendError::Unroutable));
}

pub(crate) fn a_request_waits_for_a_peer_that_is_not_there_yet(world: &impl World) {
    let mut net = world.net();
    let address = nowhere();
    let request = dial(&mut net, Kind::Request, address);
    net.send(request, frames(&["early"])).unwrap();
    turn(&mut net);
    let reply = open(&mut net, Kind::Reply);
    net.bind(reply, address).unwrap();
    assert_eq!(receive(&mut net, reply), frames(&["early"]));
}

pub(crate) fn a_request_without_any_address_is_full(world: &impl World) {
    let mut net = world.net();
    let request = open(&mut net, Kind::Request);
    assert_eq!(net.send(request, frames(&["?"])), Err(SendError::Full));
    // And works once it has one.
    let reply = open(&mut net, Kind::Reply);
    let address = net.bind(reply, anywhere()).unwrap();
    net.connect(request, address).unwrap();
    send(&mut net, request, &frames(&["?"]));
    assert_eq!(receive(&mut net, reply), frames(&["?"]));
}
