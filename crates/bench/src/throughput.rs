//! Acknowledged writes a second, beside the echo limit.

use std::time::Duration;

use papo_service::Failure;
use papo_wire::request::{Body, Request};
use serde::Serialize;

use crate::Bench;
use crate::clients::{Plan, run};
use crate::echo::EchoLimit;
use crate::system::{CHANNEL, System};

/// One row of the table.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Throughput {
    /// How many clients at a time.
    pub(crate) clients: usize,
    /// Acknowledged writes a second.
    pub(crate) rate: f64,
    /// The same as a share of the echo limit.
    pub(crate) ratio: f64,
    /// Median time to an acknowledgement, in milliseconds.
    pub(crate) p50_ms: f64,
    /// The 99th percentile of it.
    pub(crate) p99_ms: f64,
    /// What the slowest client got, as a share of the mean.
    pub(crate) fairness: f64,
    /// Writes that were answered with an error.
    pub(crate) failed: u64,
}

/// Measures every number of clients.
pub(crate) fn measure(
    system: &System,
    bench: &Bench,
    echo: &[EchoLimit],
) -> Result<Vec<Throughput>, Failure> {
    let settings = &bench.settings;
    let mut rows = Vec::new();
    for (&clients, echo) in settings.clients.iter().zip(echo) {
        let payload = publish("alguém", settings.bytes);
        let plan = Plan {
            address: system.broker(),
            clients,
            warm_up: settings.duration / 5,
            duration: settings.duration,
            pause: Duration::ZERO,
            request: &|_, _| payload.clone(),
            accept: &mut |answer, _| is_ok(answer),
            enough: &|| false,
        };
        let run = run(bench, plan)?;
        rows.push(Throughput {
            clients,
            rate: run.rate,
            ratio: run.rate / echo.rate,
            p50_ms: run.latency.value_at_quantile(0.5) as f64 / 1e6,
            p99_ms: run.latency.value_at_quantile(0.99) as f64 / 1e6,
            fairness: run.fairness,
            failed: run.failed,
        });
    }
    Ok(rows)
}

/// A plain client's request to say something: no id, as old clients ask.
pub(crate) fn publish(user: &str, bytes: usize) -> Vec<u8> {
    let (user, channel, message) = (user.to_owned(), CHANNEL.to_owned(), "x".repeat(bytes));
    Request::new(Body::Publish { user, channel, message }).encode()
}

/// Whether an answer to a publish says that it is stored.
pub(crate) fn is_ok(answer: &[u8]) -> bool {
    const SAID: &[u8] = b"Mensagem publicada.";
    answer.windows(SAID.len()).any(|window| window == SAID)
}
