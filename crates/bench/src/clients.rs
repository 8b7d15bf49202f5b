//! Plain REQ clients, each of which waits for its answer before it asks again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use papo_service::Failure;
use papo_transport::{Kind, Net, SocketId, SocketOptions, ZmqContext, ZmqNet};

use crate::Bench;

/// What a run of clients came to.
pub(crate) struct Run {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Nanoseconds from request to answer.
    pub(crate) latency: Histogram<u64>,
    /// The slowest client's share of the mean, 1 for perfect fairness.
    pub(crate) fairness: f64,
    /// Answers that were not what was hoped for.
    pub(crate) failed: u64,
}

struct Client {
    socket: SocketId,
    sent: Instant,
    next: Instant,
    answered: u64,
}

/// What clients ask, and how often.
pub(crate) struct Plan<'a> {
    /// The broker.
    pub(crate) address: SocketAddr,
    /// How many at a time.
    pub(crate) clients: usize,
    /// Not counted: connections are made, caches filled.
    pub(crate) warm_up: Duration,
    /// Counted.
    pub(crate) duration: Duration,
    /// How long each client waits between its requests; zero for as fast as it can.
    pub(crate) pause: Duration,
    /// The request of client `.0`, its `.1`th.
    pub(crate) request: &'a dyn Fn(usize, u64) -> Vec<u8>,
    /// Whether an answer is the one hoped for. Called with the moment at which it arrived.
    pub(crate) accept: &'a mut dyn FnMut(&[u8], Instant) -> bool,
    /// Whether it is enough before the time is up.
    pub(crate) enough: &'a dyn Fn() -> bool,
}

/// Runs the clients, all on this thread.
pub(crate) fn run(bench: &Bench, plan: Plan<'_>) -> Result<Run, Failure> {
    let Plan { address, clients, warm_up, duration, pause, request, accept, enough } = plan;
    let mut net = ZmqNet::new(&ZmqContext::new())?;
    let options = SocketOptions { max_message: 64 << 20, ..SocketOptions::default() };
    let mut all = Vec::with_capacity(clients);
    let mut by_socket = BTreeMap::new();
    let start = Instant::now();
    for number in 0..clients {
        let socket = net.open(Kind::Request, &options)?;
        net.connect(socket, address)?;
        by_socket.insert(socket, number);
        all.push(Client { socket, sent: start, next: start, answered: 0 });
    }
    let mut waiting: Vec<usize> = (0..clients).collect();
    let (counts_from, until) = (start + warm_up, start + warm_up + duration);
    let mut latency = Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("the bounds are in order");
    let (mut failed, mut ready) = (0, Vec::new());
    let ended = loop {
        bench.go_on()?;
        let now = Instant::now();
        if now >= until || enough() {
            break now;
        }
        waiting.retain(|number| {
            let client = &mut all[*number];
            if client.next > now {
                return true;
            }
            client.sent = now;
            // Not connected yet: again on the next turn.
            net.send(client.socket, vec![request(*number, client.answered)]).is_err()
        });
        let nap = if waiting.is_empty() { Duration::from_millis(100) } else { Duration::from_micros(200) };
        net.wait(Some(nap.min(until.saturating_duration_since(now))), &mut ready);
        for socket in &ready {
            let Some(frames) = net.receive(*socket) else { continue };
            let now = Instant::now();
            let Some(&number) = by_socket.get(socket) else { continue };
            let client = &mut all[number];
            client.next = if pause.is_zero() { now } else { client.sent.max(now - pause) + pause };
            waiting.push(number);
            let accepted = frames.last().is_some_and(|payload| accept(payload, now));
            failed += u64::from(!accepted);
            if now >= counts_from {
                client.answered += 1;
                latency.saturating_record(
                    u64::try_from(now.duration_since(client.sent).as_nanos()).unwrap_or(u64::MAX),
                );
            }
        }
    };
    let counted = ended.saturating_duration_since(counts_from).as_secs_f64();
    let total: u64 = all.iter().map(|client| client.answered).sum();
    let least = all.iter().map(|client| client.answered).min().unwrap_or(0);
    let mean = total as f64 / clients as f64;
    Ok(Run {
        rate: if counted > 0.0 { total as f64 / counted } else { 0.0 },
        latency,
        fairness: if mean > 0.0 { least as f64 / mean } else { 0.0 },
        failed,
    })
}
