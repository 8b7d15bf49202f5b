//! `drill list`.

use std::ffi::OsString;
use std::process::ExitCode;

use papo_service::Settings;

use crate::faults::DRILLS;
use crate::stop::Ending;

/// Every drill, and what it does.
#[derive(clap::Parser)]
#[command(name = "drill list", version)]
struct List {}

impl Settings for List {}

pub(super) fn run(arguments: Vec<OsString>) -> ExitCode {
    super::tool(arguments, async |_: List| {
        let width = DRILLS.iter().map(|drill| drill.name.len()).max().unwrap_or(0);
        let mut text = String::new();
        for drill in DRILLS {
            text.push_str(&format!("{:width$}  {}\n", drill.name, drill.about));
            if !drill.needs.is_empty() {
                text.push_str(&format!("{:width$}  needs: {}\n", "", drill.needs));
            }
        }
        print!("{text}");
        Ok(Ending::Pass)
    })
}
