use papo_transport::{Kind, Net, SendError, SocketOptions};

use crate::support::{World, dial, eventually, frames, listen_with, receive, send, turn};

pub(crate) fn a_frame_over_the_limit_disconnects_and_the_peer_comes_back(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let options = SocketOptions { max_message: 1000, ..SocketOptions::default() };
    let (router, address) = listen_with(&mut here, Kind::Router, &options);
    let dealer = dial(&mut there, Kind::Dealer, address);
    send(&mut there, dealer, &frames(&["hello"]));
    let before = receive(&mut here, router);
    send(&mut there, dealer, &vec![vec![0; 1001]]);
    let after = eventually("the peer to come back", || {
        // What is sent before the connection has broken is lost with it.
        let _ = there.send(dealer, frames(&["hello again"]));
        turn(&mut there);
        turn(&mut here);
        here.receive(router)
    });
    assert_eq!(after[1..], frames(&["hello again"]));
    assert_ne!(after[0], before[0], "a new connection is a new peer");
    assert_eq!(here.send(router, vec![before[0].clone(), vec![1]]), Err(SendError::Unroutable));
}

pub(crate) fn a_frame_of_exactly_the_limit_arrives(world: &impl World) {
    let mut net = world.net();
    let options = SocketOptions { max_message: 1000, ..SocketOptions::default() };
    let (router, address) = listen_with(&mut net, Kind::Router, &options);
    let dealer = dial(&mut net, Kind::Dealer, address);
    // The limit is a frame's, not a message's.
    send(&mut net, dealer, &vec![vec![0; 1000], vec![1; 1000]]);
    assert_eq!(receive(&mut net, router)[1..], [vec![0; 1000], vec![1; 1000]]);
    // A connecting side has no limit: a link that refused would never be made again.
    let peer = {
        send(&mut net, dealer, &frames(&["who"]));
        receive(&mut net, router).swap_remove(0)
    };
    net.send(router, vec![peer, vec![2; 100_000]]).unwrap();
    assert_eq!(receive(&mut net, dealer), [vec![2; 100_000]]);
}

pub(crate) fn a_dealer_is_full_when_nobody_reads(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let small = SocketOptions { send_queue: 10, receive_queue: 10, ..SocketOptions::default() };
    let (router, address) = listen_with(&mut here, Kind::Router, &small);
    let dealer = there.open(Kind::Dealer, &small).unwrap();
    there.connect(dealer, address).unwrap();
    send(&mut there, dealer, &frames(&["first"]));
    receive(&mut here, router);
    let mut sent = 0;
    // The system's buffers take some, too.
    while there.send(dealer, vec![vec![0; 100_000]]) == Ok(()) {
        sent += 1;
        assert!(sent < 10_000, "never full");
    }
    for _ in 0..sent {
        assert_eq!(receive(&mut here, router)[1].len(), 100_000);
    }
    send(&mut there, dealer, &frames(&["room again"]));
    assert_eq!(receive(&mut here, router)[1], b"room again");
}

pub(crate) fn a_router_is_full_for_one_peer_and_not_for_another(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let small = SocketOptions { send_queue: 10, receive_queue: 10, ..SocketOptions::default() };
    let (router, address) = listen_with(&mut here, Kind::Router, &small);
    let [stuck, reader] = [(); 2].map(|()| {
        let dealer = there.open(Kind::Dealer, &small).unwrap();
        there.connect(dealer, address).unwrap();
        send(&mut there, dealer, &frames(&["hello"]));
        (dealer, receive(&mut here, router).swap_remove(0))
    });
    let mut sent = 0;
    let full = loop {
        match here.send(router, vec![stuck.1.clone(), vec![0; 100_000]]) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 10_000, "never full");
    };
    assert_eq!(full, SendError::Full);
    here.send(router, vec![reader.1.clone(), b"for the other".to_vec()]).unwrap();
    assert_eq!(receive(&mut there, reader.0), frames(&["for the other"]));
}
