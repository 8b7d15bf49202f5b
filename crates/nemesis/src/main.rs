//! Torments the real programs on this machine.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use papo_nemesis::Error;
use papo_nemesis::cluster::Shape;
use papo_nemesis::deed::Kind;
use papo_nemesis::folder::Folder;
use papo_nemesis::plan::{Draw, Pace};
use papo_nemesis::run::{Settings, WHOLE_FROM, run};
use papo_witness::LoadSettings;
use papo_witness::evidence::Verdict;

/// Torments the real programs on this machine, by a seed, and judges whether every promise held.
///
/// Starts the programs beside it, each behind a network of its own that can be broken; lets clients talk; kills, freezes, cuts off,
/// slows, jams, fills, wipes, floods; heals; reads everything back from every servidor.
///
/// From 15 minutes on, every kind of fault is dealt before it ends, and one that was not seen to happen leaves the verdict unknown. What
/// cannot be done here is listed with it.
///
/// Exit codes: 0 every promise held; 1 one was broken; 2 nothing can be said.
#[derive(Parser)]
#[command(name = "nemesis")]
struct Arguments {
    /// How long to go on
    #[arg(long, value_name = "MINUTES", default_value_t = 5.0)]
    minutes: f64,
    /// What is done when: the same seed does the same [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many servidores
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=7))]
    servidores: u8,
    /// Messages a second
    #[arg(long, value_name = "N", default_value_t = 60.0)]
    rate: f64,
    /// Only kinds of deeds whose description contains one of these
    #[arg(long, value_name = "WORDS,...", value_delimiter = ',', value_parser = some_kind)]
    only: Vec<String>,
    /// Short faults instead of long ones
    #[arg(long)]
    short: bool,
    /// Programs of the previous release, to be mixed with the present ones
    #[arg(long, value_name = "DIR")]
    previous: Option<PathBuf>,
    /// Where everything is kept; it must not be there [default: a folder that is kept when not every promise held]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    papo_nemesis::folder::exit_code(torment(&arguments))
}

/// Words that some kind of deed is described with.
fn some_kind(words: &str) -> Result<String, String> {
    if Kind::ALL.iter().any(|kind| kind.to_string().contains(words)) {
        return Ok(words.to_owned());
    }
    let all: Vec<String> = Kind::ALL.iter().map(ToString::to_string).collect();
    Err(format!("no kind of deed is described like that; there are:\n  {}", all.join("\n  ")))
}

fn torment(arguments: &Arguments) -> Result<Verdict, Error> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let wanted = |kind: &Kind| {
        arguments.only.is_empty() || arguments.only.iter().any(|words| kind.to_string().contains(words))
    };
    let length = Duration::from_secs_f64(arguments.minutes * 60.0);
    let find = |folder: &PathBuf| {
        folder.canonicalize().map_err(Error::refused(format!("cannot find {}", folder.display())))
    };
    let previous = arguments.previous.as_ref().map(find).transpose()?;
    let folder = Folder::make(arguments.folder.as_deref())?;
    let settings = Settings {
        draw: Draw {
            seed,
            shape: Shape { servidores: arguments.servidores, ..Shape::default() },
            kinds: Kind::ALL.into_iter().filter(wanted).collect(),
            pace: if arguments.short { Pace::Short } else { Pace::Long },
            length,
            deals: usize::from(length >= WHOLE_FROM),
        },
        at_most: length,
        previous,
        load: LoadSettings {
            clients: 6,
            rate: arguments.rate,
            plain: 2,
            seed,
            ledger: Some(folder.path().to_owned()),
            ..LoadSettings::default()
        },
        folder: folder.path().to_owned(),
        patience: Duration::from_secs(90),
    };
    let outcome = folder.after(run(&settings).map(|report| report.verdict));
    println!("the same again: --seed {seed}");
    outcome
}
