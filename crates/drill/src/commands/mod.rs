//! The subcommands, each a small program with its own flags.

mod folders;
mod list;
mod run;
mod status;
mod suite;
mod undo;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use papo_service::{Failure, Settings};

use crate::connect::{Connection, Where, connect};
use crate::discovery::{self, Site};
use crate::rights;
use crate::stop::{Ending, Stop};

/// A subcommand: its name, what it is for, and its `main`, which is given the rest of the command line.
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What it does.
    pub run: fn(Vec<OsString>) -> ExitCode,
}

/// All of them.
pub const COMMANDS: [Command; 5] = [
    Command { name: "list", about: "every drill, and what it does", run: list::run },
    Command { name: "status", about: "what there is, and whether a drill could begin", run: status::run },
    Command { name: "run", about: "hold one drill; without --yes, show what it would do", run: run::run },
    Command {
        name: "suite",
        about: "hold drills one after another, with budgets from a file",
        run: suite::run,
    },
    Command { name: "undo", about: "undo what a drill left behind that died", run: undo::run },
];

// Flags of everything that looks at a cluster. (Not a doc comment: `clap` would make it the binary's description.)
#[derive(clap::Args, Clone, Debug)]
struct Target {
    /// Context of the kubeconfig instead of its current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Kubeconfig instead of $KUBECONFIG, ~/.kube/config or the service account of the pod that this runs in
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Namespace instead of the context's
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Helm release, where there are several in the namespace
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
}

impl Target {
    async fn connect(&self) -> Result<Connection, Stop> {
        let at = Where {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            namespace: self.namespace.clone(),
        };
        connect(&at).await
    }

    /// The install that is meant, with ways into it.
    async fn site(&self) -> Result<Site, Stop> {
        let connection = self.connect().await?;
        let needed = rights::to_look(&connection.namespace, !connection.inside);
        rights::require(&connection.client, needed).await?;
        let release = discovery::release(&connection, self.release.as_deref()).await?;
        Site::open(connection, release).await
    }
}

/// Runs a subcommand: settings as every program of Papo has them, then `work` on a runtime, then the drill's own exit codes.
fn tool<S: Settings + Send>(
    arguments: Vec<OsString>,
    work: impl AsyncFnOnce(S) -> Result<Ending, Stop>,
) -> ExitCode {
    let arguments = quietly(arguments);
    let mut ending = None;
    let code = papo_service::run_tool_from(arguments, |boot: papo_service::Boot<S>| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let done = runtime.block_on(work(boot.settings)).unwrap_or_else(|stop| {
            eprintln!("drill: {stop}");
            stop.ending()
        });
        // Threads that wait for an answer which no longer matters end with the process.
        runtime.shutdown_background();
        ending = Some(done);
        Ok::<(), Failure>(())
    });
    ending.map_or(code, ExitCode::from)
}

/// The client library logs every answer that it does not like as an error of its own; what matters of that is told by the
/// drill. Whoever says what to log gets that.
fn quietly(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let says = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        argument.starts_with("--log-level") || argument.starts_with("--config")
    };
    let in_environment =
        ["PAPO_LOG_LEVEL", "PAPO_CONFIG"].iter().any(|name| std::env::var_os(name).is_some());
    if !in_environment && !arguments.iter().any(says) {
        arguments.push("--log-level=warn,kube_client=off,kube_runtime=off".into());
    }
    arguments
}

/// What is said without `--yes`.
const ONLY_SHOWN: &str = "Nothing was done. --yes does it.";

/// Why `--report` is of no use.
fn unwritable(folder: &Path, error: &std::io::Error) -> Stop {
    Stop::Usage(format!("--report {}: {error}", folder.display()))
}
