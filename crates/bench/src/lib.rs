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
//! | `start`, `throughput`, `delivery`, `history`, `footprint` | one figure each |
//! | `outage`, and its `people` | what our own clients notice when something is killed |
//! | `report` | the table and the JSON |
//!
//! Not measured: anything across a real network, and the throughput of more than one broker.

mod clients;
mod delivery;
mod disk;
mod echo;
mod footprint;
mod history;
mod outage;
mod report;
mod settings;
mod start;
mod system;
mod throughput;

use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

use papo_service::{Boot, Failure, Shutdown};

use crate::report::Report;
use crate::settings::BenchSettings;
use crate::system::System;

/// The hidden first argument of the process that is the echo limit.
const ECHO: &str = "--as-echo";

/// What every measurement needs to know.
struct Bench {
    settings: BenchSettings,
    /// Somebody does not want to wait for the end.
    shutdown: Shutdown,
}

impl Bench {
    /// Ends a measurement early, in good order, so that everything that was started is stopped and deleted.
    fn go_on(&self) -> Result<(), Failure> {
        if self.shutdown.is_requested() { Err(Failure::failed("interrupted")) } else { Ok(()) }
    }
}

/// The subcommand's `main`, given what follows `papo bench`.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    if arguments.first().is_some_and(|first| first == ECHO) {
        return echo::be_echo();
    }
    papo_service::run_tool_from::<BenchSettings>(arguments, bench)
}

fn bench(boot: Boot<BenchSettings>) -> Result<(), Failure> {
    boot.stop_on_signals()?;
    let bench = Bench { shutdown: boot.shutdown.clone(), settings: boot.settings };
    let report = measure(&bench)?;
    tell(&bench.settings, &report)
}

fn measure(bench: &Bench) -> Result<Report, Failure> {
    let disk = disk::measure(&bench.settings)?;
    if let Some(warning) = disk.warning() {
        eprintln!("papo bench: {warning}");
    }
    let mut report = Report { disk, ..Report::default() };
    report.start_s = start::measure(bench)?;
    report.echo = echo::limits(bench)?;

    let mut system = System::start(bench)?;
    let measured = measure_system(bench, &mut system, &mut report);
    if let Err(failure) = measured {
        return Err(system.failed(failure, bench));
    }
    drop(system);
    if !bench.settings.only_throughput {
        report.outages = outage::measure(bench)?;
    }
    Ok(report)
}

fn measure_system(bench: &Bench, system: &mut System, report: &mut Report) -> Result<(), Failure> {
    report.throughput = throughput::measure(system, bench, &report.echo)?;
    if bench.settings.only_throughput {
        return Ok(());
    }
    report.delivery = Some(delivery::measure(system, bench, &report.throughput)?);
    report.idle = Some(footprint::idle(system, bench)?);
    history::fill(system, bench)?;
    report.history = Some(history::measure(system, bench)?);
    report.memory = Some(footprint::memory(system)?);
    report.catch_up = Some(history::catch_up(system, bench)?);
    Ok(())
}

fn tell(settings: &BenchSettings, report: &Report) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(report)?;
    if settings.prints_json() {
        eprintln!("{report}");
        println!("{json}");
        return Ok(());
    }
    println!("{report}");
    match &settings.json {
        Some(file) => {
            let failed = |error| Failure::disk(format!("json: {}: {error}", file.display()));
            fs::write(file, json + "\n").map_err(failed)
        }
        None => Ok(()),
    }
}
