//! What the servidor counts. Each is listed, and explained to operators, in `docs/metrics.md`.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use papo_core::replica::{Resigned, RoleName, Status};
use papo_store::DiskUsage;
use papo_wire::Service;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    service: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Role {
    role: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Peer {
    peer: String,
}

const ROLES: [RoleName; 5] =
    [RoleName::Starting, RoleName::Learner, RoleName::Follower, RoleName::Candidate, RoleName::Coordinator];
const RESIGNATIONS: [Resigned; 4] =
    [Resigned::Overruled, Resigned::NoMajority, Resigned::Disk, Resigned::Removed];

type Seconds = Gauge<f64, AtomicU64>;

/// The servidor's numbers. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    answers: Family<Answered, Counter>,
    bad_requests: Family<Reason, Counter>,
    pub(crate) bad_letters: Counter,
    pub(crate) unsent: Counter,
    pub(crate) published: Counter,
    pub(crate) suspicions: Counter,
    pub(crate) candidacies: Counter,
    pub(crate) reigns: Counter,
    resignations: Family<Reason, Counter>,
    pub(crate) handovers: Counter,
    pub(crate) member_changes: Counter,
    pub(crate) strangers: Counter,
    pub(crate) rivals: Counter,
    role: Family<Role, Gauge>,
    coordinator_known: Gauge,
    pub(crate) serving: Gauge,
    epoch: Gauge,
    member: Gauge,
    members: Gauge,
    wanted: Gauge,
    last: Gauge,
    commit: Gauge,
    applied: Gauge,
    waiting: Gauge,
    peers: std::sync::Arc<Peers>,
    pub(crate) brokers: Gauge,
    disk_writes: Histogram,
    pub(crate) disk_full: Gauge,
    disk_backlog: Gauge,
    disk_used: Gauge,
    disk_free: Gauge,
    offset: Seconds,
    bound: Seconds,
    pub(crate) drill_hooks: Gauge,
}

/// The others, each under its name. Who is not known any more is not shown any more.
#[derive(Debug, Default)]
struct Peers {
    alive: Family<Peer, Gauge>,
    lag: Family<Peer, Gauge>,
    shown: Mutex<BTreeSet<String>>,
}

impl Metrics {
    pub(crate) fn new(metrics: &papo_service::Metrics) -> Self {
        let seconds = |name, help| {
            let gauge = Seconds::default();
            gauge.set(f64::NAN);
            metrics.register(name, help, gauge.clone());
            gauge
        };
        let this = Self {
            answers: Family::default(),
            bad_requests: Family::default(),
            bad_letters: metrics
                .counter("bad_letters", "Messages of servidores and brokers that cannot be read"),
            unsent: metrics.counter("unsent_letters", "Messages to servidores that could not be sent"),
            published: metrics.counter("publications", "Chat messages published through the proxies"),
            suspicions: metrics.counter("suspicions", "Times that no coordinator was heard for too long"),
            candidacies: metrics.counter("candidacies", "Elections in which it asked for promises"),
            reigns: metrics.counter("reigns", "Times that it became the coordinator"),
            resignations: Family::default(),
            handovers: metrics.counter("handovers", "Times that it began to hand the coordination over"),
            member_changes: metrics
                .counter("member_changes", "Changes of members that it ordered or stored since it started"),
            strangers: metrics.counter(
                "strangers",
                "Messages from servidores of another cluster, or under this servidor's own name",
            ),
            rivals: metrics
                .counter("rivals", "Coordinators that claimed an epoch that was promised to another"),
            role: Family::default(),
            coordinator_known: metrics
                .gauge("coordinator_known", "1 while it coordinates, or hears who does"),
            serving: metrics.gauge("serving", "1 while brokers are told to send clients here"),
            epoch: metrics.gauge("epoch", "The highest epoch promised"),
            member: metrics.gauge("member", "1 while it counts for majorities; 0 while it learns"),
            members: metrics.gauge("members", "Members that count, by its log"),
            wanted: metrics.gauge("members_wanted", "Servidores that are wanted among the members"),
            last: metrics.gauge("log_last_index", "Last index of the log"),
            commit: metrics.gauge("log_commit_index", "Commit index, as far as known here"),
            applied: metrics.gauge("log_applied_index", "Last index applied"),
            waiting: metrics.gauge("waiting_requests", "Clients' requests that wait for an answer"),
            peers: std::sync::Arc::default(),
            brokers: metrics.gauge("brokers_alive", "Brokers that answer beacons"),
            // 0.1 ms to 3.3 s: longer is a disk that is stuck.
            disk_writes: Histogram::new(exponential_buckets(0.0001, 2.0, 16)),
            disk_full: metrics.gauge("disk_full", "1 while the log has no room to grow"),
            disk_backlog: metrics
                .gauge("disk_backlog_writes", "Writes that wait for the disk, or for its fsync"),
            disk_used: metrics.gauge("disk_used_bytes", "Bytes that the data directory takes up"),
            disk_free: metrics.gauge("disk_free_bytes", "Bytes left on the disk of the data directory"),
            offset: seconds(
                "clock_offset_seconds",
                "Offset of the agreed time from this host's clock; NaN while unknown",
            ),
            bound: seconds(
                "clock_bound_seconds",
                "How far off the offset of the clock may be; NaN while unknown",
            ),
            drill_hooks: metrics.gauge("drill_hooks", "1 where drill hooks are enabled"),
        };
        metrics.register(
            "answers",
            "Answers to clients' requests, by service and result",
            this.answers.clone(),
        );
        metrics.register(
            "bad_requests",
            "Requests that cannot be carried out, by reason",
            this.bad_requests.clone(),
        );
        metrics.register(
            "resignations",
            "Times that it stopped being the coordinator, by reason",
            this.resignations.clone(),
        );
        metrics.register("role", "1 for what it does now", this.role.clone());
        metrics.register("peer_alive", "1 while that servidor is heard", this.peers.alive.clone());
        metrics.register(
            "peer_lag_entries",
            "Entries of the log that the peer is not known to have",
            this.peers.lag.clone(),
        );
        metrics.register(
            "disk_write_duration_seconds",
            "Time to write one batch of the log, its fsync included",
            this.disk_writes.clone(),
        );
        for why in RESIGNATIONS {
            drop(this.resignations.get_or_create(&Reason { reason: reason(why) }));
        }
        this.shows_role(RoleName::Starting);
        this
    }

    pub(crate) fn answered(&self, service: Service, result: &'static str) {
        self.answers.get_or_create(&Answered { service: service.as_str(), result }).inc();
    }

    pub(crate) fn bad_request(&self, reason: &'static str) {
        self.bad_requests.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn resigned(&self, why: Resigned) {
        self.resignations.get_or_create(&Reason { reason: reason(why) }).inc();
    }

    /// A batch of the log was stored in that time.
    pub(crate) fn disk_wrote(&self, took: Duration) {
        self.disk_writes.observe(took.as_secs_f64());
    }

    /// So many writes are not stored yet.
    pub(crate) fn disk_owes(&self, writes: u64) {
        self.disk_backlog.set(int(writes));
    }

    pub(crate) fn disk_usage(&self, usage: DiskUsage) {
        self.disk_used.set(int(usage.used));
        self.disk_free.set(int(usage.free));
    }

    /// Shows a status.
    pub(crate) fn show(&self, status: &Status) {
        self.shows_role(status.role);
        self.coordinator_known.set(i64::from(status.coordinator.is_some()));
        self.epoch.set(int(status.epoch));
        self.member.set(i64::from(status.members.iter().any(|member| member.id == status.me)));
        self.members.set(int(status.members.len() as u64));
        self.wanted.set(int(status.wanted.len() as u64));
        self.last.set(int(status.last));
        self.commit.set(int(status.commit));
        self.applied.set(int(status.applied));
        self.waiting.set(int(status.waiting as u64));
        let clock = status.clock.map(|(offset, bound)| (offset as f64 / 1e9, bound.as_secs_f64()));
        let (offset, bound) = clock.unwrap_or((f64::NAN, f64::NAN));
        self.offset.set(offset);
        self.bound.set(bound);
        self.peers.show(status);
    }

    fn shows_role(&self, now: RoleName) {
        for role in ROLES {
            self.role.get_or_create(&Role { role: role.name() }).set(i64::from(role == now));
        }
    }
}

impl Peers {
    fn show(&self, status: &Status) {
        let known: BTreeSet<String> = status.peers.iter().map(|peer| peer.id.name.clone()).collect();
        for name in &known {
            // One name may have had several disks; the living one counts.
            let disks = || status.peers.iter().filter(|peer| peer.id.name == *name);
            let alive = disks().any(|peer| peer.alive);
            let has = disks().filter(|peer| peer.alive == alive).map(|peer| peer.index).max().unwrap_or(0);
            let label = Peer { peer: name.clone() };
            self.alive.get_or_create(&label).set(i64::from(alive));
            self.lag.get_or_create(&label).set(int(status.last.saturating_sub(has)));
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in shown.difference(&known) {
            let label = Peer { peer: gone.clone() };
            self.alive.remove(&label);
            self.lag.remove(&label);
        }
        *shown = known;
    }
}

/// The label of a resignation, in metrics and logs.
pub(crate) fn reason(why: Resigned) -> &'static str {
    match why {
        Resigned::Overruled => "overruled",
        Resigned::NoMajority => "no_majority",
        Resigned::Disk => "disk",
        Resigned::Removed => "removed",
    }
}

fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
