//! Names followed off the loop's thread.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use papo_transport::{Change, HostPort, Resolver, Waker};

const SOON: Duration = Duration::from_millis(1);
const DEADLINE: Duration = Duration::from_secs(20);

/// DNS as the test sees fit.
#[derive(Clone, Default)]
struct Zone(Arc<Mutex<HashMap<String, Vec<SocketAddr>>>>);

impl Zone {
    fn set(&self, host: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.0.lock().unwrap().insert(host.to_owned(), addresses);
    }

    fn remove(&self, host: &str) {
        self.0.lock().unwrap().remove(host);
    }

    fn lookup(&self, target: &HostPort) -> io::Result<Vec<SocketAddr>> {
        let zone = self.0.lock().unwrap();
        zone.get(&target.host()).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn resolver(&self) -> (Resolver, Receiver<()>) {
        let (sender, wakes) = mpsc::channel();
        let zone = self.clone();
        (Resolver::with_lookup(waker(sender), SOON, move |target: &HostPort| zone.lookup(target)), wakes)
    }
}

fn target(text: &str) -> HostPort {
    text.parse().unwrap()
}

fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Tells the test instead of a net.
fn waker(wakes: Sender<()>) -> Waker {
    Waker::new(move || {
        let _ = wakes.send(());
    })
}

/// The next changes; only after a wake, as a loop would.
fn changes(resolver: &mut Resolver, wakes: &Receiver<()>) -> Vec<Change> {
    loop {
        wakes.recv_timeout(DEADLINE).expect("a change wakes");
        let changes = resolver.changes();
        if !changes.is_empty() {
            return changes;
        }
    }
}

fn wait_for_failures(resolver: &Resolver, at_least: u64) {
    let deadline = Instant::now() + DEADLINE;
    while resolver.failures() < at_least {
        assert!(Instant::now() < deadline, "{} failures", resolver.failures());
        thread::yield_now();
    }
}

#[test]
fn a_numeric_target_is_its_own_address_at_once() {
    let (mut resolver, _wakes) = Zone::default().resolver();
    let id = resolver.watch(&target("[::1]:5557"));
    assert_eq!(
        resolver.changes(),
        [Change { target: id, added: addresses(&["[::1]:5557"]), removed: vec![] }]
    );
    assert!(resolver.changes().is_empty(), "told once");
}

#[test]
fn all_addresses_of_a_name_are_followed_as_they_come_and_go() {
    let zone = Zone::default();
    zone.set("broker", &["10.0.0.2:1", "10.0.0.1:1"]);
    let (mut resolver, wakes) = zone.resolver();
    let id = resolver.watch(&target("broker:1"));
    let added = addresses(&["10.0.0.1:1", "10.0.0.2:1"]);
    assert_eq!(changes(&mut resolver, &wakes), [Change { target: id, added, removed: vec![] }]);
    zone.set("broker", &["10.0.0.2:1", "10.0.0.3:1"]);
    let (added, removed) = (addresses(&["10.0.0.3:1"]), addresses(&["10.0.0.1:1"]));
    assert_eq!(changes(&mut resolver, &wakes), [Change { target: id, added, removed }]);
}

#[test]
fn a_name_that_fails_keeps_the_addresses_it_had() {
    let zone = Zone::default();
    zone.set("broker", &["10.0.0.1:1"]);
    let (mut resolver, wakes) = zone.resolver();
    let id = resolver.watch(&target("broker:1"));
    changes(&mut resolver, &wakes);
    zone.remove("broker");
    wait_for_failures(&resolver, 3);
    zone.set("broker", &[]);
    wait_for_failures(&resolver, resolver.failures() + 3);
    assert!(resolver.changes().is_empty(), "an empty answer is a failure, too");
    zone.set("broker", &["10.0.0.2:1"]);
    let (added, removed) = (addresses(&["10.0.0.2:1"]), addresses(&["10.0.0.1:1"]));
    assert_eq!(changes(&mut resolver, &wakes), [Change { target: id, added, removed }]);
}

#[test]
fn a_name_that_hangs_delays_no_other() {
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let (sender, wakes) = mpsc::channel();
    let lookup = move |target: &HostPort| {
        if target.host() == "dead" {
            let _ = held.lock().unwrap().recv();
        }
        Ok(addresses(&["10.0.0.1:1"]))
    };
    let mut resolver = Resolver::with_lookup(waker(sender), SOON, lookup);
    resolver.watch(&target("dead:1"));
    let alive = resolver.watch(&target("alive:1"));
    assert_eq!(changes(&mut resolver, &wakes)[0].target, alive);
    drop(resolver);
    drop(release);
}

#[test]
fn a_forgotten_target_is_not_heard_of_again() {
    let zone = Zone::default();
    zone.set("one", &["10.0.0.1:1"]);
    zone.set("two", &["10.0.0.2:1"]);
    let (mut resolver, wakes) = zone.resolver();
    let one = resolver.watch(&target("one:1"));
    changes(&mut resolver, &wakes);
    resolver.forget(one);
    zone.set("one", &["10.0.0.9:1"]);
    let two = resolver.watch(&target("two:1"));
    assert_eq!(changes(&mut resolver, &wakes).iter().map(|change| change.target).collect::<Vec<_>>(), [two]);
}

#[test]
fn the_system_knows_localhost_by_one_family() {
    let (sender, wakes) = mpsc::channel();
    let mut resolver = Resolver::start(waker(sender), SOON);
    resolver.watch(&target("localhost:5557"));
    let found = changes(&mut resolver, &wakes).remove(0).added;
    assert!(found.iter().all(SocketAddr::is_ipv4) || found.iter().all(SocketAddr::is_ipv6), "{found:?}");
    assert!(found.iter().all(|address| address.port() == 5557));
}
