//! What the servidor counts.

use papo_core::replica::{RoleName, Status};
use papo_wire::Service;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    service: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// The servidor's numbers. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    answers: Family<Answered, Counter>,
    bad_requests: Family<Reason, Counter>,
    pub(crate) bad_letters: Counter,
    pub(crate) unsent: Counter,
    pub(crate) published: Counter,
    pub(crate) reigns: Counter,
    pub(crate) suspicions: Counter,
    pub(crate) strangers: Counter,
    epoch: Gauge,
    coordinator: Gauge,
    member: Gauge,
    last: Gauge,
    commit: Gauge,
    applied: Gauge,
    waiting: Gauge,
    offset: Gauge,
    bound: Gauge,
    peers: Gauge,
}

impl Metrics {
    pub(crate) fn new(metrics: &papo_service::Metrics) -> Self {
        let answers = Family::default();
        metrics.register("answers", "Answers to clients' requests, by service and result", answers.clone());
        let bad_requests = Family::default();
        metrics.register(
            "bad_requests",
            "Requests that cannot be carried out, by reason",
            bad_requests.clone(),
        );
        Self {
            answers,
            bad_requests,
            bad_letters: metrics.counter("bad_letters", "Messages of other servidores that cannot be read"),
            unsent: metrics.counter("unsent", "Messages to other servidores that could not be sent"),
            published: metrics.counter("published", "Chat messages published through the proxies"),
            reigns: metrics.counter("reigns", "How often this servidor became the coordinator"),
            suspicions: metrics.counter("suspicions", "How often no coordinator was heard for too long"),
            strangers: metrics
                .counter("strangers", "Messages of another cluster, or under this servidor's own name"),
            epoch: metrics.gauge("epoch", "The highest epoch promised"),
            coordinator: metrics.gauge("coordinator", "1 while this servidor coordinates"),
            member: metrics.gauge("member", "1 while this servidor counts; 0 while it learns"),
            last: metrics.gauge("log_last_index", "Last index of the log"),
            commit: metrics.gauge("log_commit_index", "Commit index, as far as known here"),
            applied: metrics.gauge("log_applied_index", "Last index applied"),
            waiting: metrics.gauge("requests_waiting", "Clients' requests that wait for an answer"),
            offset: metrics
                .gauge("clock_offset_nanoseconds", "Offset of the agreed time from this host's clock"),
            bound: metrics.gauge("clock_bound_nanoseconds", "How far off that may be"),
            peers: metrics.gauge("peers_alive", "Other servidores heard of lately"),
        }
    }

    pub(crate) fn answered(&self, service: Service, result: &'static str) {
        self.answers.get_or_create(&Answered { service: service.as_str(), result }).inc();
    }

    pub(crate) fn bad_request(&self, reason: &'static str) {
        self.bad_requests.get_or_create(&Reason { reason }).inc();
    }

    /// Shows a status.
    pub(crate) fn show(&self, status: &Status) {
        let int = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.epoch.set(int(status.epoch));
        self.coordinator.set(i64::from(status.role == RoleName::Coordinator));
        self.member.set(i64::from(status.members.iter().any(|member| member.id == status.me)));
        self.last.set(int(status.last));
        self.commit.set(int(status.commit));
        self.applied.set(int(status.applied));
        self.waiting.set(i64::try_from(status.waiting).unwrap_or(i64::MAX));
        let (offset, bound) = status.clock.unwrap_or_default();
        self.offset.set(offset);
        self.bound.set(i64::try_from(bound.as_nanos()).unwrap_or(i64::MAX));
        self.peers.set(status.peers.iter().filter(|peer| peer.alive).count() as i64);
    }
}
