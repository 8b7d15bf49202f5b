//! `drill undo`.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use papo_service::Settings;
use papo_witness::{Timeline, View};

use super::Target;
use crate::conduct::Conductor;
use crate::connect::{Connection, Trouble};
use crate::hands::{Hands, NodeCommands};
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::lease;
use crate::members::Members;
use crate::names;
use crate::rights::{self, Right};
use crate::roster::Roster;
use crate::sight::Sight;
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
}

impl Settings for Undo {}

pub(super) fn run(arguments: Vec<OsString>) -> ExitCode {
    super::tool(arguments, async |settings: Undo| {
        let connection = settings.target.connect().await?;
        undo(&connection, settings.yes, settings.node_on).await
    })
}

/// See `drill undo --help`.
async fn undo(connection: &Connection, yes: bool, node_on: Option<String>) -> Result<Ending, Stop> {
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
    if !yes {
        println!("Nothing was done. --yes does it.");
        return Ok(Ending::Pass);
    }
    let release = journal.release().unwrap_or_default();
    let held = lease::take(connection, &release, &lease::holder()).await?;
    let left = conductor(connection, &release, node_on, &journal.entry.undo).await?.undo(&mut journal).await;
    if let Err(trouble) = held.release().await {
        tracing::warn!(%trouble, "the lease was not given back");
    }
    if left.is_empty() {
        println!("all of it is undone");
        return Ok(Ending::Pass);
    }
    Err(Stop::NotUndone(left.join("; ")))
}

async fn conductor(
    connection: &Connection,
    release: &str,
    node_on: Option<String>,
    steps: &[Step],
) -> Result<Conductor, Stop> {
    let about_pods = |step: &Step| {
        matches!(step, Step::Hook { .. } | Step::Exec { .. } | Step::Unstick { .. } | Step::Resize { .. })
    };
    let roster = Roster::watch(connection, release);
    if steps.iter().any(about_pods) && !roster.until(Duration::from_secs(10), |pods| !pods.is_empty()).await {
        return Err(Stop::NotUndone(Trouble::Away("the pods cannot be watched".to_owned()).to_string()));
    }
    let interrupt = Interrupt::on_signals().map_err(|error| Stop::Config(format!("signals: {error}")))?;
    Ok(Conductor {
        hands: Hands {
            connection: connection.clone(),
            roster: roster.clone(),
            nodes: NodeCommands { off: None, on: node_on },
            members: Members::of(connection, &roster),
        },
        sight: Sight { connection: connection.clone(), roster, view: Arc::new(View::default) },
        timeline: Timeline::start(),
        release: release.to_owned(),
        holder: names::LEASE.to_owned(),
        interrupt,
        duration: Duration::ZERO,
        undo_for: Conductor::UNDO,
    })
}
