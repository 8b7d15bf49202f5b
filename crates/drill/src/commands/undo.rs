//! `drill undo`.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use papo_service::Settings;
use papo_witness::{Timeline, View};

use super::Target;
use crate::conditions::ConditionEvaluator;
use crate::connect::{Connection, Trouble};
use crate::executor::{Executor, NodeCommands};
use crate::injection::Injector;
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::lease;
use crate::members::Members;
use crate::names;
use crate::plan::rights_of;
use crate::pod_watch::PodWatch;
use crate::rights::{self, Right};
use crate::step::Step;
use crate::stop::{Ending, Stop};

/// Undoes what a drill left behind that died, as its journal in the cluster says.
///
/// Without --yes it only shows what it would do. Commands for nodes are never taken from the journal, which others may be able to
/// write: give --node-on.
///
/// Exit codes: 0 nothing is left, 4 refused (a drill is being held), 5 not everything could be undone, 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "drill undo", version)]
struct Undo {
    #[command(flatten)]
    target: Target,
    /// Do it, instead of only showing it
    #[arg(long)]
    yes: bool,
    /// Command that brings a node back, with {node} for its name
    #[arg(long, value_name = "COMMAND")]
    node_on: Option<String>,
    /// How long it is tried, while the API server is away or a container is down
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = papo_service::duration)]
    patience: Duration,
}

impl Settings for Undo {}

pub(super) fn run(arguments: Vec<OsString>) -> ExitCode {
    super::tool(arguments, async |settings: Undo| {
        let connection = settings.target.connect().await?;
        undo(&connection, &settings).await
    })
}

/// See `drill undo --help`.
async fn undo(connection: &Connection, settings: &Undo) -> Result<Ending, Stop> {
    let namespace = &connection.namespace;
    let look =
        ["get", "create", "update", "delete"].map(|verb| Right::new(namespace, "", "configmaps", verb));
    rights::require(&connection.client, look.into()).await?;
    let Some(mut journal) =
        Journal::read(connection).await.map_err(|trouble| Stop::NotUndone(trouble.to_string()))?
    else {
        println!("nothing is left to undo in namespace {namespace}");
        return Ok(Ending::Pass);
    };
    let entry = &journal.entry;
    println!("{} of {} by {} left this to undo:", entry.drill, entry.written, entry.holder);
    entry.undo.iter().for_each(|step| println!("- {step}"));
    if !settings.yes {
        println!("{}", super::ONLY_SHOWN);
        return Ok(Ending::Pass);
    }
    rights::require(&connection.client, needed(&entry.undo, connection)).await?;
    let release = journal.release().unwrap_or_default();
    let held = lease::take(connection, &release, &lease::holder()).await?;
    let left = match injector(connection, &release, settings, &journal.entry.undo).await {
        Ok(injector) => Ok(injector.undo(&mut journal).await),
        Err(stop) => Err(stop),
    };
    if let Err(trouble) = held.release().await {
        tracing::warn!(%trouble, "the lease was not given back");
    }
    let left = left?;
    if left.is_empty() {
        println!("all of it is undone");
        return Ok(Ending::Pass);
    }
    Err(Stop::NotUndone(left.join("; ")))
}

async fn injector(
    connection: &Connection,
    release: &str,
    settings: &Undo,
    steps: &[Step],
) -> Result<Injector, Stop> {
    let pod_watch = PodWatch::start(connection, release);
    if steps.iter().any(about_pods)
        && !pod_watch.until(Duration::from_secs(10), |pods| !pods.is_empty()).await
    {
        return Err(Stop::NotUndone(Trouble::Away("the pods cannot be watched".to_owned()).to_string()));
    }
    let interrupt = Interrupt::on_signals().map_err(|error| Stop::Config(format!("signals: {error}")))?;
    Ok(Injector {
        executor: Executor {
            connection: connection.clone(),
            pod_watch: pod_watch.clone(),
            nodes: NodeCommands { off: None, on: settings.node_on.clone() },
            members: Members::of(connection, &pod_watch),
        },
        conditions: ConditionEvaluator {
            connection: connection.clone(),
            pod_watch,
            view: Arc::new(View::default),
        },
        timeline: Timeline::start(),
        release: release.to_owned(),
        holder: names::LEASE.to_owned(),
        interrupt,
        duration: Duration::ZERO,
        undo_for: settings.patience,
    })
}

fn about_pods(step: &Step) -> bool {
    matches!(step, Step::Hook { .. } | Step::Exec { .. } | Step::Unstick { .. } | Step::Resize { .. })
}

/// What undoing takes: found missing half-way, it would leave half of it undone.
fn needed(steps: &[Step], connection: &Connection) -> Vec<Right> {
    let namespace = &connection.namespace;
    let pods = |resource: &str, verbs: [&str; 2]| verbs.map(|verb| Right::new(namespace, "", resource, verb));
    let mut rights: Vec<Right> = steps.iter().flat_map(|step| rights_of(step, namespace)).collect();
    let leases = ["get", "create", "update"];
    rights.extend(leases.map(|verb| Right::new(namespace, "coordination.k8s.io", "leases", verb)));
    if steps.iter().any(about_pods) {
        rights.extend(pods("pods", ["list", "watch"]));
    }
    let reaches_in = |step: &Step| matches!(step, Step::Hook { .. } | Step::Resize { .. });
    if steps.iter().any(reaches_in) && !connection.inside {
        rights.extend(pods("pods/portforward", ["get", "create"]));
    }
    rights
}
