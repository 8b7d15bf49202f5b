//! A long time of steady load, and whether anything grows.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use papo_nemesis::Error;
use papo_nemesis::cluster::Shape;
use papo_nemesis::folder::Folder;
use papo_nemesis::soak::Soak;
use papo_witness::LoadSettings;
use papo_witness::evidence::Verdict;

/// Lets the real programs serve a steady load for a long time, restarts each once, and looks whether anything grows that should not:
/// memory, open files, threads, queues.
///
/// Exit codes: 0 nothing grew and every promise held; 1 something did, or one was broken; 2 nothing can be said.
#[derive(Parser)]
#[command(name = "soak")]
struct Arguments {
    /// How long
    #[arg(long, value_name = "MINUTES", default_value_t = 60.0)]
    minutes: f64,
    /// Messages a second
    #[arg(long, value_name = "N", default_value_t = 50.0)]
    rate: f64,
    /// Where everything is kept; it must not be there [default: a folder that is kept when something was found]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    papo_nemesis::folder::exit_code(soak(&arguments))
}

fn soak(arguments: &Arguments) -> Result<Verdict, Error> {
    let folder = Folder::make(arguments.folder.as_deref())?;
    let soak = Soak {
        length: Duration::from_secs_f64(arguments.minutes * 60.0),
        shape: Shape::default(),
        load: LoadSettings { clients: 6, rate: arguments.rate, plain: 1, ..LoadSettings::default() },
        folder: folder.path().to_owned(),
    };
    folder.after(soak.run())
}
