//! What an operator can watch.

use std::fmt::Display;

use papo_service::{Line, Metrics, Sparing};
use papo_wire::referencia::Request;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

#[derive(Debug)]
pub(crate) struct Counters {
    requests: Family<[(&'static str, &'static str); 1], Counter>,
    bad_input: Counter,
    refused: Counter,
    unanswered: Counter,
    live: Gauge,
    known: Gauge,
    nonsense: Sparing,
    refusals: Sparing,
}

const SERVICES: [&str; 3] = ["rank", "heartbeat", "list"];

impl Counters {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let requests = Family::default();
        metrics.register("requests", "Requests that made sense, by service", requests.clone());
        for service in SERVICES {
            drop(requests.get_or_create(&[("service", service)]));
        }
        Self {
            requests,
            bad_input: metrics.counter("bad_input", "Messages that made no sense"),
            refused: metrics.counter("refused", "Requests that were refused"),
            unanswered: metrics.counter("unanswered", "Answers whose receiver was gone"),
            live: metrics.gauge("live_servidores", "Servidores heard of lately"),
            known: metrics.gauge("known_servidores", "Servidores that have a rank"),
            nonsense: Sparing::new(tell_nonsense),
            refusals: Sparing::new(tell_refusals),
        }
    }

    pub(crate) fn request(&self, request: &Request) {
        self.requests.get_or_create(&[("service", service(request))]).inc();
    }

    /// Counts nonsense, and says now and then what it was.
    pub(crate) fn bad(&mut self, reason: &'static str, what: impl Display) {
        self.bad_input.inc();
        self.nonsense.happened(reason, what);
    }

    /// Counts a refusal, and says now and then what was refused.
    pub(crate) fn refused(&mut self, request: &Request, why: &str) {
        self.refused.inc();
        let what = format_args!("{request:?}: {why}");
        self.refusals.happened(service(request), what);
    }

    /// Logs what was left out of the log and is not to be left out for longer.
    pub(crate) fn tell_overdue(&mut self) {
        self.nonsense.tell_overdue();
        self.refusals.tell_overdue();
    }

    pub(crate) fn unanswered(&self) {
        self.unanswered.inc();
    }

    pub(crate) fn population(&self, (live, known): (usize, usize)) {
        self.live.set(live as i64);
        self.known.set(known as i64);
    }
}

fn service(request: &Request) -> &'static str {
    match request {
        Request::Rank { .. } => "rank",
        Request::Heartbeat { .. } => "heartbeat",
        Request::List => "list",
    }
}

fn tell_nonsense(Line { kind, count, what }: Line) {
    tracing::warn!(count, reason = kind, error = what, "bad input");
}

fn tell_refusals(Line { kind, count, what }: Line) {
    tracing::warn!(count, service = kind, example = what, "refused");
}
