use papo_transport::{Kind, Net, SendError};

use crate::support::{World, dial, eventually, frames, listen, nowhere, open, receive, send, turn};

pub(crate) fn dealer_and_router_talk_both_ways(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (router, address) = listen(&mut here, Kind::Router);
    let dealer = dial(&mut there, Kind::Dealer, address);
    send(&mut there, dealer, &frames(&["a", "", "b"]));
    let received = receive(&mut here, router);
    assert_eq!(received[1..], frames(&["a", "", "b"]));
    here.send(router, vec![received[0].clone(), b"back".to_vec()]).unwrap();
    assert_eq!(receive(&mut there, dealer), frames(&["back"]));
}

pub(crate) fn a_dealer_with_nobody_connected_is_full(world: &impl World) {
    let mut net = world.net();
    let dealer = open(&mut net, Kind::Dealer);
    assert_eq!(net.send(dealer, frames(&["x"])), Err(SendError::Full));
    let address = nowhere();
    let late = dial(&mut net, Kind::Dealer, address);
    eventually("nobody there", || {
        turn(&mut net);
        (net.send(late, frames(&["x"])) == Err(SendError::Full)).then_some(())
    });
}

pub(crate) fn a_dealer_takes_its_peers_in_turn(world: &impl World) {
    let mut net = world.net();
    let (one, first) = listen(&mut net, Kind::Router);
    let (two, second) = listen(&mut net, Kind::Router);
    let dealer = dial(&mut net, Kind::Dealer, first);
    // Only when the first surely is connected does it make sense to count.
    send(&mut net, dealer, &frames(&["hello"]));
    receive(&mut net, one);
    net.connect(dealer, second).unwrap();
    eventually("the second connection", || {
        send(&mut net, dealer, &frames(&["probe"]));
        turn(&mut net);
        while net.receive(one).is_some() {}
        net.receive(two)
    });
    while net.receive(one).is_some() || net.receive(two).is_some() {
        turn(&mut net);
    }
    for _ in 0..10 {
        send(&mut net, dealer, &frames(&["counted"]));
    }
    for _ in 0..5 {
        while receive(&mut net, one)[1] != b"counted" {}
        while receive(&mut net, two)[1] != b"counted" {}
    }
}

pub(crate) fn a_router_does_not_know_strangers(world: &impl World) {
    let mut net = world.net();
    let (router, _) = listen(&mut net, Kind::Router);
    assert_eq!(net.send(router, frames(&["nobody", "x"])), Err(SendError::Unroutable));
    assert_eq!(net.send(router, frames(&["nobody"])), Err(SendError::Unroutable), "not even a body");
}

pub(crate) fn a_router_forgets_a_peer_that_left(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (router, address) = listen(&mut here, Kind::Router);
    let dealer = dial(&mut there, Kind::Dealer, address);
    send(&mut there, dealer, &frames(&["hello"]));
    let peer = receive(&mut here, router)[0].clone();
    there.close(dealer);
    eventually("the peer to be unknown", || {
        turn(&mut here);
        (here.send(router, vec![peer.clone(), b"x".to_vec()]) == Err(SendError::Unroutable)).then_some(())
    });
}

pub(crate) fn a_message_of_many_frames_arrives_whole(world: &impl World) {
    let mut net = world.net();
    let (router, address) = listen(&mut net, Kind::Router);
    let dealer = dial(&mut net, Kind::Dealer, address);
    let message: Vec<_> = (0..100).map(|length| vec![7; length * 10]).collect();
    send(&mut net, dealer, &message);
    assert_eq!(receive(&mut net, router)[1..], message);
}

pub(crate) fn messages_of_one_peer_keep_their_order(world: &impl World) {
    let (mut here, mut there) = (world.net(), world.net());
    let (router, address) = listen(&mut here, Kind::Router);
    let dealer = dial(&mut there, Kind::Dealer, address);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..3000_u32 {
                send(&mut there, dealer, &vec![number.to_be_bytes().to_vec()]);
            }
            // All of it has arrived before this net goes away.
            receive(&mut there, dealer);
        });
        let mut peer = Vec::new();
        for number in 0..3000_u32 {
            let mut received = receive(&mut here, router);
            assert_eq!(received[1], number.to_be_bytes());
            peer = received.swap_remove(0);
        }
        here.send(router, vec![peer, b"done".to_vec()]).unwrap();
    });
}
