//! `papo status`: what every servidor says of itself, side by side.

mod table;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, SystemTime};

use papo_service::{Boot, Failure, Settings};
use papo_transport::HostPort;
use papo_wire::reply::{Answer, PeerStatus, Role, Status};
use papo_wire::request::{Body, Request};
use serde::Serialize;

use crate::ask::Asker;

/// Who is alive, who coordinates and since when, how far each servidor is, clocks and disks.
///
/// Asks one servidor through a broker, and then every servidor that it knows directly. Without a broker, name
/// servidores with --servidor.
///
/// Exit codes: 0 there is a coordinator and every servidor answered, 1 not so, 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "papo status", version)]
struct StatusSettings {
    /// Brokers' client side
    #[arg(long, value_name = "HOST:PORT,...", default_value = "127.0.0.1:5557", value_delimiter = ',')]
    broker: Vec<HostPort>,
    /// Servidores to ask directly, besides those that the others know
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',')]
    servidor: Vec<HostPort>,
    /// How long an answer may take
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = papo_service::duration)]
    timeout: Duration,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Settings for StatusSettings {}

/// Everything that was learned.
#[derive(Debug, Serialize)]
struct Overview {
    /// Name of the coordinator that most servidores follow; empty where they know none.
    coordinator: String,
    coordinator_since: String,
    epoch: u64,
    /// Whether there is a coordinator and every servidor answered.
    healthy: bool,
    servidores: Vec<Row>,
    /// What could not be asked, and why.
    problems: Vec<String>,
}

/// One servidor.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// What it says of itself; `None` where it did not answer.
    #[serde(flatten)]
    status: Option<Status>,
    answered: bool,
}

pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    papo_service::run_tool_from(arguments, show)
}

fn show(boot: Boot<StatusSettings>) -> Result<(), Failure> {
    let Boot { settings, .. } = boot;
    let overview = look(&settings);
    if settings.json {
        println!("{}", serde_json::to_string_pretty(&overview)?);
    } else {
        print!("{}", table::render(&overview, SystemTime::now()));
    }
    match (overview.healthy, overview.servidores.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => Err(Failure::failed("nobody answered; is the system running?")),
        (false, false) => Err(Failure::failed("not all is well")),
    }
}

fn look(settings: &StatusSettings) -> Overview {
    let mut found = Found::default();
    found.take(&settings.broker, ask_one(&settings.broker, settings.timeout));
    found.ask_all(&settings.servidor, settings.timeout);
    // Once more for servidores that only those knew who were asked last.
    for _ in 0..2 {
        let unasked = found.unasked();
        found.ask_all(&unasked, settings.timeout);
    }
    found.overview()
}

/// What is known so far.
#[derive(Default)]
struct Found {
    answered: BTreeMap<String, Status>,
    asked: Vec<HostPort>,
    problems: Vec<String>,
}

impl Found {
    fn ask_all(&mut self, servidores: &[HostPort], timeout: Duration) {
        let answers: Vec<_> = thread::scope(|scope| {
            let ask = |at: &HostPort| {
                let at = at.clone();
                scope.spawn(move || (at.clone(), ask_one(std::slice::from_ref(&at), timeout)))
            };
            let asking: Vec<_> = servidores.iter().map(ask).collect();
            asking.into_iter().map(|thread| thread.join().expect("a panic has ended the process")).collect()
        });
        for (at, answer) in answers {
            self.take(std::slice::from_ref(&at), answer);
            self.asked.push(at);
        }
    }

    fn take(&mut self, at: &[HostPort], answer: Result<Status, Failure>) {
        match answer {
            Ok(status) => drop(self.answered.insert(status.name.clone(), status)),
            Err(failure) => {
                let at: Vec<String> = at.iter().map(ToString::to_string).collect();
                self.problems.push(format!("{}: {failure}", at.join(",")));
            }
        }
    }

    /// Addresses of servidores that somebody knows and that were not asked yet.
    fn unasked(&self) -> Vec<HostPort> {
        let peers = self.peers();
        let mut unasked = BTreeMap::new();
        for peer in peers.filter(|peer| !self.answered.contains_key(&peer.name)) {
            if let Ok(address) = peer.address.parse::<HostPort>()
                && !self.asked.contains(&address)
            {
                unasked.insert(&peer.name, address);
            }
        }
        unasked.into_values().collect()
    }

    /// Servidores that somebody knows. One that is no member and that nobody hears has left; it is remembered for a while, and not
    /// missed.
    fn peers(&self) -> impl Iterator<Item = &PeerStatus> {
        self.answered.values().flat_map(|status| {
            let counts = |peer: &PeerStatus| status.members.iter().any(|member| member.name == peer.name);
            status.peers.iter().filter(move |peer| peer.alive || status.members.is_empty() || counts(peer))
        })
    }

    fn overview(self) -> Overview {
        let newest =
            self.answered.values().filter(|status| !status.coordinator.is_empty()).max_by_key(|s| s.epoch);
        let (coordinator, coordinator_since) =
            newest.map(|s| (s.coordinator.clone(), s.coordinator_since.clone())).unwrap_or_default();
        let epoch = self.answered.values().map(|status| status.epoch).max().unwrap_or(0);
        let mut names: Vec<String> = self.answered.keys().cloned().collect();
        let members = self.answered.values().flat_map(|status| &status.members);
        names.extend(members.map(|member| member.name.clone()));
        names.extend(self.peers().map(|peer| peer.name.clone()));
        names.sort_unstable_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        names.dedup();
        let mut answered = self.answered;
        let servidores: Vec<Row> = names
            .into_iter()
            .map(|name| {
                let status = answered.remove(&name);
                Row { name, answered: status.is_some(), status }
            })
            .collect();
        let coordinates =
            |row: &Row| row.status.as_ref().is_some_and(|status| status.role == Role::Coordinator);
        let healthy = servidores.iter().any(coordinates) && servidores.iter().all(|row| row.answered);
        Overview { coordinator, coordinator_since, epoch, healthy, servidores, problems: self.problems }
    }
}

fn ask_one(at: &[HostPort], timeout: Duration) -> Result<Status, Failure> {
    match Asker::new(at, timeout)?.ask(Request::new(Body::Status))? {
        Answer::Status(status) => Ok(*status),
        _ => Err(Failure::failed("answered something else")),
    }
}

#[cfg(test)]
mod tests;
