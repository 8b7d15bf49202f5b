//! `papo disk`: what a person decides about a servidor's data, because no program should.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use papo_service::{Boot, Exit, Failure, Settings};
use papo_store::SetAsideError;

const HELP: &str = "\
What a person decides about a servidor's data. The servidor must be stopped.

Usage: papo disk set-aside --data DIR

  set-aside  move unreadable data into a directory beside it; the servidor then starts with a new, empty disk,
             and learns everything from the others
";

/// Moves a servidor's data into a directory of its own inside the data directory, and says where.
///
/// For data that the servidor refuses to read (exit code 74). It then starts with a new disk: it is a learner until
/// it has caught up with the others, and counts again when their log says so. With a majority of the servidores
/// gone this loses data: their disks are the data.
#[derive(clap::Parser)]
#[command(name = "papo disk set-aside", version)]
struct SetAside {
    /// The servidor's data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Settings for SetAside {}

pub(crate) fn run(mut arguments: Vec<OsString>) -> ExitCode {
    let action = if arguments.is_empty() { OsString::new() } else { arguments.remove(0) };
    match action.to_str() {
        Some("set-aside") => papo_service::run_tool_from(arguments, set_aside),
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        _ => {
            eprint!("{HELP}");
            Exit::Usage.into()
        }
    }
}

fn set_aside(boot: Boot<SetAside>) -> Result<(), Failure> {
    let Boot { settings, .. } = boot;
    match papo_store::set_aside(&settings.data) {
        Ok(place) => {
            println!("moved to {}", place.display());
            Ok(())
        }
        Err(error @ SetAsideError::Io { .. }) => Err(Failure::disk(error)),
        Err(error) => Err(Failure::failed(error)),
    }
}
