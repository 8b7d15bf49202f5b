//! `papo members`: who counts, who is wanted, and changing that by hand.
//!
//! What is asked for here is agreed like any write, and stays asked for: the coordinator works towards it, one member at a time,
//! for as long as it takes. Waiting for it is a convenience.

mod line;
mod table;
mod work;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use papo_core::members::{MAX_MEMBERS, is_server_name};
use papo_service::{Boot, Failure, Mistake, Settings};
use papo_transport::HostPort;
use papo_wire::admin::{Change, Membership};

use crate::local;
use crate::programs::{self, Program};
use work::Work;

/// The wire's port of servidores.
const DIRECT_PORT: u16 = 5570;

/// Whom all of them ask, and how they tell.
#[derive(Clone, Debug, clap::Args)]
struct Asking {
    /// Servidores to ask, in turn; every address of each name is used [default: those of this machine that listen on 5570, or on
    /// the ports of `papo local`]
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',')]
    from: Vec<HostPort>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Asking {
    fn from(&self) -> Vec<HostPort> {
        if self.from.is_empty() { nearby() } else { self.from.clone() }
    }
}

/// The servidores of this machine: the one of a container or pod, or else those of a `papo local`. Never both, which would be two
/// systems: what one of them does not answer in time must not be asked of the other.
fn nearby() -> Vec<HostPort> {
    let alone = SocketAddr::from((Ipv4Addr::LOCALHOST, DIRECT_PORT));
    let mut here = listening(std::iter::once(alone));
    if here.is_empty() {
        here = listening(local::usual_servidores());
    }
    if here.is_empty() {
        // Somebody may be about to listen, and whoever is told that nobody answers should see where it was asked.
        here.push(alone);
    }
    here.into_iter().map(HostPort::from).collect()
}

/// Those addresses of this machine where somebody listens. That is known at once, where a question would have to time out.
fn listening(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    addresses.filter(|at| TcpStream::connect_timeout(at, Duration::from_millis(200)).is_ok()).collect()
}

/// What those take that change something.
#[derive(Clone, Debug, clap::Args)]
struct Patience {
    /// What to wait for, once the change is agreed
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Wait::Departures)]
    wait: Wait,
    /// How long all of it may take
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = papo_service::duration)]
    timeout: Duration,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wait {
    /// Nothing: it is agreed, and will happen
    None,
    /// Until nobody has to leave any more
    Departures,
    /// Also until everybody who is wanted counts
    All,
}

/// Who counts, who is wanted, who is there, and how far each one is.
///
/// Exit codes: 0 it could be told, 1 nobody answered, 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "papo members", version)]
struct Show {
    #[command(flatten)]
    asking: Asking,
    /// How long an answer may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = papo_service::duration)]
    timeout: Duration,
}

impl Settings for Show {}

/// Wants servidores among the members.
///
/// Each is counted once it is there and has learned everything; until then it costs nothing. Start its process before or after,
/// with its own name, an empty disk, and --peers (or the referencia) to find the others by.
///
/// Exit codes: 0 agreed (and what was waited for has happened), 1 not so, 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "papo members admit", version)]
struct Admit {
    /// Who
    #[arg(value_name = "NAME", required = true, value_delimiter = ',')]
    names: Vec<String>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    asking: Asking,
}

/// Wants servidores among the members no longer.
///
/// Each leaves once those that remain have a majority that is there; a coordinator hands over first. Its process may be stopped
/// when this command ends well. Its disk is left alone: admitted again, it goes on from there.
///
/// Exit codes: 0 agreed (and what was waited for has happened), 1 not so, 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "papo members dismiss", version)]
struct Dismiss {
    /// Who
    #[arg(value_name = "NAME", required = true, value_delimiter = ',')]
    names: Vec<String>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    asking: Asking,
}

/// Wants exactly these servidores as members: admits who is missing, and dismisses who is too many.
///
/// Exit codes: 0 agreed (and what was waited for has happened), 1 not so, 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "papo members set", version)]
struct Set {
    /// Who
    #[arg(value_name = "NAME,...", required = true, value_delimiter = ',')]
    names: Vec<String>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    asking: Asking,
}

/// Puts one servidor in the place of another: admits NEW, and dismisses OLD once NEW counts.
///
/// At no time does it cost a member that is there. Broken off in between, nothing is lost: say it again.
///
/// Exit codes: 0 done, 1 not done in time, 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "papo members replace", version)]
struct Replace {
    /// Who goes
    #[arg(value_name = "OLD")]
    old: String,
    /// Who comes
    #[arg(value_name = "NEW")]
    new: String,
    /// How long all of it may take
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = papo_service::duration)]
    timeout: Duration,
    #[command(flatten)]
    asking: Asking,
}

/// Dismisses a servidor that is lost for good, and says what that costs.
///
/// Until then its place counts: of three members two must be there, whether the third is lost or not. Refused while it is
/// alive, unless told otherwise. Should it come back one day with its old disk, it learns that it does not count.
///
/// Exit codes: 0 forgotten, 1 not so, 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "papo members forget", version)]
struct Forget {
    /// Who
    #[arg(value_name = "NAME")]
    name: String,
    /// Even though it is alive
    #[arg(long)]
    alive: bool,
    /// How long all of it may take
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = papo_service::duration)]
    timeout: Duration,
    #[command(flatten)]
    asking: Asking,
}

impl Settings for Admit {
    fn mistakes(&self) -> Vec<Mistake> {
        wrong_names(&self.names)
    }
}

impl Settings for Dismiss {
    fn mistakes(&self) -> Vec<Mistake> {
        wrong_names(&self.names)
    }
}

impl Settings for Set {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = wrong_names(&self.names);
        let mut names = self.names.clone();
        names.sort_unstable();
        names.dedup();
        if names.len() != self.names.len() {
            mistakes.push(Mistake::new("names", "a servidor is named twice"));
        }
        if names.len() > MAX_MEMBERS {
            mistakes.push(Mistake::new("names", format!("there are {MAX_MEMBERS} members at most")));
        }
        mistakes
    }
}

impl Settings for Replace {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = wrong_names([&self.old, &self.new]);
        if self.old == self.new {
            mistakes.push(Mistake::new("new", "is the same as the old one: an empty disk needs no command"));
        }
        mistakes
    }
}

impl Settings for Forget {
    fn mistakes(&self) -> Vec<Mistake> {
        wrong_names([&self.name])
    }
}

fn wrong_names<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<Mistake> {
    let wrong = names.into_iter().filter(|name| !is_server_name(name));
    let say = |name| format!("`{name}` is no name: use 1 to 63 letters, digits, `-`, `_` or `.`");
    wrong.map(|name| Mistake::new("name", say(name))).collect()
}

const PROGRAMS: [Program; 6] = [
    Program {
        name: "show",
        about: "Tell who they are, and who is wanted: what `papo members` alone does",
        run: |arguments| papo_service::run_tool_from(arguments, show),
    },
    Program {
        name: "admit",
        about: "Want servidores among the members; each counts once it is there and has learned everything",
        run: |arguments| papo_service::run_tool_from(arguments, admit),
    },
    Program {
        name: "dismiss",
        about: "Want servidores among the members no longer; each leaves once the others can go on without it",
        run: |arguments| papo_service::run_tool_from(arguments, dismiss),
    },
    Program {
        name: "set",
        about: "Want exactly these: admit who is missing, and dismiss who is too many",
        run: |arguments| papo_service::run_tool_from(arguments, set),
    },
    Program {
        name: "replace",
        about: "Admit another one, and dismiss the old one once the new one counts",
        run: |arguments| papo_service::run_tool_from(arguments, replace),
    },
    Program {
        name: "forget",
        about: "Dismiss one that is lost for good, and say what that costs",
        run: |arguments| papo_service::run_tool_from(arguments, forget),
    },
];

pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let first = arguments.first().map(|first| first.to_string_lossy()).unwrap_or_default();
    // Nothing, or flags of `show`.
    if first.is_empty() || (first.starts_with('-') && first != "-h" && first != "--help") {
        return papo_service::run_tool_from(arguments, show);
    }
    let command = clap::Command::new("papo members")
        .about("Who the members are: they vote, and their disks count. And who is wanted among them")
        .after_help(
            "They ask a servidor (its port for servidores, 5570, or 5580 and so on with `papo local`), never a broker. Shrinking \
             happens before the processes go: a stopped process is still a member, and is waited for. `papo members COMMAND --help` \
             tells more.",
        );
    programs::run(command, &PROGRAMS, arguments)
}

fn show(boot: Boot<Show>) -> Result<(), Failure> {
    let Show { asking, timeout } = boot.settings;
    let membership = Work::new(&asking.from(), timeout)?.look()?;
    tell(&membership, &asking)
}

fn admit(boot: Boot<Admit>) -> Result<(), Failure> {
    let Admit { names, patience, asking } = boot.settings;
    change(names.into_iter().map(Change::Admit), &patience, &asking)
}

fn dismiss(boot: Boot<Dismiss>) -> Result<(), Failure> {
    let Dismiss { names, patience, asking } = boot.settings;
    change(names.into_iter().map(Change::Dismiss), &patience, &asking)
}

fn change(
    changes: impl Iterator<Item = Change>,
    patience: &Patience,
    asking: &Asking,
) -> Result<(), Failure> {
    let mut work = Work::new(&asking.from(), patience.timeout)?;
    for change in changes {
        work.change(&change)?;
    }
    tell(&work.wait(patience.wait)?, asking)
}

fn set(boot: Boot<Set>) -> Result<(), Failure> {
    let Set { names, patience, asking } = boot.settings;
    let mut work = Work::new(&asking.from(), patience.timeout)?;
    let wanted: Vec<String> =
        work.look()?.seats.into_iter().filter(|seat| seat.wanted).map(|seat| seat.name).collect();
    for change in difference(&wanted, &names) {
        work.change(&change)?;
    }
    tell(&work.wait(patience.wait)?, &asking)
}

/// What leads from those that are wanted to these: newcomers first, as long as there is room, so that the last one never goes.
fn difference(wanted: &[String], names: &[String]) -> Vec<Change> {
    let mut come = names.iter().filter(|name| !wanted.contains(name)).cloned();
    let mut go = wanted.iter().filter(|name| !names.contains(name)).cloned();
    let mut count = wanted.len();
    let mut changes = Vec::new();
    loop {
        let room = count < MAX_MEMBERS;
        if let Some(name) = come.next_if_room(room) {
            changes.push(Change::Admit(name));
            count += 1;
        } else if let Some(name) = go.next() {
            changes.push(Change::Dismiss(name));
            count -= 1;
        } else {
            return changes;
        }
    }
}

/// [`Iterator::next`], where there is room.
trait NextIfRoom: Iterator {
    fn next_if_room(&mut self, room: bool) -> Option<Self::Item> {
        if room { self.next() } else { None }
    }
}

impl<I: Iterator> NextIfRoom for I {}

fn replace(boot: Boot<Replace>) -> Result<(), Failure> {
    let Replace { old, new, timeout, asking } = boot.settings;
    let mut work = Work::new(&asking.from(), timeout)?;
    let before = work.look()?;
    if before.seat(&old).is_none_or(|seat| !seat.wanted && !seat.counts) {
        return Err(Failure::failed(format!("{old} is no member, and not to be one: just admit {new}")));
    }
    if !before.seat(&new).is_some_and(|seat| seat.wanted)
        && before.seats.iter().filter(|seat| seat.wanted).count() >= MAX_MEMBERS
    {
        return Err(Failure::failed(format!(
            "there are {MAX_MEMBERS} members at most: dismiss {old} first, then admit {new}"
        )));
    }
    work.change(&Change::Admit(new.clone()))?;
    work.wait_until(&format!("{new} counts"), |membership| {
        membership.seat(&new).is_some_and(|seat| seat.counts)
    })?;
    work.change(&Change::Dismiss(old))?;
    tell(&work.wait(Wait::Departures)?, &asking)
}

fn forget(boot: Boot<Forget>) -> Result<(), Failure> {
    let Forget { name, alive, timeout, asking } = boot.settings;
    let mut work = Work::new(&asking.from(), timeout)?;
    let before = work.look()?;
    let Some(seat) = before.seat(&name).filter(|seat| seat.counts || seat.wanted) else {
        return Err(Failure::failed(format!("{name} is no member, and not to be one")));
    };
    if seat.alive && !alive {
        return Err(Failure::failed(format!(
            "{name} is alive. `papo members dismiss {name}` lets it leave in order; --alive forgets it all the same"
        )));
    }
    eprintln!("{}", cost(&before, &name));
    work.change(&Change::Dismiss(name))?;
    tell(&work.wait(Wait::Departures)?, &asking)
}

/// Has those admitted that are neither members nor to be: names, and where each can be asked. Returns who was; all of it may take
/// `timeout`.
pub(crate) fn admit_missing(
    servidores: Vec<(String, HostPort)>,
    timeout: Duration,
) -> Result<Vec<String>, Failure> {
    if servidores.is_empty() {
        return Ok(Vec::new());
    }
    let (names, from): (Vec<String>, Vec<HostPort>) = servidores.into_iter().unzip();
    let mut work = Work::new(&from, timeout)?;
    let before = work.look()?;
    let mut admitted = Vec::new();
    for name in names {
        if !before.seat(&name).is_some_and(|seat| seat.wanted) {
            work.change(&Change::Admit(name.clone()))?;
            admitted.push(name);
        }
    }
    Ok(admitted)
}

/// What it means to go on without one for good.
fn cost(before: &Membership, name: &str) -> String {
    let rest: Vec<_> = before.seats.iter().filter(|seat| seat.counts && seat.name != name).collect();
    let there = rest.iter().filter(|seat| seat.alive).count();
    let majority = rest.len() / 2 + 1;
    let spare = there.saturating_sub(majority);
    format!(
        "Without {name} there are {} members, {there} of them alive; {majority} are needed for every write, so that {spare} more may \
         fail. What was acknowledged is on a majority of the disks and stays; what only the lost disk had was never acknowledged.",
        rest.len(),
    )
}

fn tell(membership: &Membership, asking: &Asking) -> Result<(), Failure> {
    if asking.json {
        println!("{}", serde_json::to_string_pretty(&table::Report::of(membership))?);
    } else {
        print!("{}", table::render(membership));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
