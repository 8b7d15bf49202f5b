//! The life of a process: settings, logs, the work, and an exit code that tells how it ended.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::builder::StyledStr;
use clap::{Args, Command, FromArgMatches};
use tracing_subscriber::filter::Targets;

use crate::drill::{self, Orders};
use crate::http::{self, Shown};
use crate::logging::{self, LogFormat};
use crate::settings::{self, Sources, Stop};
use crate::signals::StopSignals;
use crate::{Exit, Failure, Health, Metrics, Settings, Shutdown};

/// What a binary's function is given.
#[derive(Debug)]
#[non_exhaustive]
pub struct Boot<S> {
    /// The settings, all of them right.
    pub settings: S,
    /// Raised by SIGTERM and SIGINT (for a tool: once [`Boot::stop_on_signals`] was called).
    pub shutdown: Shutdown,
    /// What `/livez`, `/readyz` and `/startupz` answer.
    pub health: Health,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// Where those pages are served, if they are.
    pub http: Option<SocketAddr>,
    /// Where orders of a drill come from, if hooks are enabled.
    pub drill: Option<Orders>,
}

// Keys that every binary has. (Not a doc comment: `clap` would make it the binary's description.)
#[derive(Args, Debug)]
struct Common {
    /// YAML file with settings: lines of `key: value`, the keys named like these flags
    #[arg(long, value_name = "FILE", help_heading = "Settings of every program")]
    config: Option<PathBuf>,
    /// What to log: error, warn, info, debug or trace, also for one part: `info,papo_core=debug`
    #[arg(long, value_name = "LEVELS", default_value = "info", value_parser = logging::levels)]
    #[arg(help_heading = "Settings of every program")]
    log_level: Targets,
    /// How log lines look
    #[arg(long, value_name = "FORMAT", default_value = "auto", help_heading = "Settings of every program")]
    log_format: LogFormat,
}

// Keys of what runs for long.
#[derive(Args, Debug)]
struct Pages {
    /// Address for health checks and metrics (/livez /readyz /startupz /metrics), as 0.0.0.0:9100; off when absent
    #[arg(long, value_name = "IP:PORT", help_heading = "Settings of every program")]
    http: Option<SocketAddr>,
}

#[derive(Clone, Copy, PartialEq)]
enum Life {
    /// Runs until it is told to stop.
    Service,
    /// Does one thing for the person who started it.
    Tool,
}

/// Runs a service: reads its settings, logs, follows signals, serves health and metrics, and calls `work`.
///
/// To be the only line of `main`. `work` returns when [`Boot::shutdown`] was raised and all is put away, or with
/// what makes it impossible to go on. A panic in any thread is logged and ends the process with
/// [`Exit::BrokenInvariant`].
pub fn run<S: Settings>(work: impl FnOnce(Boot<S>) -> Result<(), Failure>) -> ExitCode {
    live(Life::Service, std::env::args_os().skip(1).collect(), work)
}

/// Runs a tool: like [`run`], but quieter (it logs warnings), without the HTTP pages, and killed by signals as usual
/// unless it calls [`Boot::stop_on_signals`].
pub fn run_tool<S: Settings>(work: impl FnOnce(Boot<S>) -> Result<(), Failure>) -> ExitCode {
    run_tool_from(std::env::args_os().skip(1), work)
}

/// [`run_tool`] with a command line of one's own, without a program's name: for subcommands.
pub fn run_tool_from<S: Settings>(
    arguments: impl IntoIterator<Item = OsString>,
    work: impl FnOnce(Boot<S>) -> Result<(), Failure>,
) -> ExitCode {
    live(Life::Tool, arguments.into_iter().collect(), work)
}

fn live<S: Settings>(
    life: Life,
    arguments: Vec<OsString>,
    work: impl FnOnce(Boot<S>) -> Result<(), Failure>,
) -> ExitCode {
    let (settings, common, pages) = match read::<S>(life, arguments) {
        Ok(read) => read,
        Err(Stop::Show(text)) => {
            show(&text);
            return Exit::Ok.into();
        }
        Err(Stop::Mistaken(mistakes)) => {
            eprintln!("{mistakes}");
            return mistakes.exit().into();
        }
    };
    logging::start(common.log_level, common.log_format);
    die_of_panics(life);
    let command = S::command();
    let (name, version) = (command.get_name().to_owned(), command.get_version().unwrap_or("?").to_owned());
    let hooks = settings.drill_hooks();
    if let Some(address) = hooks.filter(|_| !drill::am_child()) {
        return drill::run(&name, address);
    }
    match start(life, &name, &version, settings, &pages).and_then(work) {
        Ok(()) => {
            if life == Life::Service {
                tracing::info!("{name} stopped");
            }
            Exit::Ok.into()
        }
        Err(failure) => {
            match life {
                Life::Service => tracing::error!("{name} ends: {failure}"),
                Life::Tool => eprintln!("{name}: {failure}"),
            }
            failure.exit().into()
        }
    }
}

fn show(text: &StyledStr) {
    let mut out = std::io::stdout();
    let written = if out.is_terminal() { write!(out, "{}", text.ansi()) } else { write!(out, "{text}") };
    if let Err(error) = written {
        // Whoever asked for help has stopped reading it.
        tracing::debug!("help was not read to its end: {error}");
    }
}

fn read<S: Settings>(life: Life, arguments: Vec<OsString>) -> Result<(S, Common, Pages), Stop> {
    let sources = Sources { arguments, environment: &|name| std::env::var_os(name) };
    settings::read(command::<S>(life), &sources, |matches| {
        let settings = S::from_arg_matches(matches)?;
        let common = Common::from_arg_matches(matches)?;
        let pages = match life {
            Life::Service => Pages::from_arg_matches(matches)?,
            Life::Tool => Pages { http: None },
        };
        let mistakes = settings.mistakes();
        Ok(((settings, common, pages), mistakes))
    })
}

fn command<S: Settings>(life: Life) -> Command {
    let command = Common::augment_args(S::command());
    match life {
        Life::Service => Pages::augment_args(command),
        Life::Tool => command.mut_arg("log_level", |arg| arg.default_value("warn")),
    }
}

fn start<S: Settings>(
    life: Life,
    name: &str,
    version: &str,
    settings: S,
    pages: &Pages,
) -> Result<Boot<S>, Failure> {
    // First of all: should the parent die, nobody else would end this process.
    let drill = settings.drill_hooks().map(|_| drill::attach()).transpose()?;
    let listener = pages.http.map(listen).transpose()?;
    let boot = Boot {
        settings,
        shutdown: Shutdown::new(),
        health: Health::new(),
        metrics: Metrics::new(name, version),
        http: listener.as_ref().map(TcpListener::local_addr).transpose()?,
        drill,
    };
    if life == Life::Service {
        boot.attend(listener)?;
        match boot.http {
            Some(address) => tracing::info!(%version, http = %address, "{name} starts"),
            None => tracing::info!(%version, "{name} starts"),
        }
    }
    Ok(boot)
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    http::bind(address).map_err(|error| Failure::config(format!("http: cannot listen on {address}: {error}")))
}

impl<S> Boot<S> {
    /// From now on SIGTERM and SIGINT raise [`Boot::shutdown`] instead of killing the process. Services have this
    /// done for them.
    pub fn stop_on_signals(&self) -> Result<(), Failure> {
        self.attend(None)
    }

    /// Starts the thread that hears signals and answers HTTP. It sleeps unless one of them comes, and ends with the
    /// process.
    fn attend(&self, listener: Option<TcpListener>) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // Signals are caught from here on, not from whenever the thread comes to run.
        let signals = {
            let _inside = runtime.enter();
            StopSignals::listen()?
        };
        let shown = Shown {
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            shutdown: self.shutdown.clone(),
        };
        let shutdown = self.shutdown.clone();
        thread::Builder::new().name("attendant".to_owned()).spawn(move || {
            runtime.block_on(async move {
                if let Some(listener) = listener {
                    tokio::spawn(async move {
                        if let Err(error) = http::serve(listener, shown).await {
                            tracing::error!("health and metrics are no longer served: {error}");
                        }
                    });
                }
                signals.forward(shutdown).await;
            });
        })?;
        Ok(())
    }
}

/// A panic means that the program is wrong: nothing it does afterwards could be trusted.
fn die_of_panics(life: Life) {
    std::panic::set_hook(Box::new(move |panic| {
        if life == Life::Tool && panic.payload_as_str().is_some_and(is_unread) {
            std::process::exit(Exit::Ok as i32);
        }
        let thread = thread::current();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(thread = thread.name().unwrap_or("?"), place, %backtrace, "broken invariant: {message}");
        std::process::exit(Exit::BrokenInvariant as i32);
    }));
}

/// Whether `println!` says that nobody reads what a tool tells any more: `papo status | head -1`. Nothing is wrong then, and there is
/// nobody to tell the rest to. The standard library has no other way to be told than this panic.
fn is_unread(panic: &str) -> bool {
    panic.starts_with("failed printing to stdout: Broken pipe")
}
