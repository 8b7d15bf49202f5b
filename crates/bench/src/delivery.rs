//! How long after its acknowledgement a message is with a subscriber.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use papo_service::Failure;
use papo_transport::{Kind, Net, SocketOptions, ZmqContext, ZmqNet};
use papo_wire::publication::Publication;
use papo_wire::reply::Reply;
use serde::Serialize;

use crate::Bench;
use crate::clients::{Plan, run};
use crate::system::{CHANNEL, System};
use crate::throughput::{Throughput, publish};

/// How many clients write meanwhile, at half of what they could.
const CLIENTS: usize = 16;

/// See the module.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Delivery {
    /// Writes a second meanwhile.
    pub(crate) rate: f64,
    /// Median, in milliseconds; what arrived before its acknowledgement counts as zero.
    pub(crate) p50_ms: f64,
    /// The 99th percentile.
    pub(crate) p99_ms: f64,
    /// Messages that were acknowledged and not delivered within a second.
    pub(crate) missed: u64,
}

pub(crate) fn measure(
    system: &System,
    bench: &Bench,
    throughput: &[Throughput],
) -> Result<Delivery, Failure> {
    let settings = &bench.settings;
    let full = throughput.iter().find(|row| row.clients == CLIENTS).or(throughput.last());
    let half = full.map_or(1_000.0, |row| row.rate / 2.0);
    let proxy = system.proxy();
    let stop = AtomicBool::new(false);
    let payload = publish("alguém", settings.bytes);
    let mut acknowledged: HashMap<u64, Instant> = HashMap::new();
    let (run, delivered) = thread::scope(|scope| {
        let subscriber = scope.spawn(|| subscribe(proxy, &stop));
        let plan = Plan {
            address: system.broker(),
            clients: CLIENTS,
            warm_up: settings.duration.min(Duration::from_secs(1)),
            duration: settings.duration,
            pause: Duration::from_secs_f64(CLIENTS as f64 / half),
            request: &|_, _| payload.clone(),
            accept: &mut |answer, at| {
                let Ok(reply) = Reply::decode(answer) else { return false };
                acknowledged.insert(reply.index, at);
                reply.answer.is_ok()
            },
            enough: &|| false,
        };
        let run = run(bench, plan);
        // What is not there by then is late enough to be called missed.
        bench.shutdown.wait_at_most(Duration::from_secs(1));
        stop.store(true, Ordering::Relaxed);
        (run, subscriber.join().expect("the subscriber does not panic"))
    });
    let (run, delivered) = (run?, delivered?);
    let mut latency = Histogram::<u64>::new(3).expect("three digits are allowed");
    let mut missed = 0;
    // What was said while the subscription was still on its way is not counted.
    let first = delivered.keys().min().copied().unwrap_or(u64::MAX);
    for (index, at) in acknowledged.iter().filter(|(index, _)| **index >= first) {
        match delivered.get(index) {
            Some(arrived) => {
                let late = arrived.saturating_duration_since(*at);
                latency.saturating_record(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX));
            }
            None => missed += 1,
        }
    }
    Ok(Delivery {
        rate: run.rate,
        p50_ms: latency.value_at_quantile(0.5) as f64 / 1e6,
        p99_ms: latency.value_at_quantile(0.99) as f64 / 1e6,
        missed,
    })
}

fn subscribe(proxy: SocketAddr, stop: &AtomicBool) -> Result<HashMap<u64, Instant>, Failure> {
    let mut net = ZmqNet::new(&ZmqContext::new())?;
    let options = SocketOptions { receive_queue: 1_000_000, ..SocketOptions::default() };
    let socket = net.open(Kind::Subscribe, &options)?;
    net.subscribe(socket, CHANNEL.as_bytes());
    net.connect(socket, proxy)?;
    let (mut ready, mut delivered) = (Vec::new(), HashMap::new());
    while !stop.load(Ordering::Relaxed) {
        net.wait(Some(Duration::from_millis(100)), &mut ready);
        while let Some(frames) = net.receive(socket) {
            let at = Instant::now();
            if let [topic, payload] = frames.as_slice()
                && let Ok(Publication::Said(delivery)) = Publication::decode(topic, payload)
            {
                delivered.insert(delivery.said.index, at);
            }
        }
    }
    Ok(delivered)
}
