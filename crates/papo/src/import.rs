//! `papo import`: the three files, as the old system or `papo export` wrote them, into a cluster.
//!
//! First the users and channels, then the messages, many at a time ([`order`] says which may overtake which). Each
//! record has a request id that is made of its content ([`id`]), and what the cluster has already is not sent again;
//! so an import may be repeated, after a crash or years later, and every record is taken once.

mod files;
mod id;
mod order;
mod shape;

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use papo_service::{Boot, Failure, Settings};
use papo_transport::HostPort;

use crate::ask::{Asker, Pool, resolve};
use crate::export::each_record;
use files::Place;
use id::Ids;
use order::{Order, Tally};

/// Takes users.json, channels.json and messages.jsonl into a cluster.
///
/// Reads what `papo export` writes, and what the old system wrote: lists of names or of objects, or maps by name;
/// messages as {user, channel, message, ...} or {src, dst, message, ...}, also inside `data`. A file that is not
/// there is passed over. Times and Lamport clocks are kept where they can be read.
///
/// Running it again takes nothing twice. What one person said, and what was said in one conversation, keeps its
/// order; with --in-flight 1 everything does.
///
/// Exit codes: 0 everything is in the cluster, 1 something is not (told line by line), 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "papo import", version)]
struct ImportSettings {
    /// Directory with the files
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Brokers' client side
    #[arg(long, value_name = "HOST:PORT,...", default_value = "127.0.0.1:5557", value_delimiter = ',')]
    broker: Vec<HostPort>,
    /// Records on their way at a time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    in_flight: u16,
    /// How long one record may be tried
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = papo_service::duration)]
    timeout: Duration,
}

impl Settings for ImportSettings {}

/// Something that could not be taken, and why.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    place: Place,
    why: String,
}

pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    papo_service::run_tool_from(arguments, import)
}

fn import(boot: Boot<ImportSettings>) -> Result<(), Failure> {
    let Boot { settings, .. } = boot;
    let known = known_ids(&settings)?;
    let mut pool = Pool::new(resolve(&settings.broker)?, usize::from(settings.in_flight), settings.timeout)?;
    let mut problems = Vec::new();
    let mut ids = Ids::default();
    let mut taken = Vec::new();
    for (what, file) in
        [("users", files::USERS), ("channels", files::CHANNELS), ("messages", files::MESSAGES)]
    {
        let Some(items) = files::open(&settings.dir, file)? else {
            println!("{file}: not there");
            continue;
        };
        let mut order = Order::new(items, &known, &mut ids, usize::from(settings.in_flight), progress(what));
        pool.run(&mut order);
        let (tally, more) = order.finish();
        problems.extend(more);
        println!("{file}: {tally}");
        taken.push(tally);
    }
    if taken.is_empty() {
        return Err(Failure::failed(format!("none of the files is in {}", settings.dir.display())));
    }
    for Problem { place, why } in &problems {
        eprintln!("{place}: {why}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => Err(Failure::failed("a record could not be taken; all others are in the cluster")),
        some => {
            Err(Failure::failed(format!("{some} records could not be taken; all others are in the cluster")))
        }
    }
}

/// Request ids of the messages that the cluster has: the servidores forget them after a day, the log does not.
fn known_ids(settings: &ImportSettings) -> Result<HashSet<String>, Failure> {
    let mut known = HashSet::new();
    each_record(&mut Asker::new(&settings.broker, settings.timeout)?, |record| {
        known.extend(record.request_id.clone().filter(|id| id::is_ours(id)));
        Ok(())
    })?;
    Ok(known)
}

/// Shows people how far it is.
fn progress(what: &'static str) -> impl FnMut(&Tally) {
    const EVERY: u64 = 1000;
    let shown = stderr().is_terminal();
    move |tally| {
        if shown && tally.total().is_multiple_of(EVERY) {
            eprint!("\r{what}: {} ...", tally.total());
        }
    }
}

#[cfg(test)]
mod tests;
