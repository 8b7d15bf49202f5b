//! Whether a drill may begin: whether it may at all, whether all is well, and what it would do then. Changes nothing.

use std::time::{Duration, Instant};

use papo_witness::{Health, check_health};

use crate::connect::Connection;
use crate::discovery::Site;
use crate::faults::{Drill, LooksAt};
use crate::guards;
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::options::Options;
use crate::plan::Plan;
use crate::rights;
use crate::session::blocking;
use crate::snapshot::Snapshot;
use crate::stop::Stop;

/// Whether any drill may begin now.
///
/// # Errors
/// Rights are missing that every drill takes, or an earlier one is not undone.
pub async fn may_begin(connection: &Connection) -> Result<(), Stop> {
    rights::require(&connection.client, rights::to_drill(&connection.namespace)).await?;
    let Some(journal) = Journal::find(connection).await? else { return Ok(()) };
    let drill = &journal.entry.drill;
    Err(Stop::Refused(format!("an earlier drill ({drill}) is not undone; see `drill undo`")))
}

/// What a drill would do on what there is.
///
/// # Errors
/// [`Stop::Needs`] where that does not offer what it takes, or the options do not allow it.
pub fn plan(drill: &Drill, options: &Options, snapshot: &Snapshot) -> Result<Plan, Stop> {
    let plan = (drill.plan)(snapshot, options)?;
    guards::affordable(&plan, snapshot, options)?;
    Ok(plan)
}

/// Looks until all is well, for at most `settle`, and makes of what there is then whatever is to be made of it. That may find
/// something not to be well, too.
///
/// # Errors
/// All was not well at the end of it, or the cluster cannot be asked; and those of `make`.
pub async fn settled<T>(
    site: &Site,
    looks_at: LooksAt,
    settle: Duration,
    interrupt: &Interrupt,
    make: impl Fn(&Snapshot) -> Result<T, Stop>,
) -> Result<(T, Health), Stop> {
    let deadline = Instant::now() + settle;
    loop {
        let outcome = async {
            let health = health(site).await.map_err(Stop::NotHealthy)?;
            let snapshot = site.snapshot(health.view.clone(), looks_at).await?;
            guards::healthy(&snapshot)?;
            Ok((make(&snapshot)?, health))
        };
        match outcome.await {
            Err(Stop::NotHealthy(_)) if Instant::now() < deadline && !interrupt.is_raised() => {}
            outcome => return outcome,
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Whether all is well now; if not, why, in one sentence.
pub(crate) async fn health(site: &Site) -> Result<Health, String> {
    let reach = site.reach.clone();
    blocking(move || check_health(&reach, Duration::ZERO)).await.map_err(|flaw| flaw.to_string())
}
