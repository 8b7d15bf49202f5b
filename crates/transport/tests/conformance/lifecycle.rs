use std::net::Ipv6Addr;

use papo_transport::{BindError, ConnectError, Kind, Net, SendError};

use crate::support::{
    World, anywhere, dial, eventually, frames, listen, nowhere, open, publish_until_heard, receive, send,
    turn,
};

pub(crate) fn port_zero_becomes_a_free_port(world: &impl World) {
    let mut net = world.net();
    let (_, one) = listen(&mut net, Kind::Router);
    let (_, two) = listen(&mut net, Kind::ProxyOut);
    assert_ne!(one.port(), 0);
    assert_ne!(two.port(), 0);
    assert_ne!(one, two);
    assert_eq!(one.ip(), anywhere().ip());
}

pub(crate) fn a_port_in_use_is_said_to_be(world: &impl World) {
    let mut net = world.net();
    for kind in [Kind::Router, Kind::ProxyOut] {
        let (_, address) = listen(&mut net, kind);
        for second in [Kind::Reply, Kind::ProxyOut] {
            let socket = open(&mut net, second);
            let error = net.bind(socket, address).unwrap_err();
            assert!(matches!(error, BindError::InUse(at) if at == address), "{error}");
            assert_eq!(error.to_string(), format!("{address}: port in use"));
        }
    }
}

pub(crate) fn port_zero_cannot_be_connected_to(world: &impl World) {
    let mut net = world.net();
    let socket = open(&mut net, Kind::Dealer);
    assert!(matches!(net.connect(socket, anywhere()), Err(ConnectError::BadAddress(_))));
}

pub(crate) fn a_closed_socket_is_closed_for_everything(world: &impl World) {
    let mut net = world.net();
    let (_, address) = listen(&mut net, Kind::Router);
    let socket = dial(&mut net, Kind::Dealer, address);
    net.close(socket);
    assert_eq!(net.send(socket, frames(&["x"])), Err(SendError::Closed));
    assert_eq!(net.receive(socket), None);
    assert!(matches!(net.bind(socket, anywhere()), Err(BindError::Closed(_))));
    assert!(matches!(net.connect(socket, address), Err(ConnectError::Closed(_))));
    net.subscribe(socket, b"x");
    net.unsubscribe(socket, b"x");
    net.disconnect(socket, address);
    net.close(socket);
}

pub(crate) fn ids_are_not_used_again(world: &impl World) {
    let mut net = world.net();
    let closed = open(&mut net, Kind::Dealer);
    net.close(closed);
    assert_ne!(open(&mut net, Kind::Dealer), closed);
}

pub(crate) fn what_was_sent_before_closing_arrives(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (router, address) = listen(&mut here, Kind::Router);
    let dealer = dial(&mut there, Kind::Dealer, address);
    for number in 0..100_u8 {
        send(&mut there, dealer, &vec![vec![number]]);
    }
    there.close(dealer);
    drop(there);
    for number in 0..100_u8 {
        assert_eq!(receive(&mut here, router)[1], [number]);
    }
}

pub(crate) fn who_connects_first_may_wait_for_the_listener(world: &impl World) {
    let mut net = world.net();
    let address = nowhere();
    let dealer = dial(&mut net, Kind::Dealer, address);
    turn(&mut net);
    let router = open(&mut net, Kind::Router);
    net.bind(router, address).unwrap();
    send(&mut net, dealer, &frames(&["at last"]));
    assert_eq!(receive(&mut net, router)[1..], frames(&["at last"]));
}

pub(crate) fn a_dealer_comes_back_when_the_listener_does(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (router, address) = listen(&mut here, Kind::Router);
    let dealer = dial(&mut there, Kind::Dealer, address);
    send(&mut there, dealer, &frames(&["before"]));
    receive(&mut here, router);
    here.close(router);
    eventually("the dealer to notice", || {
        turn(&mut there);
        (there.send(dealer, frames(&["meanwhile"])) == Err(SendError::Full)).then_some(())
    });
    let router = open(&mut here, Kind::Router);
    eventually("the port", || here.bind(router, address).ok());
    send(&mut there, dealer, &frames(&["after"]));
    assert_eq!(receive(&mut here, router)[1..], frames(&["after"]), "nothing old is delivered late");
}

pub(crate) fn a_disconnected_address_gets_nothing_more(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (one, first) = listen(&mut here, Kind::Publish);
    let (two, second) = listen(&mut here, Kind::Publish);
    let subscribe = dial(&mut there, Kind::Subscribe, first);
    there.connect(subscribe, second).unwrap();
    there.subscribe(subscribe, b"");
    publish_until_heard((&mut here, one), (&mut there, subscribe), "one");
    publish_until_heard((&mut here, two), (&mut there, subscribe), "two");
    there.disconnect(subscribe, first);
    here.send(one, frames(&["one", "no"])).unwrap();
    here.send(two, frames(&["two", "yes"])).unwrap();
    assert_eq!(receive(&mut there, subscribe), frames(&["two", "yes"]));
    // And may be connected again.
    there.connect(subscribe, first).unwrap();
    publish_until_heard((&mut here, one), (&mut there, subscribe), "one");
}

pub(crate) fn a_message_without_frames_is_refused(world: &impl World) {
    let mut net = world.net();
    for kind in [Kind::Router, Kind::Dealer, Kind::Request, Kind::Reply, Kind::Publish, Kind::ProxyOut] {
        let (socket, _) = listen(&mut net, kind);
        assert_eq!(net.send(socket, Vec::new()), Err(SendError::Unroutable), "{kind:?}");
    }
    let (deaf, _) = listen(&mut net, Kind::Subscribe);
    assert_eq!(net.send(deaf, frames(&["x"])), Err(SendError::Unroutable), "this kind does not send");
}

pub(crate) fn ipv6_works_where_the_host_has_it(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    for (kind, peer) in [(Kind::Router, Kind::Dealer), (Kind::ProxyOut, Kind::Subscribe)] {
        let listener = open(&mut here, kind);
        let address = match here.bind(listener, (Ipv6Addr::LOCALHOST, 0).into()) {
            Ok(address) => address,
            Err(BindError::NotLocal(_) | BindError::Refused { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        assert!(address.is_ipv6());
        let other = dial(&mut there, peer, address);
        if kind == Kind::Router {
            send(&mut there, other, &frames(&["x"]));
        } else {
            there.subscribe(other, b"x");
        }
        receive(&mut here, listener);
        there.disconnect(other, address);
        there.connect(other, address).unwrap();
    }
}
