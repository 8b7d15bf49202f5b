//! A long time of steady load with gentle restarts: does anything grow that should not?
//!
//! Every process is sampled every 10 s: memory (RSS), open files, threads, and every gauge of its metrics
//! that is not known to be no queue. Each is restarted by
//! SIGTERM once, one after the other, in the first 30 % of the time; what counts is its life from then on.
//!
//! **The rule** ([`rule`]): the first quarter of that life is warming up. Of the rest, the median of the last third is held against
//! the median of the first third. Files, threads and queues may not have grown beyond what stands in [`rule`]; memory not beyond 4 MiB and,
//! in servidores, 128 bytes for each entry of the log applied between: a request is remembered for 24 hours, in a table of 32 bytes a
//! request that doubles when it is full and is then copied.

pub mod rule;
mod sample;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use papo_witness::LoadSettings;
use papo_witness::evidence::{MomentKind, Verdict};

use crate::Error;
use crate::cluster::{Cluster, Shape};
use crate::journal::Journal;
use crate::network::Node;
use crate::witness::{self, Findings, Witness};
use rule::Growth;
use sample::Sample;

/// How often everybody is sampled.
const EVERY: Duration = Duration::from_secs(10);
/// Restarts are spread over this part of the time, from its beginning.
const RESTARTS: f64 = 0.3;
/// How long all may take to be well, and to settle at the end.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a soak is made of.
#[derive(Clone, Debug)]
pub struct Soak {
    /// How long.
    pub length: Duration,
    /// Of what.
    pub shape: Shape,
    /// Who talks.
    pub load: LoadSettings,
    /// An empty folder for everything.
    pub folder: PathBuf,
}

impl Soak {
    /// Runs it, and prints its table.
    ///
    /// # Errors
    /// The cluster never was well, or this machine has no ports, files or threads left.
    pub fn run(&self) -> Result<Verdict, Error> {
        let mut journal =
            Journal::begin(&self.folder.join("journal.txt")).map_err(Error::refused("no journal"))?;
        let mut cluster = Cluster::lay_out(self.shape, &self.folder, None)
            .map_err(Error::refused("the processes cannot be laid out"))?;
        cluster.start_all();
        let witness = Witness::begin(&mut cluster, &self.load, PATIENCE)?;
        journal.note("messages flow");
        let mut broken = Vec::new();
        let lives = self.soak(&mut cluster, &witness, &mut journal, &mut broken);
        journal.note("everybody settles what is open");
        let findings = witness.finish("soak", None, PATIENCE, &self.folder);
        cluster.note_deaths();
        broken.extend(cluster.complaints().iter().cloned());
        drop(cluster);
        let Findings { evidence, exports } = findings?;
        journal.note(format!("read back: {exports:?}"));

        let mut doubts = Vec::new();
        journal.line(format!("\n{}", rule::HEAD));
        for (node, samples) in &lives {
            match Growth::of(node, samples) {
                Some(growth) => {
                    journal.line(&growth);
                    broken.extend(growth.flaws());
                }
                None => {
                    doubts.push(format!("{node}: {} samples are too few to tell growth by", samples.len()));
                }
            }
        }
        journal.line(format!("\n{}", witness::counts(&evidence)));
        let (verdict, because) = witness::conclude(&evidence, &exports, broken, doubts);
        for why in because {
            journal.line(format!("- {why}"));
        }
        journal.line(format!("verdict: {verdict}"));
        Ok(verdict)
    }

    /// The samples of each process's last life.
    fn soak(
        &self,
        cluster: &mut Cluster,
        witness: &Witness,
        journal: &mut Journal,
        broken: &mut Vec<String>,
    ) -> BTreeMap<Node, Vec<Sample>> {
        let nodes = [self.shape.servidores(), self.shape.front()].concat();
        let began = Instant::now();
        witness.mark(MomentKind::Note, "the soak begins");
        let mut table = sample::Table::begin(&self.folder.join("samples.csv"));
        let mut restarts: Vec<(Duration, Node)> = (1..)
            .zip(&nodes)
            .map(|(n, node)| {
                let share = f64::from(n) / nodes.len() as f64;
                (self.length.mul_f64(RESTARTS * share), node.clone())
            })
            .collect();
        let mut lives: BTreeMap<Node, Vec<Sample>> = BTreeMap::new();
        let mut next = Duration::ZERO;
        while began.elapsed() < self.length {
            if restarts.first().is_some_and(|(at, _)| *at <= began.elapsed()) {
                let (_, node) = restarts.remove(0);
                cluster.stop(&node);
                cluster.start(&node);
                lives.remove(&node);
                journal.note(format!("{node} was restarted; {} messages so far", witness.acknowledged()));
                if let Err(flaw) = witness.wait_until_well(PATIENCE) {
                    broken.push(format!(
                        "P7: {PATIENCE:?} after {node} was restarted all was not well: {flaw}"
                    ));
                }
            }
            for (node, pid) in cluster.pids() {
                if let Some(sample) = Sample::take(began.elapsed(), pid, cluster.http_port(&node)) {
                    table.add(&node, &sample);
                    lives.entry(node).or_default().push(sample);
                }
            }
            cluster.note_deaths();
            next += EVERY;
            std::thread::sleep(next.saturating_sub(began.elapsed()));
        }
        lives
    }
}
