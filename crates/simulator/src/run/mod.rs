//! One run of a plan: chaos, then only a majority is healed and everything must go on, then all is healed and all must agree.

mod carry_out;
mod majority;
mod verdict;

pub use verdict::{Broken, verdict};

use crate::checks::{p9_clock, require};
use crate::cluster::Cluster;
use crate::cluster::node::name;
use crate::cluster::time::{Clocks, MS, S, START, Time};
use crate::coverage::{Coverage, Happening};
use crate::plan::{Plan, us};

/// How long a majority that is well may take until every client has its answer: a replaced disk must have been silent for 5 s,
/// and more than one may have to be replaced.
const RECOVERY: Time = 60 * S;

/// How long a write and a read may take where nothing is broken any more and no disk has to be replaced: what P7 promises.
const PROMISED: Time = S;

/// The same while a minority is broken in whatever way. That is not one fault but several, and P7 promises no time for it: somebody who
/// is heard by a few, or whose disk takes nothing, stands for an epoch that it cannot win, or two stand for the same one, and each
/// such attempt takes the 2 s of a candidacy. A coordinator that commits nothing is kept for the 5 s of a stall before. How rarely
/// it takes longer than [`PROMISED`] is checked over many runs ([`crate::campaign::Findings::is_slow`]).
const SPLIT: Time = 20 * S;

/// A clock that is off by more than this is one of those that nobody may believe.
const BELIEVABLE: i64 = 3_600 * S as i64;

/// A cluster and what is to be done to it.
pub struct Run {
    cluster: Cluster,
    plan: Plan,
    /// When a disk was lost last.
    last_loss: Option<Time>,
}

impl Run {
    /// The world before its first moment. With `trace`, every step is told on standard error.
    pub fn new(plan: &Plan, trace: bool) -> Self {
        let count = plan.servidores.len();
        let mut cluster = Cluster::new(count, plan.seed);
        cluster.trace = trace;
        let network = &mut cluster.network;
        network.delay = us(plan.network.delay.0)..us(plan.network.delay.1);
        network.loss = plan.network.loss;
        network.broadcast_loss = plan.network.broadcast_loss;
        network.duplication = plan.network.duplication;
        network.straggling = plan.network.straggling;
        network.straggle = 10 * MS..us(plan.network.straggle);
        cluster.sync = us(plan.sync.0)..us(plan.sync.1);
        let founders = plan.servidores.iter().filter(|servidor| servidor.founds).count();
        for (number, (node, servidor)) in cluster.nodes.iter_mut().zip(&plan.servidores).enumerate() {
            // Who comes later is configured with the longer list of its time.
            node.genesis = (0..founders.max(number + 1)).map(name).collect();
            node.clocks = Clocks::new(servidor.drift, servidor.offset * MS as i64);
            node.limit = plan.limit.unwrap_or(node.limit);
            if !servidor.ranked {
                node.rank = None;
            }
        }
        for client in &plan.clients {
            let think = us(client.think);
            cluster.add_clients(1, client.wishes, think / 2..think * 2);
            cluster.clients.last_mut().expect("it was added").wordy = client.wordy;
        }
        if let Some(services) = &plan.services {
            cluster.surround(services.people, services.wishes, us(services.think), plan.seed);
        }
        Self { cluster, plan: plan.clone(), last_loss: None }
    }

    /// Runs to the end.
    ///
    /// # Panics
    /// When a promise is broken. [`verdict`] catches that.
    pub fn run(mut self) -> Coverage {
        self.chaos();
        let well = self.heal_a_majority();
        let intact = self.is_intact(&well);
        let took = self.goes_on("a majority is well", if intact { SPLIT } else { RECOVERY });
        if intact {
            let promised = took <= PROMISED;
            self.cluster.coverage.count(if promised { Happening::ServedSoon } else { Happening::ServedLate });
        }
        if self.is_broken_beyond(&well) && self.cluster.proven > 0 {
            self.cluster.coverage.count(Happening::MinorityBroken);
        }
        self.heal_all();
        let all: Vec<usize> = (0..self.cluster.nodes.len()).collect();
        let intact = self.is_intact(&all);
        self.goes_on("all are well", if intact { PROMISED } else { RECOVERY });
        let what = "every client has its answer, and all that run have applied the same";
        self.cluster.until(what, RECOVERY, |cluster| cluster.clients_are_done() && cluster.is_settled());
        self.everything_is_shown();
        self.cluster.canon.check_end();
        self.check_times();
        self.cluster.coverage
    }

    /// Everybody asks for something fresh, which has to be answered to whoever is not busy within `limit`; and whatever was asked
    /// before, and by others, has to have its answer. How long the first took.
    fn goes_on(&mut self, why: &str, limit: Time) -> Time {
        let prober = self.cluster.probe_everybody();
        let began = self.cluster.now;
        let what = format!("{why}, and a write and a read that are asked for then are answered");
        self.cluster.until(&what, limit, |cluster| cluster.clients[prober].is_done());
        let took = self.cluster.now - began;
        let what = format!("{why}, and every client has its answers");
        self.cluster
            .until(&what, RECOVERY, |cluster| cluster.clients_are_done() && cluster.people_are_done());
        took
    }

    fn chaos(&mut self) {
        let starts: Vec<(u64, usize)> =
            self.plan.servidores.iter().enumerate().map(|(node, servidor)| (servidor.starts, node)).collect();
        if self.plan.servidores.iter().any(|servidor| (servidor.offset * MS as i64).abs() > BELIEVABLE) {
            self.cluster.coverage.count(Happening::ClockLies);
        }
        let faults = std::mem::take(&mut self.plan.faults);
        let mut starts = starts.into_iter().peekable();
        let mut faults = faults.into_iter().peekable();
        loop {
            let start = starts.peek().map(|(at, _)| *at);
            let fault = faults.peek().map(|planned| planned.at);
            let Some(at) = [start, fault].into_iter().flatten().min() else { break };
            self.pass_until(us(at));
            if start == Some(at) {
                let (_, node) = starts.next().expect("it was there");
                if self.cluster.nodes[node].replica.is_none() {
                    self.cluster.start(node);
                }
            } else {
                let planned = faults.next().expect("it was there");
                self.carry_out(&planned.fault);
            }
        }
        self.pass_until(us(self.plan.chaos));
    }

    /// P8: whoever follows something is shown all of it, in the end.
    fn everything_is_shown(&mut self) {
        let end = self.cluster.now + RECOVERY;
        while self.cluster.canon.deliveries.complete().is_err() && self.cluster.now < end {
            self.cluster.pass(500 * MS);
        }
        require(self.cluster.canon.deliveries.complete());
    }

    fn pass_until(&mut self, at: Time) {
        let span = at.saturating_sub(self.cluster.now);
        self.cluster.pass(span);
    }

    /// Clocks are moved by minutes here, and one is wrong by decades.
    fn check_times(&self) {
        for entry in self.cluster.canon.entries().iter().skip(1) {
            require(p9_clock::near(entry, START, BELIEVABLE));
        }
    }
}
