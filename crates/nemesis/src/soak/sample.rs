//! What a process holds at one time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::scrape::samples;

/// Gauges of things that wait or are held, and have to be let go.
pub(super) const QUEUES: [&str; 8] = [
    "papo_servidor_waiting_requests",
    "papo_broker_open_requests",
    "papo_broker_waiting_requests",
    "papo_broker_in_flight_tries",
    "papo_broker_held_bytes",
    "papo_broker_connections",
    "papo_proxy_subscribers",
    "papo_proxy_active_subscriptions",
];
const APPLIED: &str = "papo_servidor_log_applied_index";

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
    /// By the name of the metric.
    pub queues: BTreeMap<&'static str, u64>,
}

impl Sample {
    /// Takes one; `None` when the process is gone.
    pub(super) fn take(at: Duration, pid: u32, http: u16) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| -> Option<u64> {
            status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
        };
        let metrics: BTreeMap<String, f64> = samples(http)?.into_iter().collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "gauges that count")]
        let metric = |name: &str| metrics.get(name).map(|value| *value as u64);
        Some(Self {
            at,
            rss: field("VmRSS:")? << 10,
            files: fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64,
            threads: field("Threads:")?,
            applied: metric(APPLIED).unwrap_or(0),
            queues: QUEUES.into_iter().filter_map(|name| Some((name, metric(name)?))).collect(),
        })
    }
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
