//! What a process holds at one time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::scrape::Metrics;

/// Gauges that tell of nothing that waits or is held: what they tell about may grow, is told by the system, or is only a state.
/// All others are taken for queues, so that one that is new is watched without anybody thinking of it.
const NO_QUEUES: [&str; 25] = [
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "papo_broker_servidores",
    "papo_proxy_epoch",
    "papo_proxy_index",
    "papo_servidor_brokers_alive",
    "papo_servidor_clock_bound_seconds",
    "papo_servidor_clock_offset_seconds",
    "papo_servidor_coordinator_known",
    "papo_servidor_disk_free_bytes",
    "papo_servidor_disk_full",
    "papo_servidor_disk_used_bytes",
    "papo_servidor_drill_hooks",
    "papo_servidor_epoch",
    "papo_servidor_member",
    "papo_servidor_members",
    "papo_servidor_members_wanted",
    "papo_servidor_peer_alive",
    "papo_servidor_role",
    "papo_servidor_serving",
    APPLIED,
    COMMITTED,
    LAST,
];
const APPLIED: &str = "papo_servidor_log_applied_index";
const COMMITTED: &str = "papo_servidor_log_commit_index";
const LAST: &str = "papo_servidor_log_last_index";
/// What is between them: entries of the log that wait to be committed, or to be applied.
const BETWEEN: [(&str, &str, &str); 2] =
    [("papo_servidor_uncommitted", COMMITTED, LAST), ("papo_servidor_unapplied", APPLIED, COMMITTED)];

/// One process at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Duration,
    /// Memory, in bytes.
    pub rss: u64,
    /// Open files.
    pub files: u64,
    /// Threads.
    pub threads: u64,
    /// Entries of the log that were applied; 0 where there is no log.
    pub applied: u64,
    /// Things that wait or are held, by the name of the metric.
    pub queues: BTreeMap<String, u64>,
}

impl Sample {
    /// Takes one; `None` when the process is gone.
    pub(super) fn take(at: Duration, pid: u32, http: u16) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| -> Option<u64> {
            status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
        };
        let metrics = Metrics::of(http)?;
        Some(Self {
            at,
            rss: field("VmRSS:")? << 10,
            files: fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64,
            threads: field("Threads:")?,
            applied: metrics.get(APPLIED).map_or(0, whole),
            queues: queues(&metrics),
        })
    }
}

fn queues(metrics: &Metrics) -> BTreeMap<String, u64> {
    let held = metrics.gauges().filter(|(name, _)| !NO_QUEUES.contains(name));
    let between = BETWEEN
        .into_iter()
        .filter_map(|(name, from, to)| Some((name, metrics.get(to)? - metrics.get(from)?)));
    held.chain(between).map(|(name, value)| (name.to_owned(), whole(value))).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "gauges that count")]
fn whole(value: f64) -> u64 {
    value as u64
}

/// All samples, in a file.
pub(super) struct Table(Option<File>);

impl Table {
    pub(super) fn begin(path: &Path) -> Self {
        let mut file = File::create(path).ok();
        if let Some(file) = &mut file {
            writeln!(file, "seconds,process,rss,files,threads,applied,queues").ok();
        }
        Self(file)
    }

    pub(super) fn add(&mut self, node: &str, sample: &Sample) {
        let Some(file) = &mut self.0 else { return };
        let Sample { at, rss, files, threads, applied, queues } = sample;
        let queues: Vec<String> = queues.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let line = format!("{},{node},{rss},{files},{threads},{applied},{}", at.as_secs(), queues.join(" "));
        writeln!(file, "{line}").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list of all metrics, which the programs are held against by a test of their own.
    const LIST: &str = include_str!("../../../../docs/metrics.md");

    #[test]
    fn what_is_no_queue_is_a_gauge_that_exists() {
        for name in NO_QUEUES {
            assert!(LIST.contains(&format!("| `{name}` | gauge |")), "{name}");
        }
    }
}
