use std::time::Duration;

use hdrhistogram::Histogram;
use papo_service::Metrics;
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;

/// Ten minutes, in microseconds: no acknowledgement takes longer without the request being asked again many times.
const LONGEST: u64 = 600_000_000;

/// What the bot counts, for the log, the summary and the metrics page.
pub(crate) struct Tally {
    sent: Counted,
    acknowledged: Counted,
    refused: Counted,
    unsettled: Counted,
    repeated: Counted,
    shown: Counted,
    late: Counted,
    lost: Counted,
    /// Microseconds from a message's first attempt to its acknowledgement.
    latency: Histogram<u64>,
}

/// A number of this process, and of its metrics page.
struct Counted {
    count: u64,
    metric: Counter,
}

/// The numbers of a tally.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Numbers {
    /// Messages that were said.
    pub(crate) sent: u64,
    /// Messages that were acknowledged.
    pub(crate) acknowledged: u64,
    /// Requests that were refused.
    pub(crate) refused: u64,
    /// Times that a request had no final answer, and was asked again.
    pub(crate) unsettled: u64,
    /// Second attempts that were acknowledged too.
    pub(crate) repeated: u64,
    /// Messages that were shown to a user.
    pub(crate) shown: u64,
    /// Of those, messages that had been missed and were fetched.
    pub(crate) late: u64,
    /// Times that a user's session had no answer for a while.
    pub(crate) lost: u64,
    /// From the first attempt to the acknowledgement.
    pub(crate) latency_ms: Latency,
}

/// Milliseconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Tally {
    /// All zero.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let counted = |name, help| Counted { count: 0, metric: metrics.counter(name, help) };
        Self {
            sent: counted("sent", "Messages said"),
            acknowledged: counted("acknowledged", "Messages acknowledged"),
            refused: counted("refused", "Requests refused"),
            unsettled: counted("unsettled", "Requests without a final answer, asked again"),
            repeated: counted("repeated", "Second attempts of a request acknowledged too"),
            shown: counted("shown", "Messages shown to a user"),
            late: counted("late", "Messages shown to a user that had been missed and were fetched"),
            lost: counted("lost", "Times that a session had no answer for a while"),
            latency: Histogram::new_with_max(LONGEST, 3).expect("the bounds are in order"),
        }
    }

    pub(crate) fn sent(&mut self) {
        self.sent.add();
    }

    pub(crate) fn acknowledged(&mut self, after: Duration) {
        self.acknowledged.add();
        self.latency.saturating_record(u64::try_from(after.as_micros()).unwrap_or(LONGEST));
    }

    pub(crate) fn refused(&mut self) {
        self.refused.add();
    }

    pub(crate) fn unsettled(&mut self) {
        self.unsettled.add();
    }

    pub(crate) fn repeated(&mut self) {
        self.repeated.add();
    }

    pub(crate) fn shown(&mut self, late: bool) {
        self.shown.add();
        if late {
            self.late.add();
        }
    }

    pub(crate) fn lost(&mut self) {
        self.lost.add();
    }

    /// The numbers so far.
    pub(crate) fn numbers(&self) -> Numbers {
        let millis = |micros: u64| micros as f64 / 1000.0;
        Numbers {
            sent: self.sent.count,
            acknowledged: self.acknowledged.count,
            refused: self.refused.count,
            unsettled: self.unsettled.count,
            repeated: self.repeated.count,
            shown: self.shown.count,
            late: self.late.count,
            lost: self.lost.count,
            latency_ms: Latency {
                p50: millis(self.latency.value_at_quantile(0.5)),
                p99: millis(self.latency.value_at_quantile(0.99)),
                max: millis(self.latency.max()),
            },
        }
    }
}

impl Counted {
    fn add(&mut self) {
        self.count += 1;
        self.metric.inc();
    }
}
