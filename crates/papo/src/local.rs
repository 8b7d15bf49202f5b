//! `papo local`: the whole system in one command, without containers.
//!
//! Every service is a child process on 127.0.0.1 with the ports of the wire ([`ports`], [`plan`]). [`supervisor`]
//! starts them again when they end by themselves and stops them in an order in which nothing in flight is lost;
//! [`home`] is the directory that outlives it all. Children die with this process, however it ends ([`child`]).

mod child;
mod client;
mod home;
mod plan;
mod ports;
mod probe;
mod screen;
mod supervisor;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use papo_core::members::MAX_MEMBERS;
use papo_service::{Boot, Failure, Mistake, Settings};

use home::Home;
use plan::Plan;
use ports::Ports;
use screen::Screen;
use supervisor::Supervisor;

pub(crate) use child::{CHILD, be_child};

/// Where the servidores of a `papo local` are asked directly, if its ports were not moved.
pub(crate) fn usual_servidores() -> impl Iterator<Item = SocketAddr> {
    (1..=MAX_MEMBERS as u16).map(|number| Ports::new(ports::LOWEST).servidor(number))
}

/// The whole chat on this machine: all services, and the client in this terminal.
///
/// Everything listens on 127.0.0.1 with the usual ports, so that any client can connect: requests to port 5557,
/// messages from port 5556; servidor n is on 5570+10n. Data and logs are in --data, and are there next time. A
/// service that ends by itself is started again. Ctrl-C, SIGTERM or the client's `sair` stop everything in good order.
///
/// With more --servidores than last time the new ones are admitted as members once the others answer.
///
/// Exit codes: 0 stopped as asked, 1 it could not run, 64 usage, 78 configuration (a port in use).
#[derive(clap::Parser)]
#[command(name = "papo local", version)]
struct Local {
    /// How many servidores, all of them members [default: as many as there is data of, or else 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_MEMBERS as i64))]
    servidores: Option<u16>,
    /// How many brokers; number n is 200(n-1) ports above the first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=9))]
    brokers: u16,
    /// How many proxies; number n is 200(n-1) ports above the first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=9))]
    proxies: u16,
    /// Directory for data and logs; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "./papo-data")]
    data: PathBuf,
    /// Start no client; run until Ctrl-C or SIGTERM
    #[arg(long)]
    no_client: bool,
    /// The lowest port; all others keep their distance from it. For several systems at once
    #[arg(long, value_name = "PORT", default_value_t = ports::LOWEST)]
    #[arg(value_parser = clap::value_parser!(u16).range(1024..=60_000))]
    ports: u16,
    /// Where the programs are [default: where papo is]
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// How long a stop may take before what still runs is killed
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = papo_service::duration)]
    grace: Duration,
}

impl Settings for Local {
    fn mistakes(&self) -> Vec<Mistake> {
        let found = home::servidores_in(&self.data);
        match self.servidores {
            Some(asked) if asked < found => vec![Mistake::new(
                "servidores",
                format!(
                    "{} has the data of {found} servidores, and {asked} of them may be no majority: \
                     start {found} or more, or use another --data. To have fewer, start all, `papo members dismiss` those \
                     that are too many, stop, and delete their directories",
                    self.data.display()
                ),
            )],
            _ => Vec::new(),
        }
    }
}

/// How long the system may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    papo_service::run_tool_from(arguments, local)
}

fn local(boot: Boot<Local>) -> Result<(), Failure> {
    boot.stop_on_signals()?;
    let Boot { settings, shutdown, .. } = boot;
    let begun = Instant::now();
    let found = home::servidores_in(&settings.data);
    let servidores = settings.servidores.unwrap_or(if found == 0 { 3 } else { found });
    let ports = Ports::new(settings.ports);
    let programs = match settings.programs {
        Some(programs) => programs,
        None => plan::beside_this_program()?,
    };
    let home = Home::open(&settings.data)?;
    let plan = Plan {
        home: home.path(),
        programs: &programs,
        ports,
        servidores,
        brokers: settings.brokers,
        proxies: settings.proxies,
    };
    plan.check(!settings.no_client)?;

    let screen = Screen::new(!settings.no_client);
    let mut supervisor = Supervisor::start(&home, plan.services(), settings.grace)?;
    // Members are data, and do not follow from how many are started. Who was dismissed by hand stays so, unless asked for here.
    let wanted = settings.servidores.filter(|_| found > 0).map(|_| plan.servidores()).unwrap_or_default();
    let probe = probe::start(ports.broker_clients(1), wanted, PATIENCE);
    let outcome = supervisor.until_answering(&shutdown, &probe, PATIENCE, &screen).and_then(|answered| {
        let Some(answered) = answered else { return Ok(()) };
        screen.welcome(&plan, &answered.status, begun.elapsed());
        screen.newcomers(&answered.admitted);
        if !settings.no_client {
            supervisor.attach(&plan.client())?;
        }
        supervisor.watch(&shutdown, &screen)
    });
    supervisor.stop(&screen);
    outcome
}
