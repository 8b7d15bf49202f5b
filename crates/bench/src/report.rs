//! What was measured, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::delivery::Delivery;
use crate::disk::Disk;
use crate::echo::EchoLimit;
use crate::history::{CatchUp, Pages};
use crate::outage::Outage;
use crate::throughput::Throughput;

/// All figures of one run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) disk: Disk,
    /// From starting `papo local` to the answer that a client's first write is stored, in seconds.
    pub(crate) start_s: f64,
    pub(crate) echo: Vec<EchoLimit>,
    pub(crate) throughput: Vec<Throughput>,
    pub(crate) delivery: Option<Delivery>,
    /// Per cent of a core while nobody asks anything.
    pub(crate) idle: Option<BTreeMap<String, f64>>,
    pub(crate) history: Option<Pages>,
    /// MiB, with the long history.
    pub(crate) memory: Option<BTreeMap<String, f64>>,
    pub(crate) outages: Vec<Outage>,
    pub(crate) catch_up: Option<CatchUp>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Disk { directory, fdatasync_per_s, .. } = &self.disk;
        writeln!(f, "disk: {fdatasync_per_s:.0} fdatasync a second in {}", directory.display())?;
        if let Some(warning) = self.disk.warning() {
            writeln!(f, "WARNING: {warning}")?;
        }
        writeln!(f, "papo local, start to first answered write: {:.2} s\n", self.start_s)?;
        writeln!(f, "clients  echo limit/s  papo/s  ratio  p50 ms  p99 ms  slowest client  failed")?;
        for (row, echo) in self.throughput.iter().zip(&self.echo) {
            writeln!(
                f,
                "{:>7}  {:>12.0}  {:>6.0}  {:>5.2}  {:>6.2}  {:>6.2}  {:>13.2}×  {:>6}",
                row.clients, echo.rate, row.rate, row.ratio, row.p50_ms, row.p99_ms, row.fairness, row.failed
            )?;
        }
        if let Some(delivery) = &self.delivery {
            writeln!(
                f,
                "\nfrom acknowledgement to a subscriber, at {:.0} writes a second: p50 {:.2} ms, p99 {:.2} ms, missed {}",
                delivery.rate, delivery.p50_ms, delivery.p99_ms, delivery.missed
            )?;
        }
        if let Some(pages) = &self.history {
            writeln!(
                f,
                "a page of 50 from {} messages, at the servidor: p50 {:.2} ms, p99 {:.2} ms",
                pages.messages, pages.p50_ms, pages.p99_ms
            )?;
        }
        if let Some(catch_up) = &self.catch_up {
            writeln!(
                f,
                "an empty servidor learned {} entries in {:.1} s, while {} clients wrote {:.0} a second, slowest answer {:.0} ms, failed {}",
                catch_up.entries,
                catch_up.seconds,
                catch_up.clients,
                catch_up.rate,
                catch_up.slowest_ms,
                catch_up.failed
            )?;
        }
        for outage in &self.outages {
            write!(
                f,
                "kill -9 of {}: no acknowledgement for {:.0} ms, no delivery for {:.0} ms, failed {}",
                outage.killed, outage.acknowledgements_ms, outage.deliveries_ms, outage.failed
            )?;
            match outage.coordinator_ms {
                Some(ms) => writeln!(f, ", new coordinator after {ms:.0} ms")?,
                None => writeln!(f)?,
            }
        }
        per_service(f, "memory", "MiB", self.memory.as_ref())?;
        per_service(f, "idle", "% of a core", self.idle.as_ref())
    }
}

fn per_service(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    unit: &str,
    of: Option<&BTreeMap<String, f64>>,
) -> fmt::Result {
    let Some(of) = of else { return Ok(()) };
    let all: Vec<String> = of.iter().map(|(name, value)| format!("{name} {value:.1}")).collect();
    writeln!(f, "{what} ({unit}): {}", all.join(", "))
}
