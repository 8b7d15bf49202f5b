use std::sync::atomic::Ordering;

use papo_service::Metrics;
use papo_transport::Audience;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use crate::fan_out::{Dropped, FanOut, Kind};
use crate::subscriptions::Refusal;

/// What the proxy shows of itself.
#[derive(Clone, Debug)]
pub struct ProxyMetrics {
    forwarded: [Counter; Kind::ALL.len()],
    dropped: [Counter; Dropped::ALL.len()],
    refused: [Counter; Refusal::ALL.len()],
    accepted: Counter,
    cancelled: Counter,
    garbage: Counter,
    missed: Counter,
    held: Gauge,
    subscribers: Gauge,
    active: Gauge,
    index: Gauge,
    epoch: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabel {
    verdict: &'static str,
}

impl ProxyMetrics {
    /// Registers everything, each at zero.
    pub fn new(metrics: &Metrics) -> Self {
        let forwarded = Family::<KindLabel, Counter>::default();
        metrics.register("forwarded", "Publications forwarded to subscribers", forwarded.clone());
        let dropped = Family::<ReasonLabel, Counter>::default();
        metrics.register("dropped", "Publications not forwarded, by why", dropped.clone());
        let subscriptions = Family::<VerdictLabel, Counter>::default();
        metrics.register("subscriptions", "Subscriptions by what became of them", subscriptions.clone());
        let verdict = |verdict| subscriptions.get_or_create_owned(&VerdictLabel { verdict });
        Self {
            forwarded: Kind::ALL
                .map(|kind| forwarded.get_or_create_owned(&KindLabel { kind: kind.as_str() })),
            dropped: Dropped::ALL
                .map(|why| dropped.get_or_create_owned(&ReasonLabel { reason: why.as_str() })),
            refused: Refusal::ALL.map(|why| verdict(why.as_str())),
            accepted: verdict("accepted"),
            cancelled: metrics.counter("cancellations", "Subscriptions that were given up, also by leaving"),
            garbage: metrics.counter("garbage", "What subscribers sent that meant nothing"),
            missed: metrics.counter(
                "missed",
                "Publications that a subscriber missed because it did not read the ones before",
            ),
            held: metrics.gauge(
                "held_bytes",
                "Bytes that wait for subscribers to read them, counted for each subscriber",
            ),
            subscribers: metrics.gauge("subscribers", "Subscribers that are connected"),
            active: metrics
                .gauge("active_subscriptions", "Subscriptions that are accepted and were not given up"),
            index: metrics.gauge("index", "The index that was forwarded last"),
            epoch: metrics.gauge("epoch", "The epoch that was announced last"),
        }
    }

    pub(crate) fn forwarded(&self, kind: Kind) -> &Counter {
        &self.forwarded[kind as usize]
    }

    pub(crate) fn dropped(&self, why: Dropped) -> &Counter {
        &self.dropped[why as usize]
    }

    pub(crate) fn refused(&self, why: Refusal) -> &Counter {
        &self.refused[why as usize]
    }

    pub(crate) fn accepted(&self) -> &Counter {
        &self.accepted
    }

    pub(crate) fn cancelled(&self) -> &Counter {
        &self.cancelled
    }

    pub(crate) fn garbage(&self) -> &Counter {
        &self.garbage
    }

    pub(crate) fn missed(&self) -> &Counter {
        &self.missed
    }

    /// Shows who listens. The socket counts for itself; what is shown is a copy.
    pub(crate) fn heard_by(&self, audience: &Audience) {
        let gauge = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.subscribers.set(gauge(audience.subscribers));
        self.active.set(gauge(audience.subscriptions));
        self.held.set(gauge(audience.held_bytes));
        self.missed.inner().store(audience.missed, Ordering::Relaxed);
        self.garbage.inner().store(audience.garbage, Ordering::Relaxed);
    }

    /// Shows how far the fan-out is.
    pub(crate) fn reached(&self, fan_out: &FanOut) {
        self.index.set(fan_out.index().cast_signed());
        self.epoch.set(fan_out.epoch().cast_signed());
    }
}
