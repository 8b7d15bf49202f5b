//! `drill suite`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use papo_service::Settings;
use papo_witness::Timeline;
use papo_witness::evidence::{Evidence, Figures, MessageCounts, SCHEMA, Verdict};

use super::run::Told;
use super::{Target, unwritable};
use crate::interrupt::Interrupt;
use crate::look::Site;
use crate::options::Options;
use crate::report;
use crate::session::Session;
use crate::stop::{Ending, Stop};
use crate::suite::{Suite, SuiteDrill};

/// Holds drills one after another, waiting in between until all is well again.
///
/// A file says which, and with what budgets and options; without one, all are held that may be. Without --yes nothing is changed:
/// it prints what would be held.
///
/// Exit codes: that of the worst drill, of 5 not everything could be undone (then it stops), 1 a promise was broken, 2 unknown, 3 not
/// healthy before a drill, 4 refused by a guard; 0 when each came out as it is meant to; 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "drill suite", version)]
struct Run {
    /// YAML file with drills, budgets and options
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    told: Told,
    /// Do it, instead of only showing it
    #[arg(long)]
    yes: bool,
    /// Folder for a report of all, and one of each drill
    #[arg(short = 'o', long, value_name = "DIR")]
    report: Option<PathBuf>,
}

impl Settings for Run {}

pub(super) fn run(arguments: Vec<OsString>) -> ExitCode {
    super::tool(arguments, hold)
}

/// What came of one drill.
struct Held {
    name: &'static str,
    ending: Ending,
    evidence: Evidence,
}

async fn hold(settings: Run) -> Result<Ending, Stop> {
    let base = settings.told.options();
    let suite = match &settings.file {
        Some(path) => Suite::load(path)?,
        None => Suite::built_in(&base),
    };
    // What the command line says is for once; the file is for every time.
    let seed = settings.told.seed().or(suite.seed).unwrap_or(base.seed);
    for left in &suite.left_out {
        println!("not held: {} (it takes {})", left.drill, left.needs);
    }
    if !settings.yes {
        show(&suite, seed);
        return Ok(Ending::Pass);
    }
    let interrupt = Interrupt::on_signals().map_err(|error| Stop::Config(format!("signals: {error}")))?;
    let site = settings.target.site().await?;
    println!("{} drills, seed {seed}", suite.drills.len());
    let mut held = Vec::new();
    for (position, one) in suite.drills.iter().enumerate() {
        let options = Options { seed: Suite::seed_of(position, seed), ..one.options(&base) };
        let done = hold_one(&site, one, &options, &interrupt, settings.report.as_deref()).await;
        let last = done.ending == Ending::NotUndone || interrupt.is_raised();
        held.push(done);
        if last {
            println!("the drills after this are not held");
            break;
        }
    }
    let evidence: Vec<Evidence> = held.iter().map(|one| one.evidence.clone()).collect();
    print!("{}", report::suite_human(&evidence));
    if let Some(folder) = &settings.report {
        report::write_suite(folder, &evidence).map_err(|error| unwritable(folder, &error))?;
    }
    let all = held.len() == suite.drills.len();
    Ok(worst(&held, all))
}

async fn hold_one(
    site: &Site,
    one: &SuiteDrill,
    options: &Options,
    interrupt: &Interrupt,
    report: Option<&Path>,
) -> Held {
    let name = one.drill.name;
    let folder = report.map(|folder| folder.join(name));
    let outcome = async {
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        }
        // What the drill before has set in motion may take a while to settle.
        let settle = options.patience;
        let session = Session { site, drill: one.drill, options, interrupt, settle, keep: folder.as_deref() };
        let (plan, health) = session.plan().await?;
        println!("{name}: {} (seed {})", plan.sentence, options.seed);
        let outcomes = session.hold(&plan, &health).await?;
        print!("{}", report::human(&outcomes.evidence));
        if let Some(folder) = &folder {
            report::write(folder, &outcomes.evidence).map_err(|error| unwritable(folder, &error))?;
        }
        Ok::<_, Stop>(outcomes)
    };
    match outcome.await {
        Ok(outcomes) => Held { name, ending: outcomes.ending, evidence: outcomes.evidence },
        Err(stop) => {
            eprintln!("drill: {name}: {stop}");
            Held { name, ending: stop.ending(), evidence: not_begun(name, options.seed, &stop) }
        }
    }
}

/// A report has to tell of a drill that did not begin, too.
fn not_begun(drill: &str, seed: u64, why: &Stop) -> Evidence {
    Evidence {
        schema: SCHEMA,
        drill: drill.to_owned(),
        seed,
        started: Timeline::start().started(),
        duration_ms: 0,
        verdict: Verdict::Unknown,
        because: vec![why.to_string()],
        timeline: Vec::new(),
        rate: Vec::new(),
        messages: MessageCounts::default(),
        figures: Figures::default(),
        broken: Vec::new(),
        not_undone: Vec::new(),
    }
}

fn show(suite: &Suite, seed: u64) {
    for (position, one) in suite.drills.iter().enumerate() {
        println!("{} (seed {}): {}", one.drill.name, Suite::seed_of(position, seed), one.drill.about);
    }
    println!("Nothing was done. --yes does it.");
}

/// The ending that whoever reads only the exit code has to know of.
fn worst(held: &[Held], all: bool) -> Ending {
    let order = [
        Ending::NotUndone,
        Ending::Broken,
        Ending::Config,
        Ending::Usage,
        Ending::Unknown,
        Ending::NotHealthy,
        Ending::Refused,
    ];
    for one in held.iter().filter(|one| one.ending != Ending::Pass) {
        println!("{}: {:?}", one.name, one.ending);
    }
    let worst = order.into_iter().find(|ending| held.iter().any(|one| one.ending == *ending));
    worst.unwrap_or(if all { Ending::Pass } else { Ending::Unknown })
}
