//! The broker's loop with real messages: fake servidores and clients on nets of their own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::Parser;
use papo_broker::{Broker, BrokerMetrics, BrokerSettings};
use papo_service::{Health, Metrics, Shutdown};
use papo_transport::{Kind, Net, SocketId, SocketOptions, Waker};
use papo_wire::envelope::{Beacon, Ordered, State, ToBroker, ToServidor};

/// Long enough for anything that happens at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn settings(more: &[&str]) -> BrokerSettings {
    let ports = ["broker", "--listen=127.0.0.1", "--client-port=0", "--servidor-port=0"];
    BrokerSettings::try_parse_from(ports.iter().chain(more)).expect("right settings")
}

/// A broker that runs in a thread, and is told to stop when dropped.
pub(crate) struct RunningBroker {
    pub(crate) clients: SocketAddr,
    pub(crate) servidores: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    thread: Option<JoinHandle<()>>,
}

impl RunningBroker {
    pub(crate) fn start(net: impl Net + Send + 'static, settings: &BrokerSettings) -> Self {
        let metrics = Metrics::new("broker", "0");
        let broker = Broker::bind(net, settings, 77, BrokerMetrics::new(&metrics)).expect("bound");
        let (clients, servidores) = (broker.client_address(), broker.servidor_address());
        let (shutdown, health) = (Shutdown::new(), Health::new());
        let (its_shutdown, its_health) = (shutdown.clone(), health.clone());
        let thread = thread::spawn(move || broker.run(&its_shutdown, &its_health));
        Self { clients, servidores, shutdown, health, metrics, thread: Some(thread) }
    }

    pub(crate) fn wait_until_stopped(&mut self) {
        let thread = self.thread.take().expect("it is waited for once");
        wait_until("the broker stops", || thread.is_finished());
        thread.join().expect("the broker ends well");
    }

    /// Waits until the metrics hold such a line.
    pub(crate) fn wait_for_metric(&self, line: &str) {
        wait_until(line, || self.shows(line));
    }

    /// Whether the metrics hold such a line.
    pub(crate) fn shows(&self, line: &str) -> bool {
        self.metrics.encode().expect("text").lines().any(|shown| shown == line)
    }
}

impl Drop for RunningBroker {
    fn drop(&mut self) {
        self.shutdown.request();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the broker panicked");
        }
    }
}

/// How a fake servidor treats requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Manner {
    /// Answers with the request's payload.
    Echo = 0,
    /// Takes them and says nothing.
    Mute = 1,
    /// Gives them back.
    Elsewhere = 2,
    /// Stops reading and sending altogether.
    Frozen = 3,
}

/// A servidor that lives in a thread and is gone, without a word, when dropped.
pub(crate) struct FakeServidor {
    shared: Arc<Shared>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    manner: AtomicU8,
    gone: AtomicBool,
    taken: AtomicUsize,
}

impl FakeServidor {
    pub(crate) fn start(
        net: impl Net + Send + 'static,
        broker: SocketAddr,
        name: &str,
        manner: Manner,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        shared.manner.store(manner as u8, Ordering::SeqCst);
        let waker = net.waker();
        let its = Arc::clone(&shared);
        let name = name.to_owned();
        let thread = thread::spawn(move || serve(net, broker, &name, &its));
        Self { shared, waker, thread: Some(thread) }
    }

    pub(crate) fn set(&self, manner: Manner) {
        self.shared.manner.store(manner as u8, Ordering::SeqCst);
        self.waker.wake();
    }

    /// How many requests it was sent.
    pub(crate) fn taken(&self) -> usize {
        self.shared.taken.load(Ordering::SeqCst)
    }
}

impl Drop for FakeServidor {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::SeqCst);
        self.waker.wake();
        let ended = self.thread.take().expect("it is dropped once").join();
        assert!(ended.is_ok() || thread::panicking(), "the fake servidor panicked");
    }
}

fn serve(mut net: impl Net, broker: SocketAddr, name: &str, shared: &Shared) {
    let socket = net.open(Kind::Dealer, &SocketOptions::default()).expect("a socket");
    net.connect(socket, broker).expect("an address");
    let mut ready = Vec::new();
    let mut next_beacon = Instant::now();
    while !shared.gone.load(Ordering::SeqCst) {
        if shared.manner.load(Ordering::SeqCst) == Manner::Frozen as u8 {
            // Not a wait on the net, which ends at once while there is something that is not read.
            thread::sleep(Duration::from_millis(5));
            continue;
        }
        net.wait(Some(next_beacon.saturating_duration_since(Instant::now())), &mut ready);
        // After the wait: what comes next was asked of the servidor as it is now.
        let manner = shared.manner.load(Ordering::SeqCst);
        if manner == Manner::Frozen as u8 {
            continue;
        }
        if Instant::now() >= next_beacon {
            next_beacon = Instant::now() + Duration::from_millis(50);
            let beacon = Beacon { state: State::Serving, incarnation: 1, index: 0, name: name.to_owned() };
            // Full while the broker cannot be reached: the next one will do.
            let _ = net.send(socket, ToBroker::Beacon(beacon).encode());
        }
        while let Some(frames) = net.receive(socket) {
            let ToServidor::Dispatch { dispatch, payload } = ToServidor::decode(frames).expect("an envelope")
            else {
                continue;
            };
            shared.taken.fetch_add(1, Ordering::SeqCst);
            let ticket = dispatch.ticket;
            let said = match manner {
                manner if manner == Manner::Echo as u8 => {
                    ToBroker::Answer { ticket, index: dispatch.counter, payload }
                }
                manner if manner == Manner::Elsewhere as u8 => {
                    ToBroker::Elsewhere { ticket, ordered: Ordered::No }
                }
                _ => continue,
            };
            net.send(socket, said.encode()).expect("the broker reads");
        }
    }
}

/// A client with one socket.
pub(crate) struct FakeClient<N> {
    net: N,
    socket: SocketId,
}

impl<N: Net> FakeClient<N> {
    pub(crate) fn connect(mut net: N, kind: Kind, broker: SocketAddr) -> Self {
        let socket = net.open(kind, &SocketOptions::default()).expect("a socket");
        net.connect(socket, broker).expect("an address");
        Self { net, socket }
    }

    /// Sends these frames as soon as there is somebody to send to.
    pub(crate) fn send(&mut self, frames: &[&[u8]]) {
        wait_until("something can be sent", || {
            self.net.send(self.socket, frames.iter().map(|frame| frame.to_vec()).collect()).is_ok()
        });
    }

    /// The next message.
    pub(crate) fn receive(&mut self) -> Vec<Vec<u8>> {
        let end = Instant::now() + PATIENCE;
        let mut ready = Vec::new();
        loop {
            if let Some(frames) = self.net.receive(self.socket) {
                return frames;
            }
            assert!(Instant::now() < end, "nothing came");
            self.net.wait(Some(Duration::from_millis(100)), &mut ready);
        }
    }

    /// A request and its answer.
    pub(crate) fn ask(&mut self, payload: &[u8]) -> Vec<u8> {
        self.send(&[payload]);
        let frames = self.receive();
        assert_eq!(frames.len(), 1, "an answer is one frame");
        frames.into_iter().next().expect("it was counted")
    }
}

pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
