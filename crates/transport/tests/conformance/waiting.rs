use std::thread;
use std::time::{Duration, Instant};

use papo_transport::{Kind, Net};

use crate::support::{World, dial, eventually, frames, listen, receive, send};

/// Longer than a test may take: a wait that ends earlier was ended by something.
const LONG: Option<Duration> = Some(Duration::from_secs(60));

pub(crate) fn a_wait_ends_at_its_timeout_with_nothing_ready(world: &impl World) {
    let mut net = world.net();
    let (router, _) = listen(&mut net, Kind::Router);
    let mut ready = vec![router];
    for timeout in [Duration::ZERO, Duration::from_micros(300), Duration::from_millis(30)] {
        let start = Instant::now();
        net.wait(Some(timeout), &mut ready);
        assert!(start.elapsed() >= timeout);
        assert!(ready.is_empty(), "cleared first");
    }
}

pub(crate) fn a_wake_from_another_thread_ends_the_wait(world: &impl World) {
    let mut net = world.net();
    listen(&mut net, Kind::Router);
    let waker = net.waker();
    thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let mut ready = Vec::new();
            net.wait(LONG, &mut ready);
            assert!(ready.is_empty());
        });
        let start = Instant::now();
        waker.wake();
        waiting.join().unwrap();
        assert!(start.elapsed() < LONG.unwrap());
    });
}

pub(crate) fn a_wake_before_the_wait_ends_it(world: &impl World) {
    let mut net = world.net();
    net.waker().wake();
    let start = Instant::now();
    net.wait(LONG, &mut Vec::new());
    assert!(start.elapsed() < LONG.unwrap());
}

pub(crate) fn many_wakes_end_one_wait_and_none_is_lost(world: &impl World) {
    let mut net = world.net();
    let waker = net.waker();
    for _ in 0..1000 {
        waker.wake();
    }
    net.wait(LONG, &mut Vec::new());
    let start = Instant::now();
    net.wait(Some(Duration::from_millis(20)), &mut Vec::new());
    assert!(start.elapsed() >= Duration::from_millis(20), "all of them were one");

    // From here on every wake follows something put into a channel; after each wait all of it must be there.
    let (sender, receiver) = std::sync::mpsc::channel();
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            let (sender, waker) = (sender.clone(), waker.clone());
            scope.spawn(move || {
                for _ in 0..5_000 {
                    sender.send(()).unwrap();
                    waker.wake();
                }
            });
        }
        let mut taken = 0;
        while taken < 10_000 {
            net.wait(LONG, &mut Vec::new());
            taken += receiver.try_iter().count();
        }
    });
    assert!(start.elapsed() < LONG.unwrap(), "a wake was lost");
}

pub(crate) fn a_waker_outlives_its_net(world: &impl World) {
    let waker = world.net().waker();
    waker.wake();
    waker.wake();
}

pub(crate) fn a_socket_stays_ready_until_it_is_read_empty(world: &impl World) {
    let mut net = world.net();
    let (router, address) = listen(&mut net, Kind::Router);
    let dealer = dial(&mut net, Kind::Dealer, address);
    for _ in 0..3 {
        send(&mut net, dealer, &frames(&["x"]));
    }
    let mut ready = Vec::new();
    for _ in 0..3 {
        eventually("it is ready", || {
            net.wait(LONG, &mut ready);
            ready.contains(&router).then_some(())
        });
        assert!(net.receive(router).is_some());
    }
    assert_eq!(net.receive(router), None);
    net.wait(Some(Duration::ZERO), &mut ready);
    assert!(ready.is_empty());
}

pub(crate) fn every_ready_socket_is_named(world: &impl World) {
    let mut net = world.net();
    let pairs = [(); 3].map(|()| {
        let (router, address) = listen(&mut net, Kind::Router);
        (router, dial(&mut net, Kind::Dealer, address))
    });
    for (_, dealer) in pairs {
        send(&mut net, dealer, &frames(&["x"]));
    }
    let mut ready = Vec::new();
    eventually("all three are ready", || {
        net.wait(LONG, &mut ready);
        pairs.iter().all(|(router, _)| ready.contains(router)).then_some(())
    });
    let mut once = ready.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), ready.len(), "each once");
}

pub(crate) fn a_message_from_another_thread_ends_the_wait(world: &impl World) {
    let mut here = world.net();
    let (router, address) = listen(&mut here, Kind::Router);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut there = world.net();
            let dealer = dial(&mut there, Kind::Dealer, address);
            send(&mut there, dealer, &frames(&["x"]));
            receive(&mut there, dealer);
        });
        let mut ready = Vec::new();
        here.wait(LONG, &mut ready);
        assert_eq!(ready, [router]);
        let message = here.receive(router).expect("ready means readable");
        here.send(router, message).unwrap();
    });
}

/// Sending on a socket may be what makes the library take note of messages that arrived on it; the next wait
/// must not sleep over them.
pub(crate) fn messages_that_arrived_during_sends_are_not_overlooked(world: &impl World) {
    let mut here = world.net();
    let (router, address) = listen(&mut here, Kind::Router);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut there = world.net();
            let dealer = dial(&mut there, Kind::Dealer, address);
            send(&mut there, dealer, &frames(&["hello"]));
            loop {
                let message = receive(&mut there, dealer);
                if message == frames(&["end"]) {
                    return;
                }
                send(&mut there, dealer, &message);
            }
        });
        let peer = receive(&mut here, router).swap_remove(0);
        let (mut sent, mut received, mut ready) = (0, 0, Vec::new());
        while received < 3_000 {
            while sent < 3_000 && sent - received < 20 {
                send(&mut here, router, &vec![peer.clone(), b"echo".to_vec()]);
                sent += 1;
            }
            let start = Instant::now();
            here.wait(LONG, &mut ready);
            assert!(start.elapsed() < LONG.unwrap() / 2, "slept over {} messages", sent - received);
            // One at a time, so that sends and receives interleave.
            received += u32::from(here.receive(router).is_some());
        }
        send(&mut here, router, &vec![peer, b"end".to_vec()]);
    });
}
