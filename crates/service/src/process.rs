//! What the operating system knows of this process, read when it is asked for.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Unit;
use rustix::process::{Resource, getrlimit};

/// Reports the build, and on Linux also memory, CPU time and open descriptors. Elsewhere those are absent.
#[derive(Debug)]
pub(crate) struct ProcessCollector {
    labels: Vec<(&'static str, String)>,
}

impl ProcessCollector {
    pub(crate) fn new(service: &str, version: &str) -> Self {
        Self { labels: vec![("service", service.to_owned()), ("version", version.to_owned())] }
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let info = Info::new(self.labels.clone());
        info.encode(encoder.encode_descriptor(
            "papo_build",
            "Which build this is",
            None,
            info.metric_type(),
        )?)?;
        let Some(vitals) = Vitals::read() else { return Ok(()) };
        let memory = ConstGauge::new(vitals.resident_bytes);
        memory.encode(encoder.encode_descriptor(
            "process_resident_memory",
            "Memory held in RAM",
            Some(&Unit::Bytes),
            memory.metric_type(),
        )?)?;
        let cpu = ConstCounter::new(vitals.cpu_seconds);
        cpu.encode(encoder.encode_descriptor(
            "process_cpu",
            "CPU time used, of user and system",
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?)?;
        let descriptors = ConstGauge::new(vitals.open_descriptors);
        descriptors.encode(encoder.encode_descriptor(
            "process_open_fds",
            "Open file descriptors",
            None,
            descriptors.metric_type(),
        )?)?;
        if let Some(limit) = vitals.max_descriptors {
            let limit = ConstGauge::new(limit);
            limit.encode(encoder.encode_descriptor(
                "process_max_fds",
                "File descriptors that it may have open",
                None,
                limit.metric_type(),
            )?)?;
        }
        let start = ConstGauge::new(vitals.started_at);
        start.encode(encoder.encode_descriptor(
            "process_start_time",
            "When it started, in seconds since 1970",
            Some(&Unit::Seconds),
            start.metric_type(),
        )?)
    }
}

struct Vitals {
    resident_bytes: i64,
    cpu_seconds: f64,
    open_descriptors: i64,
    /// `None` where there is no limit.
    max_descriptors: Option<i64>,
    started_at: f64,
}

/// When the system started, in seconds since 1970.
fn booted_at() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

impl Vitals {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is the program's name in brackets and may hold anything, spaces too.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<i64>().ok();
        let ticks = field(14)? + field(15)?;
        Some(Self {
            resident_bytes: field(24)? * i64::try_from(rustix::param::page_size()).ok()?,
            cpu_seconds: ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
            open_descriptors: i64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?,
            max_descriptors: getrlimit(Resource::Nofile)
                .current
                .map(|limit| i64::try_from(limit).unwrap_or(i64::MAX)),
            started_at: booted_at()? + field(22)? as f64 / rustix::param::clock_ticks_per_second() as f64,
        })
    }
}
