//! `papo bench`: how fast Papo is on this machine, beside what the same path could do at most.
//!
//! Absolute figures of a shared machine mean little, so what matters is measured as a ratio within one run: the same clients
//! are first answered by a broker and servers that do nothing (*the echo limit*), then by Papo, which has each write on two disks
//! before it answers. The disk's own rate is told beside it.
//!
//! | file | what |
//! |---|---|
//! | `clients` | closed-loop plain REQ clients |
//! | `echo` | what the path could do at most |
//! | `throughput`, `delivery`, `history`, `outage`, `footprint` | one figure each |
//! | `report` | the table and the JSON |
//!
//! Not measured: anything across a real network, and more than one broker.

mod clients;
mod delivery;
mod disk;
mod echo;
mod footprint;
mod history;
mod outage;
mod report;
mod settings;
mod system;
mod throughput;

use std::ffi::OsString;
use std::process::ExitCode;

use papo_service::{Boot, Failure};

use crate::report::Report;
use crate::settings::BenchSettings;
use crate::system::System;

/// The hidden first argument of the process that is the echo limit.
const ECHO: &str = "--as-echo";

/// The subcommand's `main`, given what follows `papo bench`.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    if arguments.first().is_some_and(|first| first == ECHO) {
        return echo::be_echo();
    }
    papo_service::run_tool_from::<BenchSettings>(arguments, bench)
}

fn bench(boot: Boot<BenchSettings>) -> Result<(), Failure> {
    let settings = boot.settings;
    let mut report = Report {
        fdatasync_per_s: disk::syncs_per_second(&settings.dir)?,
        echo: echo::limits(&settings)?,
        ..Report::default()
    };

    let mut system = System::start(&mut report)?;
    report.throughput = throughput::measure(&system, &settings, &report.echo)?;
    if !settings.only_throughput {
        report.delivery = Some(delivery::measure(&system, &settings, &report.throughput)?);
        report.idle = Some(footprint::idle(&mut system)?);
        history::fill(&system, &settings)?;
        report.history = Some(history::measure(&mut system, &settings)?);
        report.memory = Some(footprint::memory(&mut system)?);
        report.outages = outage::measure(&mut system)?;
        report.catch_up = Some(history::catch_up(&mut system)?);
    }
    drop(system);

    if settings.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}
