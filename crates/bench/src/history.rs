//! Long histories: a page of one, and an empty servidor that has to learn it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use papo_processes::until;
use papo_service::Failure;
use papo_wire::reply::{Answer, Reply};
use papo_wire::request::{Body, Conversation, Page, Request};
use serde::Serialize;

use crate::clients::{Plan, run};
use crate::settings::BenchSettings;
use crate::system::{CHANNEL, System};
use crate::throughput::{is_ok, publish};

/// How many clients fill the channel.
const FILLERS: usize = 256;
/// How long an empty servidor is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// Reading pages of 50, asked of a servidor itself.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Pages {
    /// Messages in the channel.
    pub(crate) messages: u64,
    /// Median time to a page, in milliseconds.
    pub(crate) p50_ms: f64,
    /// The 99th percentile.
    pub(crate) p99_ms: f64,
}

/// An empty servidor that learned everything while the others served.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct CatchUp {
    /// Entries of the log.
    pub(crate) entries: u64,
    /// From its start until it counted again, in seconds.
    pub(crate) seconds: f64,
}

/// Says things until the channel is long enough.
pub(crate) fn fill(system: &System, settings: &BenchSettings) -> Result<(), Failure> {
    let payload = publish("alguém", settings.bytes);
    let applied = || system.cluster.status("servidor-1").map_or(0, |status| status.applied);
    while applied() < settings.messages {
        eprintln!("papo bench: filling the channel, {} of {} messages", applied(), settings.messages);
        let run = run(Plan {
            address: system.broker(),
            clients: FILLERS,
            warm_up: Duration::ZERO,
            duration: Duration::from_secs(10),
            pause: Duration::ZERO,
            request: &|_, _| payload.clone(),
            accept: &mut |answer, _| is_ok(answer),
        })?;
        if run.rate == 0.0 {
            return Err(Failure::failed("the system stopped answering while the channel was filled"));
        }
    }
    Ok(())
}

pub(crate) fn measure(system: &mut System, settings: &BenchSettings) -> Result<Pages, Failure> {
    let follower = system.cluster.follower();
    let last = system.cluster.status(&follower).map_or(1, |status| status.applied);
    let conversation = Conversation::Channel(CHANNEL.to_owned());
    // Anywhere in the channel, spread by a multiplicative step.
    let request = |_: usize, n: u64| {
        let before = 100 + (n.wrapping_mul(2_654_435_761) % last.max(101));
        let page = Page::Before(before);
        Request::new(Body::History { conversation: conversation.clone(), page, limit: 50 }).encode()
    };
    let run = run(Plan {
        address: SocketAddr::from(([127, 0, 0, 1], system.cluster.servidor_port(&follower))),
        clients: 1,
        warm_up: Duration::from_millis(500),
        duration: settings.duration,
        pause: Duration::ZERO,
        request: &request,
        accept: &mut |answer, _| matches!(Reply::decode(answer), Ok(Reply { answer: Ok(Answer::History(page)), .. }) if !page.messages.is_empty()),
    })?;
    if run.failed > 0 {
        return Err(Failure::failed(format!("{} pages were not answered", run.failed)));
    }
    Ok(Pages {
        messages: last,
        p50_ms: run.latency.value_at_quantile(0.5) as f64 / 1e6,
        p99_ms: run.latency.value_at_quantile(0.99) as f64 / 1e6,
    })
}

pub(crate) fn catch_up(system: &mut System) -> Result<CatchUp, Failure> {
    let cluster = &mut system.cluster;
    let name = cluster.follower();
    let entries = cluster.status(&name).map_or(0, |status| status.applied);
    cluster.kill9(&name);
    cluster.wipe_data(&name);
    let start = Instant::now();
    cluster.restart(&name);
    until("the empty servidor counts again", PATIENCE, || {
        let status = cluster.status(&name)?;
        (status.applied >= entries && status.role == "follower").then_some(())
    });
    Ok(CatchUp { entries, seconds: start.elapsed().as_secs_f64() })
}
