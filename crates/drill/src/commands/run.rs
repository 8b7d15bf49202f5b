//! `drill run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use papo_service::Settings;

use super::{Target, unwritable};
use crate::executor::NodeCommands;
use crate::faults;
use crate::interrupt::Interrupt;
use crate::options::{self, Options};
use crate::report;
use crate::session::Session;
use crate::stop::{Ending, Stop};

/// How long the system gets to show itself well.
pub(super) const SETTLE: Duration = Duration::from_secs(10);

/// Holds one drill: a load of its own from outside, a fault, and a verdict on every message.
///
/// Without --yes it changes nothing: it prints the plan, each request tried as a server-side dry run.
///
/// Exit codes: 0 every promise held (or, of a negative control: it was seen that they did not), 1 a promise was broken, 2 unknown,
/// 3 not healthy before the start, 4 refused by a guard, 5 not everything could be undone, 64 usage, 78 configuration or rights.
#[derive(clap::Parser)]
#[command(name = "drill run", version)]
struct Run {
    /// The drill: see `drill list`
    #[arg(value_name = "NAME")]
    drill: String,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    told: Told,
    /// Do it, instead of only showing it
    #[arg(long)]
    yes: bool,
    /// Folder for report.txt, .json, .xml and .html, and the ledger of the load
    #[arg(short = 'o', long, value_name = "DIR")]
    report: Option<PathBuf>,
}

// Flags that say how a drill is held.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Told {
    /// How long a fault lasts that does not end by itself
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = papo_service::duration)]
    duration: Duration,
    /// How long `freeze` holds the process
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = papo_service::duration)]
    freeze: Duration,
    /// How long the cluster may take to be whole again
    #[arg(long, value_name = "TIME", default_value = "3m", value_parser = papo_service::duration)]
    patience: Duration,
    /// What random choices and the load are made from; by chance when absent
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Messages a second of the load
    #[arg(long, value_name = "NUMBER", default_value_t = 100.0, value_parser = options::rate)]
    rate: f64,
    /// Budget: the longest pause of a client, instead of the drill's own
    #[arg(long, value_name = "TIME", value_parser = papo_service::duration)]
    pause: Option<Duration>,
    /// Budget: the time until another servidor coordinates, instead of the drill's own
    #[arg(long, value_name = "TIME", value_parser = papo_service::duration)]
    coordinator: Option<Duration>,
    /// Allow drills that leave no majority
    #[arg(long)]
    allow_majority_loss: bool,
    /// Allow the control that loses messages, also other people's
    #[arg(long)]
    allow_message_loss: bool,
    /// The most that `disk-full` may write
    #[arg(long, value_name = "BYTES", default_value = "1Gi", value_parser = options::bytes)]
    max_fill: u64,
    /// Command that takes a node away, with {node} for its name
    #[arg(long, value_name = "COMMAND")]
    node_off: Option<String>,
    /// Command that brings it back
    #[arg(long, value_name = "COMMAND")]
    node_on: Option<String>,
}

impl Settings for Run {}

impl Told {
    /// The seed, where one was given.
    pub(super) fn seed(&self) -> Option<u64> {
        self.seed
    }

    pub(super) fn options(&self) -> Options {
        Options {
            duration: self.duration,
            freeze: self.freeze,
            patience: self.patience,
            seed: self.seed.unwrap_or_else(|| u64::from(fastrand::u32(..))),
            allow_majority_loss: self.allow_majority_loss,
            allow_message_loss: self.allow_message_loss,
            max_fill: self.max_fill,
            nodes: NodeCommands { off: self.node_off.clone(), on: self.node_on.clone() },
            rate: self.rate,
            pause: self.pause,
            coordinator: self.coordinator,
        }
    }
}

pub(super) fn run(arguments: Vec<OsString>) -> ExitCode {
    super::tool(arguments, hold)
}

async fn hold(settings: Run) -> Result<Ending, Stop> {
    let drill = faults::find(&settings.drill)?;
    let options = settings.told.options();
    let interrupt = Interrupt::on_signals().map_err(|error| Stop::Config(format!("signals: {error}")))?;
    let site = settings.target.site().await?;
    let keep = settings.report.as_deref().filter(|_| settings.yes);
    let session =
        Session { site: &site, drill, options: &options, interrupt: &interrupt, settle: SETTLE, keep };
    let (plan, health) = session.plan().await?;
    if !settings.yes {
        println!("{}{}", session.rehearse(&plan).await?, super::ONLY_SHOWN);
        return Ok(Ending::Pass);
    }
    if let Some(folder) = keep {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    println!("{}: {} (seed {})", drill.name, plan.sentence, options.seed);
    let outcomes = session.hold(&plan, &health).await?;
    print!("{}", report::human(&outcomes.evidence));
    if let Some(folder) = keep {
        report::write(folder, &outcomes.evidence).map_err(|error| unwritable(folder, &error))?;
    }
    Ok(outcomes.ending)
}
