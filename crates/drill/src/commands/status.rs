//! `drill status`.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use papo_service::{Settings, columns};
use papo_witness::{Timeline, View, Watch};

use super::Target;
use crate::discovery::Site;
use crate::faults::LooksAt;
use crate::journal::Journal;
use crate::lease;
use crate::names::component;
use crate::snapshot::Snapshot;
use crate::stop::{Ending, Stop};

/// How long servidores get to answer.
const ANSWERS: Duration = Duration::from_secs(3);

/// What there is in the cluster, who coordinates, and whether a drill could begin. Changes nothing.
///
/// Exit codes: 0 a drill could begin, 3 the system is not healthy, 4 something is in the way, 64 usage, 78 configuration.
#[derive(clap::Parser)]
#[command(name = "drill status", version)]
struct Status {
    #[command(flatten)]
    target: Target,
}

impl Settings for Status {}

pub(super) fn run(arguments: Vec<OsString>) -> ExitCode {
    super::tool(arguments, async |settings: Status| show(&settings.target.site().await?).await)
}

async fn show(site: &Site) -> Result<Ending, Stop> {
    let snapshot = site.snapshot(view(site).await?, LooksAt::Hooks).await?;
    println!("release {} in namespace {}", snapshot.release, snapshot.namespace);
    print!("{}", table(&snapshot));
    let mut ending = Ending::Pass;
    for complaint in snapshot.complaints() {
        println!("not well: {complaint}");
        ending = Ending::NotHealthy;
    }
    if let Some(holder) =
        lease::current(&site.connection).await.map_err(|trouble| Stop::Config(trouble.to_string()))?
    {
        println!("a drill is being held by {holder}");
        ending = Ending::Refused;
    }
    if let Some(journal) = Journal::find(&site.connection).await? {
        let entry = &journal.entry;
        println!("not undone: {} of {} by {}; see `drill undo`", entry.drill, entry.written, entry.holder);
        ending = Ending::Refused;
    }
    if ending == Ending::Pass {
        println!(
            "a drill could begin; {} of {} servidores may be lost",
            snapshot.minority(),
            snapshot.servidores()
        );
    }
    Ok(ending)
}

async fn view(site: &Site) -> Result<View, Stop> {
    let watch =
        Watch::start(&site.reach, &Timeline::start()).map_err(|error| Stop::Config(error.to_string()))?;
    let deadline = Instant::now() + ANSWERS;
    loop {
        let view = watch.seen().view;
        let all = view.answering().count() == site.reach.servidores.len();
        if all || Instant::now() >= deadline {
            return Ok(view);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn table(snapshot: &Snapshot) -> String {
    let rows = snapshot.pods.iter().map(|pod| {
        let state = match (pod.leaving, pod.ready, &pod.waiting) {
            (true, ..) => "leaving",
            (_, true, _) => "ready",
            (_, _, Some(why)) => why,
            _ => "not ready",
        };
        let status = snapshot.view.servidores.get(&pod.name).and_then(Option::as_ref);
        let role = status.map(|status| format!("{} at {}", status.role.as_str(), status.applied));
        let hooks = snapshot.hooks.contains_key(&pod.name).then_some("hooks");
        let silent = (pod.component == component::SERVIDOR).then(|| "does not answer".to_owned());
        [
            pod.name.clone(),
            pod.node.clone().unwrap_or_default(),
            state.to_owned(),
            role.or(silent).unwrap_or_default(),
            hooks.unwrap_or_default().to_owned(),
        ]
    });
    columns(rows).lines().map(|line| format!("  {line}\n")).collect()
}
