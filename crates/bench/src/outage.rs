//! What clients notice when something is killed.

use std::thread;
use std::time::{Duration, Instant};

use papo_processes::Cluster;
use papo_service::Failure;
use serde::Serialize;

use crate::clients::{Plan, run};
use crate::system::System;
use crate::throughput::{is_ok, publish};

/// How many clients write meanwhile.
const CLIENTS: usize = 8;
/// How long before something is killed.
const BEFORE: Duration = Duration::from_secs(2);
/// How long it is watched in all.
const WATCHED: Duration = Duration::from_secs(8);

/// One kill.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outage {
    /// What was killed.
    pub(crate) killed: String,
    /// The longest time between two acknowledgements to anybody, in milliseconds.
    pub(crate) pause_ms: f64,
    /// The longest that one client waited for one answer, in milliseconds.
    pub(crate) slowest_ms: f64,
    /// Until another servidor coordinated, in milliseconds, where that was needed.
    pub(crate) coordinator_ms: Option<f64>,
    /// Requests answered with an error.
    pub(crate) failed: u64,
}

pub(crate) fn measure(system: &mut System) -> Result<Vec<Outage>, Failure> {
    let mut outages = Vec::new();
    for what in ["coordinator", "follower", "proxy-1"] {
        outages.push(one(system, what)?);
        system.cluster.start_all();
        system.cluster.wait_until_whole();
    }
    Ok(outages)
}

fn one(system: &mut System, what: &str) -> Result<Outage, Failure> {
    let broker = system.broker();
    let name = match what {
        "coordinator" => system.cluster.coordinator(),
        "follower" => system.cluster.follower(),
        other => other.to_owned(),
    };
    let cluster = &mut system.cluster;
    let payload = publish("alguém", 100);
    let mut acknowledged: Vec<Instant> = Vec::new();
    let (run, coordinator_ms) = thread::scope(|scope| {
        let clients = scope.spawn(|| {
            run(Plan {
                address: broker,
                clients: CLIENTS,
                warm_up: Duration::ZERO,
                duration: WATCHED,
                pause: Duration::ZERO,
                request: &|_, _| payload.clone(),
                accept: &mut |answer, at| {
                    let ok = is_ok(answer);
                    if ok {
                        acknowledged.push(at);
                    }
                    ok
                },
            })
        });
        thread::sleep(BEFORE);
        let killed = Instant::now();
        cluster.kill9(&name);
        let elected = (what == "coordinator").then(|| successor(cluster, &name, killed)).flatten();
        (clients.join().expect("clients do not panic"), elected)
    });
    let run = run?;
    let pause = acknowledged.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(WATCHED);
    Ok(Outage {
        killed: format!("{what} ({name})"),
        pause_ms: pause.as_secs_f64() * 1e3,
        slowest_ms: run.latency.max() as f64 / 1e6,
        coordinator_ms,
        failed: run.failed,
    })
}

/// Milliseconds until one of the others coordinates.
fn successor(cluster: &Cluster, old: &str, killed: Instant) -> Option<f64> {
    let others: Vec<String> = cluster.servidores().into_iter().filter(|name| name != old).collect();
    while killed.elapsed() < WATCHED - BEFORE {
        let coordinates =
            |name: &String| cluster.status(name).is_some_and(|status| status.role == "coordinator");
        if others.iter().any(coordinates) {
            return Some(killed.elapsed().as_secs_f64() * 1e3);
        }
    }
    None
}
