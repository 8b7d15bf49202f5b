//! Numbers for Prometheus: one registry a process, named after it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use crate::process::ProcessCollector;

/// The process's registry. Clones share it.
///
/// Every name given here gets the prefix `papo_<service>_`: `counter("bad_input", ...)` of the broker is scraped as
/// `papo_broker_bad_input_total`.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    prefix: String,
}

impl Metrics {
    /// A registry for the service of that name, with what is known of every process (memory, CPU, descriptors).
    pub fn new(service: &str, version: &str) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector::new(service, version)));
        let registry = Arc::new(Mutex::new(registry));
        Self { registry, prefix: format!("papo_{}", service.replace([' ', '-'], "_")) }
    }

    /// A number that only grows. `help` is a sentence without its full stop.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.register(name, help, counter.clone());
        counter
    }

    /// A number that goes up and down.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.register(name, help, gauge.clone());
        gauge
    }

    /// Any other metric (families with labels, histograms). The caller keeps a clone of it.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.lock().sub_registry_with_prefix(&self.prefix).register(name, help, metric);
    }

    /// Everything in OpenMetrics text, as served on `/metrics`.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.lock())?;
        Ok(text)
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_carry_the_name_of_their_service() {
        let metrics = Metrics::new("cliente_automatico", "1.2.3");
        let seen = metrics.counter("seen", "Messages seen");
        metrics.gauge("users", "Users at work").set(7);
        seen.inc_by(3);
        let text = metrics.encode().expect("text");
        assert!(text.contains("papo_cliente_automatico_seen_total 3"), "{text}");
        assert!(text.contains("papo_cliente_automatico_users 7"), "{text}");
        assert!(
            text.contains(r#"papo_build_info{service="cliente_automatico",version="1.2.3"} 1"#),
            "{text}"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_knows_its_own_memory() {
        let text = Metrics::new("x", "1").encode().expect("text");
        let line =
            text.lines().find(|line| line.starts_with("process_resident_memory_bytes ")).expect("a line");
        let bytes: u64 = line.rsplit(' ').next().expect("a value").parse().expect("a number");
        assert!(bytes > 100_000, "{line}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_knows_when_it_started() {
        let text = Metrics::new("x", "1").encode().expect("text");
        let prefix = "process_start_time_seconds ";
        let started = text.lines().find_map(|line| line.strip_prefix(prefix)).expect("a line");
        let started: f64 = started.parse().expect("a number");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        // The system's start is only known to a second, and drifts from the wall clock.
        assert!((now.as_secs_f64() - started).abs() < 600.0, "{started} is not close to {now:?}");
    }
}
