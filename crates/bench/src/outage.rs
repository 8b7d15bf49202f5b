//! What our own clients notice when something is killed: they have another broker and another proxy to go to.

mod people;

use std::thread;
use std::time::{Duration, Instant};

use papo_processes::{Error, Shape};
use papo_service::Failure;
use serde::Serialize;

use self::people::{People, Seen};
use crate::Bench;
use crate::system::System;

/// How often everybody must have been answered before anything is killed.
const BEFORE: usize = 10;
/// How long it is watched afterwards, at least: longer than a client waits before it asks elsewhere.
const AFTER: Duration = Duration::from_secs(2);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// One kill.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outage {
    /// What was killed: its part, and the service's name.
    pub(crate) killed: String,
    /// The longest that one of the clients had no acknowledgement since, in milliseconds.
    pub(crate) acknowledgements_ms: f64,
    /// The longest that a subscriber was delivered nothing since, in milliseconds.
    pub(crate) deliveries_ms: f64,
    /// Until another servidor coordinated, in milliseconds, where that was needed.
    pub(crate) coordinator_ms: Option<f64>,
    /// Requests that ended in anything but an acknowledgement.
    pub(crate) failed: u64,
}

/// Kills one after the other, in a system of its own with two brokers and two proxies.
pub(crate) fn measure(bench: &Bench) -> Result<Vec<Outage>, Failure> {
    let mut system = System::start_as(Shape::default(), bench)?;
    let mut outages = Vec::new();
    for part in ["the coordinator", "a follower", "a broker in use", "a proxy in use"] {
        match one(&mut system, bench, part) {
            Ok(outage) => outages.push(outage),
            Err(failure) => return Err(system.failed(failure, bench)),
        }
    }
    Ok(outages)
}

fn one(system: &mut System, bench: &Bench, part: &str) -> Result<Outage, Failure> {
    let name = match part {
        "the coordinator" => system.coordinator()?,
        "a follower" => system.follower()?,
        // Sessions are spread over the brokers, so that half of them use this one; and they listen at all proxies.
        "a broker in use" => "broker-1".to_owned(),
        _ => "proxy-1".to_owned(),
    };
    let people = People::start(system, bench)?;
    people.wait_for("everybody is answered and delivered to", bench, |seen| seen.is_busy(BEFORE))?;

    let killed = Instant::now();
    system.kill9(&name)?;
    let coordinator_ms =
        (part == "the coordinator").then(|| successor(system, bench, &name, killed)).transpose()?;
    let watched = killed + AFTER.max(bench.settings.duration);
    bench.shutdown.wait_at_most(watched.saturating_duration_since(Instant::now()));
    people.wait_for("everybody goes on", bench, |seen| seen.is_busy_since(watched))?;
    let seen: Seen = people.finish()?;
    system.start_all()?;
    system.wait_until_whole()?;
    Ok(Outage {
        killed: format!("{part} ({name})"),
        acknowledgements_ms: millis(seen.longest_without_answer(killed)),
        deliveries_ms: millis(seen.longest_without_delivery(killed)),
        coordinator_ms,
        failed: seen.failed(),
    })
}

/// Milliseconds until one of the others coordinates.
fn successor(system: &System, bench: &Bench, old: &str, killed: Instant) -> Result<f64, Failure> {
    let others: Vec<String> = system.servidores().into_iter().filter(|name| name != old).collect();
    while killed.elapsed() < PATIENCE {
        bench.go_on()?;
        for name in &others {
            if system.status(name)?.is_some_and(|status| status.role == "coordinator") {
                return Ok(millis(killed.elapsed()));
            }
        }
        thread::sleep(Duration::from_millis(2));
    }
    let what = "another servidor coordinates".to_owned();
    Err(Error::NotInTime { what, limit: PATIENCE }.into())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
