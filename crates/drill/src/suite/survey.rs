//! Which drills of the built-in suite an install can stand: looked at once, before the first is held.
//!
//! Not done here: foreseeing what becomes different meanwhile. Each drill looks again when its turn comes, and what it
//! lacks then is a failure.

use std::time::Duration;

use crate::connect::Connection;
use crate::discovery::Site;
use crate::faults::LooksAt;
use crate::interrupt::Interrupt;
use crate::options::Options;
use crate::preflight::{plan, settled};
use crate::rights::{self, Right};
use crate::snapshot::Snapshot;
use crate::stop::Stop;

use super::{NotHeld, Suite};

/// Takes out of the suite what this install does not offer, or this account may not do.
///
/// # Errors
/// The install is not well within `settle`, or cannot be asked.
pub async fn survey(
    suite: &mut Suite,
    site: &Site,
    base: &Options,
    interrupt: &Interrupt,
    settle: Duration,
) -> Result<(), Stop> {
    let (snapshot, _) =
        settled(site, LooksAt::Everything, settle, interrupt, |snapshot| Ok(snapshot.clone())).await?;
    sort_out(suite, &site.connection, base, &snapshot).await
}

/// The same by what was seen of the install before.
///
/// # Errors
/// The API server does not say which rights there are.
pub async fn sort_out(
    suite: &mut Suite,
    connection: &Connection,
    base: &Options,
    snapshot: &Snapshot,
) -> Result<(), Stop> {
    let mut held = Vec::new();
    for one in std::mem::take(&mut suite.drills) {
        let plan = plan(one.drill, &one.options(base), snapshot);
        let outcome = match plan {
            Ok(plan) => {
                let mut needed = plan.rights(&connection.namespace);
                if one.drill.looks_at == LooksAt::Policies {
                    needed.push(Right::new(
                        &connection.namespace,
                        "networking.k8s.io",
                        "networkpolicies",
                        "list",
                    ));
                }
                rights::require(&connection.client, needed).await
            }
            Err(stop) => Err(stop),
        };
        match outcome {
            Ok(()) => held.push(one),
            // It may pass until its turn comes.
            Err(Stop::NotHealthy(_)) => held.push(one),
            Err(stop) => match stop.need() {
                Some(needs) => suite.not_held.push(NotHeld { drill: one.drill.name, needs }),
                None => return Err(stop),
            },
        }
    }
    suite.drills = held;
    Ok(())
}
