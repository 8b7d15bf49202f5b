use std::sync::atomic::Ordering;
use std::time::Duration;

use papo_service::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use crate::dispatcher::{Counters, Dropped, Gauges, Refusal, Retry};

/// What the broker shows of itself.
#[derive(Debug)]
pub struct BrokerMetrics {
    requests: Family<Outcome, Counter>,
    retries: Family<Reason, Counter>,
    dropped: Family<Reason, Counter>,
    waited: Histogram,
    servidores: Family<Standing, Gauge>,
    open: Gauge,
    waiting: Gauge,
    in_flight: Gauge,
    held: Gauge,
    connections: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Standing {
    standing: &'static str,
}

impl BrokerMetrics {
    /// Registers everything, each at zero.
    pub fn new(metrics: &Metrics) -> Self {
        // 0.1 ms to 6.5 s: beyond the default deadline.
        let waited = Histogram::new(exponential_buckets(0.0001, 2.0, 17));
        let this = Self {
            requests: Family::default(),
            retries: Family::default(),
            dropped: Family::default(),
            waited,
            servidores: Family::default(),
            open: metrics.gauge("open_requests", "Requests without an answer"),
            waiting: metrics.gauge("waiting_requests", "Open requests that wait for a servidor with room"),
            in_flight: metrics.gauge("in_flight_tries", "Tries that servidores are expected to answer"),
            held: metrics.gauge("held_bytes", "Memory that open requests take, roughly"),
            connections: metrics.gauge("connections", "Client connections that are remembered"),
        };
        metrics.register("requests", "Requests answered, by how they ended", this.requests.clone());
        metrics.register(
            "retries",
            "Tries after a request's first, by what was wrong with the one before",
            this.retries.clone(),
        );
        metrics.register("dropped", "Messages dropped, by why", this.dropped.clone());
        metrics.register(
            "request_duration_seconds",
            "From a request's arrival to its answer by a servidor",
            this.waited.clone(),
        );
        metrics.register(
            "servidores",
            "Servidores that have announced themselves, by how they are",
            this.servidores.clone(),
        );
        this.show(&Counters::default(), Gauges::default());
        this
    }

    /// A servidor answered a request after that time.
    pub(crate) fn answered(&self, waited: Duration) {
        self.waited.observe(waited.as_secs_f64());
    }

    /// Shows these numbers.
    pub(crate) fn show(&self, counters: &Counters, gauges: Gauges) {
        set(&self.requests.get_or_create(&Outcome { outcome: "answered" }), counters.answered);
        for why in Refusal::ALL {
            set(&self.requests.get_or_create(&Outcome { outcome: why.as_str() }), counters.refused(why));
        }
        for why in Retry::ALL {
            set(&self.retries.get_or_create(&Reason { reason: why.as_str() }), counters.retried(why));
        }
        for why in Dropped::ALL {
            set(&self.dropped.get_or_create(&Reason { reason: why.as_str() }), counters.dropped(why));
        }
        let standings = [
            ("serving", gauges.serving),
            ("draining", gauges.draining),
            ("withdrawn", gauges.withdrawn),
            ("silent", gauges.silent),
        ];
        for (standing, number) in standings {
            set_gauge(&self.servidores.get_or_create(&Standing { standing }), number);
        }
        set_gauge(&self.open, gauges.open);
        set_gauge(&self.waiting, gauges.waiting);
        set_gauge(&self.in_flight, gauges.in_flight);
        set_gauge(&self.held, gauges.bytes);
        set_gauge(&self.connections, gauges.connections);
    }
}

/// The dispatcher counts for itself; what is shown is a copy.
fn set(counter: &Counter, number: u64) {
    counter.inner().store(number, Ordering::Relaxed);
}

fn set_gauge(gauge: &Gauge, number: usize) {
    gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
}
