//! Long histories: a page of one, and an empty servidor that has to learn it.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use papo_processes::{Error, wait_for};
use papo_service::Failure;
use papo_wire::reply::{Answer, Reply};
use papo_wire::request::{Body, Conversation, Page, Request};
use serde::Serialize;

use crate::Bench;
use crate::clients::{Plan, Run, run};
use crate::system::{CHANNEL, System, at};
use crate::throughput::{is_ok, publish};

/// How many clients fill the channel.
const FILLERS: usize = 256;
/// How many clients go on while an empty servidor learns.
const OTHERS: usize = 16;
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
    /// Entries of the log when it began.
    pub(crate) entries: u64,
    /// From its start until it counted again, in seconds.
    pub(crate) seconds: f64,
    /// How many clients wrote meanwhile.
    pub(crate) clients: usize,
    /// Their acknowledged writes a second.
    pub(crate) rate: f64,
    /// The longest that one of them waited for an answer, in milliseconds.
    pub(crate) slowest_ms: f64,
    /// Their writes that were answered with an error.
    pub(crate) failed: u64,
}

/// Says things until the channel is long enough.
pub(crate) fn fill(system: &System, bench: &Bench) -> Result<(), Failure> {
    let payload = publish("alguém", bench.settings.bytes);
    loop {
        let there = system.status("servidor-1")?.map_or(0, |status| status.applied);
        let missing = bench.settings.messages.saturating_sub(there);
        if missing == 0 {
            return Ok(());
        }
        eprintln!("papo bench: filling the channel, {there} of {} messages", bench.settings.messages);
        let stored = Cell::new(0);
        let plan = Plan {
            address: system.broker(),
            clients: FILLERS,
            warm_up: Duration::ZERO,
            duration: Duration::from_secs(10),
            pause: Duration::ZERO,
            request: &|_, _| payload.clone(),
            accept: &mut |answer, _| {
                let ok = is_ok(answer);
                stored.set(stored.get() + u64::from(ok));
                ok
            },
            enough: &|| stored.get() >= missing,
        };
        let run = run(bench, plan)?;
        if stored.get() == 0 {
            let failed = run.failed;
            let text =
                format!("nothing was stored any more while the channel was filled; {failed} answers said no");
            return Err(Failure::failed(text));
        }
    }
}

pub(crate) fn measure(system: &mut System, bench: &Bench) -> Result<Pages, Failure> {
    let follower = system.follower()?;
    let last = system.status(&follower)?.map_or(1, |status| status.applied);
    let conversation = Conversation::Channel(CHANNEL.to_owned());
    // Anywhere in the channel, spread by a multiplicative step.
    let request = |_: usize, n: u64| {
        let before = 100 + (n.wrapping_mul(2_654_435_761) % last.max(101));
        let page = Page::Before(before);
        Request::new(Body::History { conversation: conversation.clone(), page, limit: 50 }).encode()
    };
    let is_page = |answer: &[u8]| {
        let reply = Reply::decode(answer).ok().and_then(|reply| reply.answer.ok());
        matches!(reply, Some(Answer::History(page)) if !page.messages.is_empty())
    };
    let plan = Plan {
        address: at(system.servidor_port(&follower)?),
        clients: 1,
        warm_up: bench.settings.duration.min(Duration::from_millis(500)),
        duration: bench.settings.duration,
        pause: Duration::ZERO,
        request: &request,
        accept: &mut |answer, _| is_page(answer),
        enough: &|| false,
    };
    let run = run(bench, plan)?;
    if run.failed > 0 {
        return Err(Failure::failed(format!("{} pages were not answered", run.failed)));
    }
    Ok(Pages {
        messages: last,
        p50_ms: run.latency.value_at_quantile(0.5) as f64 / 1e6,
        p99_ms: run.latency.value_at_quantile(0.99) as f64 / 1e6,
    })
}

pub(crate) fn catch_up(system: &mut System, bench: &Bench) -> Result<CatchUp, Failure> {
    let name = system.follower()?;
    let entries = system.status(&name)?.map_or(0, |status| status.applied);
    let (broker, learned) = (system.broker(), AtomicBool::new(false));
    let payload = publish("alguém", bench.settings.bytes);
    let (run, seconds) = thread::scope(|scope| {
        let others = scope.spawn(|| -> Result<Run, Failure> {
            let plan = Plan {
                address: broker,
                clients: OTHERS,
                warm_up: Duration::ZERO,
                duration: PATIENCE,
                pause: Duration::ZERO,
                request: &|_, _| payload.clone(),
                accept: &mut |answer, _| is_ok(answer),
                enough: &|| learned.load(Ordering::Relaxed),
            };
            run(bench, plan)
        });
        let seconds = learn(system, bench, &name, entries);
        learned.store(true, Ordering::Relaxed);
        (others.join().expect("a panic has ended the process"), seconds)
    });
    let (run, seconds) = (run?, seconds?);
    Ok(CatchUp {
        entries,
        seconds,
        clients: OTHERS,
        rate: run.rate,
        slowest_ms: run.latency.max() as f64 / 1e6,
        failed: run.failed,
    })
}

/// How long a servidor takes to learn as many entries from the others as it had, in seconds.
fn learn(system: &mut System, bench: &Bench, name: &str, entries: u64) -> Result<f64, Failure> {
    system.kill9(name)?;
    system.wipe_data(name)?;
    let start = Instant::now();
    system.service_mut(name)?.start()?;
    wait_for("the empty servidor counts again", PATIENCE, || {
        if bench.shutdown.is_requested() {
            return Ok(Some(()));
        }
        if let Some(ended) = system.service_mut(name)?.ended()? {
            return Err(Error::Died {
                name: name.to_owned(),
                ended,
                tail: system.service(name)?.log_tail(20),
            });
        }
        let counts = system.status(name)?.filter(|s| s.applied >= entries && s.role == "follower");
        Ok(counts.map(drop))
    })?;
    bench.go_on()?;
    Ok(start.elapsed().as_secs_f64())
}
