//! What the services take when they have nothing to do, and with a long history.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use papo_service::Failure;

use crate::Bench;
use crate::system::System;

/// How long idleness is watched, at most.
const WATCHED: Duration = Duration::from_secs(5);
/// How long what was asked before is still being indexed and checkpointed.
const CALM: Duration = Duration::from_secs(2);

/// Share of a core that each service takes while nobody asks anything, in per cent.
pub(crate) fn idle(system: &System, bench: &Bench) -> Result<BTreeMap<String, f64>, Failure> {
    bench.shutdown.wait_at_most(CALM.min(bench.settings.duration));
    let before = ticks(system)?;
    let start = Instant::now();
    bench.shutdown.wait_at_most(WATCHED.min(bench.settings.duration));
    bench.go_on()?;
    let after = ticks(system)?;
    let per_core = rustix::param::clock_ticks_per_second() as f64 * start.elapsed().as_secs_f64();
    let share = |(name, ticks): (String, u64)| {
        let used = ticks.saturating_sub(before.get(&name).copied().unwrap_or(ticks));
        (name, used as f64 / per_core * 100.0)
    };
    Ok(after.into_iter().map(share).collect())
}

/// Resident memory of each service, in MiB.
pub(crate) fn memory(system: &System) -> Result<BTreeMap<String, f64>, Failure> {
    of_each(system, "status", |status| {
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib / 1024.0)
    })
}

/// Processor time of each service so far, in the kernel's ticks.
fn ticks(system: &System) -> Result<BTreeMap<String, u64>, Failure> {
    of_each(system, "stat", |stat| {
        // The program's name is in parentheses and may hold anything; user and system time are the 12th and 13th after it.
        let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
        let mut next = || fields.next()?.parse::<u64>().ok();
        Some(next()? + next()?)
    })
}

/// What a file of `/proc/PID` says of each service.
fn of_each<T>(
    system: &System,
    file: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<BTreeMap<String, T>, Failure> {
    let mut all = BTreeMap::new();
    for (name, pid) in system.pids() {
        let path = format!("/proc/{pid}/{file}");
        let text = fs::read_to_string(&path).map_err(|error| Failure::failed(format!("{path}: {error}")))?;
        let value = read(&text).ok_or_else(|| Failure::failed(format!("{path} is not as expected")))?;
        all.insert(name, value);
    }
    Ok(all)
}
