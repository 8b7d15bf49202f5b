//! What the services take when they have nothing to do, and with a long history.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use papo_service::Failure;

use crate::system::System;

/// How long idleness is watched.
const WATCHED: Duration = Duration::from_secs(5);
/// What `/proc/PID/stat` counts processor time in.
const TICKS_PER_S: f64 = 100.0;

/// Share of a core that each service takes while nobody asks anything, in per cent.
pub(crate) fn idle(system: &mut System) -> Result<BTreeMap<String, f64>, Failure> {
    // What was asked before is still being indexed and checkpointed for a moment.
    thread::sleep(Duration::from_secs(2));
    let before = ticks(system)?;
    let start = Instant::now();
    thread::sleep(WATCHED);
    let after = ticks(system)?;
    let seconds = start.elapsed().as_secs_f64();
    let share = |(name, ticks): (String, u64)| {
        let used = ticks.saturating_sub(before.get(&name).copied().unwrap_or(0));
        (name, used as f64 / TICKS_PER_S / seconds * 100.0)
    };
    Ok(after.into_iter().map(share).collect())
}

/// Resident memory of each service, in MiB.
pub(crate) fn memory(system: &mut System) -> Result<BTreeMap<String, f64>, Failure> {
    let mut memory = BTreeMap::new();
    for (name, pid) in system.cluster.pids() {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
        let kib: f64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0.0);
        memory.insert(name, kib / 1024.0);
    }
    Ok(memory)
}

fn ticks(system: &mut System) -> Result<BTreeMap<String, u64>, Failure> {
    let of = |pid: u32| -> io::Result<u64> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The program's name is in parentheses and may hold anything; user and system time are the 12th and 13th after it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let field = |n: usize| fields.get(n).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        Ok(field(11) + field(12))
    };
    let mut all = BTreeMap::new();
    for (name, pid) in system.cluster.pids() {
        all.insert(name, of(pid)?);
    }
    Ok(all)
}
