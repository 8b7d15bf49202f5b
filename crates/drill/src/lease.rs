//! Two drills never meet: whoever holds the Lease drills, and renews it for as long as it does.
//!
//! Not done here: agreeing on the time. A holder that died is succeeded once its lease is over by this machine's clock; clocks that
//! differ by more than the lease's length would mislead that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::api::PostParams;
use tokio::task::JoinHandle;

use crate::api_call::{ApiCall, Verb};
use crate::connect::{Connection, Trouble, asked};
use crate::names;
use crate::stop::Stop;

/// How long a lease lasts without being renewed.
const LENGTH: SignedDuration = SignedDuration::from_secs(30);
/// How often it is renewed.
const PERIOD: Duration = Duration::from_secs(8);

/// The lease, held. Dropping it stops the renewal; it is then free once its time is over, or at once after [`Held::release`].
#[derive(Debug)]
pub struct Held {
    leases: Api<Lease>,
    holder: String,
    signs: Arc<Signs>,
    renewal: JoinHandle<()>,
}

/// What the renewal noticed.
#[derive(Debug, Default)]
struct Signs {
    lost: AtomicBool,
    away: AtomicBool,
}

/// A name for this process that no other drill has.
pub fn holder() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{host}/{}-{:08x}", std::process::id(), fastrand::u32(..))
}

/// The request that would take the lease now.
///
/// # Errors
/// [`Stop::Refused`] when another drill holds it, [`Stop::Config`] when the server does not say.
pub async fn request(connection: &Connection, release: &str, holder: &str) -> Result<ApiCall, Stop> {
    let leases = leases(connection);
    let there = asked(leases.get_opt(names::LEASE)).await.map_err(|trouble| unavailable(&trouble))?;
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", connection.namespace);
    let call = |verb, path, lease: &Lease| {
        let body = serde_json::to_value(lease).expect("a Lease is plain JSON");
        ApiCall { verb, path, body }
    };
    let Some(lease) = there else { return Ok(call(Verb::Create, path, &fresh(release, holder))) };
    if let Some(other) = holder_now(&lease) {
        return Err(Stop::Refused(format!("another drill runs in this namespace, started by {other}")));
    }
    // The resource version goes along: of two that find it free, one fails.
    Ok(call(Verb::Replace, format!("{path}/{}", names::LEASE), &held(lease, holder)))
}

/// Takes the lease.
///
/// # Errors
/// As [`request`], and when the server does not let it be taken.
pub async fn take(connection: &Connection, release: &str, holder: &str) -> Result<Held, Stop> {
    take_and_renew(connection, release, holder, PERIOD).await
}

/// The same, renewed every so often: for tests, which do not wait as long.
///
/// # Errors
/// As [`take`].
pub async fn take_and_renew(
    connection: &Connection,
    release: &str,
    holder: &str,
    every: Duration,
) -> Result<Held, Stop> {
    let call = request(connection, release, holder).await?;
    match asked(connection.client.request::<Lease>(call.request(false))).await {
        Ok(_) => Ok(Held::renewed(leases(connection), holder, every)),
        Err(Trouble::Conflict(_)) => {
            Err(Stop::Refused("another drill started in this namespace at the same moment".to_owned()))
        }
        Err(trouble) => Err(unavailable(&trouble)),
    }
}

/// Who holds the lease of a namespace now, if anybody.
pub async fn current(connection: &Connection) -> Result<Option<String>, Trouble> {
    Ok(asked(leases(connection).get_opt(names::LEASE)).await?.as_ref().and_then(holder_now))
}

impl Held {
    fn renewed(leases: Api<Lease>, holder: &str, every: Duration) -> Self {
        let signs = Arc::new(Signs::default());
        let renewal = tokio::spawn(renew(leases.clone(), holder.to_owned(), every, Arc::clone(&signs)));
        Self { leases, holder: holder.to_owned(), signs, renewal }
    }

    /// Whether somebody else took it.
    pub fn is_lost(&self) -> bool {
        self.signs.lost.load(Ordering::Relaxed)
    }

    /// Whether the API server could not be reached at some time since.
    pub fn was_cut_off(&self) -> bool {
        self.signs.away.load(Ordering::Relaxed)
    }

    /// Gives it back, so that the next drill need not wait.
    pub async fn release(self) -> Result<(), Trouble> {
        self.renewal.abort();
        let Some(mut lease) = asked(self.leases.get_opt(names::LEASE)).await? else { return Ok(()) };
        if holder_now(&lease).as_deref() != Some(self.holder.as_str()) {
            return Ok(());
        }
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
        }
        asked(self.leases.replace(names::LEASE, &PostParams::default(), &lease)).await.map(drop)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

fn leases(connection: &Connection) -> Api<Lease> {
    Api::namespaced(connection.client.clone(), &connection.namespace)
}

async fn renew(leases: Api<Lease>, holder: String, every: Duration, signs: Arc<Signs>) {
    loop {
        tokio::time::sleep(every).await;
        let renewed = async {
            let lease = asked(leases.get(names::LEASE)).await?;
            if holder_now(&lease).is_some_and(|now| now != holder) {
                return Err(Trouble::Conflict("somebody else has it".to_owned()));
            }
            asked(leases.replace(names::LEASE, &PostParams::default(), &held(lease, &holder))).await
        };
        match renewed.await {
            Ok(_) => {}
            Err(trouble @ Trouble::Away(_)) => {
                // Told once: it is tried again and again.
                if !signs.away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%trouble, "the lease was not renewed");
                }
            }
            Err(trouble) => {
                tracing::warn!(%trouble, "the lease is lost");
                signs.lost.store(true, Ordering::Relaxed);
                return;
            }
        }
    }
}

fn fresh(release: &str, holder: &str) -> Lease {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let metadata = ObjectMeta {
        name: Some(names::LEASE.to_owned()),
        labels: Some(
            [
                label(names::NAME_LABEL, names::NAME),
                label(names::INSTANCE_LABEL, release),
                label(names::COMPONENT_LABEL, names::component::DRILL),
            ]
            .into(),
        ),
        ..ObjectMeta::default()
    };
    held(Lease { metadata, ..Lease::default() }, holder)
}

fn held(mut lease: Lease, holder: &str) -> Lease {
    let now = MicroTime(Timestamp::now());
    let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
    if spec.holder_identity.as_deref() != Some(holder) {
        spec.holder_identity = Some(holder.to_owned());
        spec.acquire_time = Some(now.clone());
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0) + 1);
    }
    spec.lease_duration_seconds = Some(i32::try_from(LENGTH.as_secs()).unwrap_or(i32::MAX));
    spec.renew_time = Some(now);
    lease
}

/// Who holds it, if its time is not over.
fn holder_now(lease: &Lease) -> Option<String> {
    let spec = lease.spec.as_ref()?;
    let holder = spec.holder_identity.clone().filter(|holder| !holder.is_empty())?;
    let length = SignedDuration::from_secs(spec.lease_duration_seconds.unwrap_or(0).into());
    let over = spec.renew_time.as_ref()?.0.saturating_add(length).ok()?;
    (Timestamp::now() < over).then_some(holder)
}

fn unavailable(trouble: &Trouble) -> Stop {
    Stop::Config(format!("the lease cannot be taken: {trouble}"))
}
