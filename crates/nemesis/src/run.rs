//! A run from its first process to its verdict.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use papo_witness::evidence::{Evidence, MomentKind, Verdict};
use papo_witness::{Fault, LoadSettings, Proof};

use crate::Error;
use crate::capabilities::Capabilities;
use crate::cluster::Cluster;
use crate::coverage::Coverage;
use crate::deed::{Deed, Kind};
use crate::journal::Journal;
use crate::network::Node;
use crate::perform::{self, Outcome, Undo};
use crate::plan::{Draw, Plan, Round, Stroke};
use crate::witness::{self, Findings, Witness};

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is done.
    pub draw: Draw,
    /// No round begins later than this after the first, but those that are needed for [`Draw::deals`].
    pub at_most: Duration,
    /// An empty folder for everything: data, logs, ledger, journal.
    pub folder: PathBuf,
    /// Where the programs of the previous release are; everybody comes from there at first.
    pub previous: Option<PathBuf>,
    /// Who talks meanwhile.
    pub load: LoadSettings,
    /// How long all may take to be well again after everything was healed. Longer is a broken promise.
    pub patience: Duration,
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// What the witness says.
    pub evidence: Evidence,
    /// What was done.
    pub coverage: Coverage,
    /// Whether it went on until each kind was dealt, as it had to.
    pub whole: bool,
    /// Pass, fail or unknown, of everything together.
    pub verdict: Verdict,
    /// Why not pass, a sentence each.
    pub because: Vec<String>,
}

/// A run of at least this length deals each kind at least once, however much longer that takes; one that it could have done and did not do
/// makes it unknown. A deal takes five minutes or so, and what heals slowly ten.
pub const WHOLE_FROM: Duration = Duration::from_secs(15 * 60);

/// With one servidor gone, somebody is acknowledged at least this often. A second is promised on a machine that has nothing else to
/// do; here are eight processes, clients and whatever else there is, on as many cores as there happen to be.
const GOES_ON: Duration = Duration::from_secs(10);

/// Runs. What it says of its own failures to run has nothing to do with the promises.
///
/// # Errors
/// The cluster never was well, or this machine has no ports, files or threads left.
pub fn run(settings: &Settings) -> Result<Report, Error> {
    let mut draw = settings.draw.clone();
    let previous = settings.previous.as_deref();
    let capabilities = Capabilities::detect(draw.shape, &settings.folder, previous)
        .map_err(Error::refused(format!("cannot write to {}", settings.folder.display())))?;
    let (kinds, forbidden) = capabilities.sort(&draw.kinds);
    let mut coverage = Coverage::of(&draw.kinds);
    for (kind, why) in &forbidden {
        coverage.skip(*kind, why);
    }
    if kinds.is_empty() {
        return Err(Error::Impossible(coverage.skipped()));
    }
    draw.kinds = kinds;
    let plan = Plan::draw(&draw);
    let mut journal =
        Journal::begin(&settings.folder.join("journal.txt")).map_err(Error::refused("no journal"))?;
    let Draw { seed, kinds, .. } = &draw;
    journal.line(format!("seed {seed}, {} rounds of {} kinds of deeds", plan.rounds.len(), kinds.len()));
    for why in coverage.skipped() {
        journal.line(why);
    }
    let mut cluster = Cluster::lay_out(settings.draw.shape, &settings.folder, previous)
        .map_err(Error::refused("the processes cannot be laid out"))?;
    if kinds.contains(&Kind::Release) {
        for node in [cluster.shape().servidores(), cluster.shape().front()].concat() {
            cluster.set_release(&node, true);
        }
    }
    cluster.start_all();
    let witness = Witness::begin(&mut cluster, &settings.load, settings.patience)?;
    perform::keep_copies(&mut cluster).map_err(Error::refused("data cannot be copied"))?;
    journal.note("messages flow");

    let began = witness.mark(MomentKind::Fault, "the first round begins");
    let mut runner = Runner {
        cluster,
        journal,
        coverage,
        witness,
        patience: settings.patience,
        broken: Vec::new(),
        gentle: Vec::new(),
    };
    runner.rounds(&plan, settings.at_most);
    let Runner { mut cluster, mut journal, coverage, witness, mut broken, gentle, .. } = runner;
    let ended = witness.mark(MomentKind::Undone, "everything is healed");

    journal.note("everybody settles what is open");
    let fault = Fault { at: began, until: Some(ended), proof: proof(&coverage, began) };
    let Findings { evidence, exports } =
        witness.finish("nemesis", Some(&fault), settings.patience, &settings.folder)?;
    cluster.note_deaths();
    broken.extend(cluster.complaints().iter().cloned());
    drop(cluster);
    journal.note(format!("read back: {exports:?}"));

    let silences: Vec<Duration> =
        gentle.iter().map(|(from, to)| witness::silence(&evidence, *from, *to)).collect();
    let longest = silences.iter().max().copied().unwrap_or_default();
    journal.line(format!(
        "\n{} rounds took away one servidor at most: in these nobody was acknowledged for {longest:?} at the longest",
        silences.len()
    ));
    if longest > GOES_ON {
        broken.push(format!("P7: with one servidor gone nobody was acknowledged for {longest:?}"));
    }
    // One that ended early because something is broken owes nothing more.
    let whole = draw.deals > 0 && broken.is_empty();
    let doubts = coverage.doubts(whole);
    let (verdict, because) = witness::conclude(&evidence, &exports, broken, doubts);
    let report = Report { evidence, coverage, whole, verdict, because };
    report.tell(&mut journal);
    Ok(report)
}

fn proof(coverage: &Coverage, began: Duration) -> Proof {
    match coverage.proven() {
        0 => Proof::Missing("nothing that was done was seen to have happened".to_owned()),
        count => Proof::Seen { at: began, how: format!("{count} deeds were seen to have happened") },
    }
}

/// What is at hand while rounds go on.
struct Runner {
    cluster: Cluster,
    journal: Journal,
    coverage: Coverage,
    witness: Witness,
    patience: Duration,
    broken: Vec<String>,
    /// From when to when one servidor was gone at most.
    gentle: Vec<(Duration, Duration)>,
}

impl Runner {
    fn rounds(&mut self, plan: &Plan, at_most: Duration) {
        let began = Instant::now();
        for (number, round) in (1..).zip(&plan.rounds) {
            let is_over = began.elapsed() >= at_most && number > plan.least;
            if is_over || !self.broken.is_empty() || !self.cluster.complaints().is_empty() {
                break;
            }
            self.journal.note(format!("round {number}"));
            let from = self.witness.now();
            self.round(round);
            if round.is_gentle(self.cluster.shape()) {
                self.gentle.push((from, self.witness.now()));
            }
        }
        self.upgrade();
    }

    fn round(&mut self, round: &Round) {
        let began = Instant::now();
        let mut waiting: Vec<&Stroke> = round.strokes.iter().collect();
        let mut going: Vec<(Duration, &Stroke, Undo)> = Vec::new();
        loop {
            let next_begin = waiting.iter().map(|stroke| stroke.after).min();
            let next_end = going.iter().map(|(end, ..)| *end).min();
            let Some(next) = next_begin.into_iter().chain(next_end).min() else { break };
            std::thread::sleep(next.saturating_sub(began.elapsed()));
            if let Some(at) = going.iter().position(|(end, ..)| *end <= next) {
                let (_, stroke, undo) = going.remove(at);
                let outcome = undo(&mut self.cluster);
                self.told(stroke, "undone", &outcome);
            } else if let Some(at) = waiting.iter().position(|stroke| stroke.after <= next) {
                let stroke = waiting.remove(at);
                self.journal.note(format!("  {}", stroke.deed));
                match perform::begin(&mut self.cluster, &stroke.deed) {
                    Ok(undo) => going.push((began.elapsed() + stroke.lasts, stroke, undo)),
                    Err(outcome) => self.told(stroke, "done", &outcome),
                }
            }
        }
        self.heal();
        std::thread::sleep(round.calm);
    }

    fn told(&mut self, stroke: &Stroke, what: &str, outcome: &Outcome) {
        self.coverage.note(stroke.kind, outcome);
        let (how, told) = match outcome {
            Outcome::Proven(told) => (what, told),
            Outcome::Unproven(told) => ("NOT PROVEN", told),
            Outcome::Skipped(told) => ("skipped", told),
        };
        self.journal.note(format!("    {how}: {} ({told})", stroke.deed));
    }

    /// Everything is as it should be from now on, and has to work soon.
    fn heal(&mut self) {
        self.cluster.network().heal();
        self.cluster.note_deaths();
        self.cluster.start_all();
        let began = Instant::now();
        let wanted = perform::want_everybody(&mut self.cluster, self.patience);
        let well = self.witness.wait_until_well(self.patience);
        self.cluster.note_deaths();
        match wanted.and(well) {
            Ok(()) => self.journal.note(format!(
                "  all is well after {:.1} s; {} messages acknowledged so far",
                began.elapsed().as_secs_f64(),
                self.witness.acknowledged()
            )),
            Err(flaw) => {
                let sentence =
                    format!("P7: {:?} after everything was healed all was not well: {flaw}", self.patience);
                self.journal.note(format!("!! {sentence}"));
                self.broken.push(sentence);
            }
        }
    }

    /// Everybody comes from the present release at the end: one servidor and one of the others after the other.
    fn upgrade(&mut self) {
        let (mut servidores, mut front): (Vec<Node>, Vec<Node>) =
            self.cluster.of_previous_release().into_iter().partition(|node| node.starts_with("servidor"));
        while !(servidores.is_empty() && front.is_empty()) {
            let both = servidores.pop().into_iter().chain(front.pop());
            let strokes = both.map(|node| {
                let deed = Deed::Release { node, previous: false, kindly: true };
                Stroke { after: Duration::ZERO, lasts: Duration::ZERO, deed, kind: Kind::Release }
            });
            self.round(&Round { strokes: strokes.collect(), calm: Duration::ZERO });
        }
    }
}

impl Report {
    /// Why not pass, apart from what was never seen to have happened: where this is empty, no promise was broken as far as could be seen.
    pub fn flaws(&self) -> Vec<&String> {
        let doubts = self.coverage.doubts(self.whole);
        self.because.iter().filter(|why| !doubts.contains(why)).collect()
    }

    fn tell(&self, journal: &mut Journal) {
        journal.line(format!("\n{}", self.coverage));
        journal.line(witness::counts(&self.evidence));
        for why in &self.because {
            journal.line(format!("- {why}"));
        }
        let skipped = self.coverage.skipped();
        for why in &skipped {
            journal.line(format!("- {why}"));
        }
        let but = if skipped.is_empty() { "" } else { ", without what was skipped" };
        journal.line(format!("verdict: {}{but}", self.verdict));
    }
}
