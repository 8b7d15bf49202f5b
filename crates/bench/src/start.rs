//! How long `papo local` takes until it serves.

use std::time::{Duration, Instant};

use papo_processes::{Asker, Error, Service, free_ports, wait_for};
use papo_service::Failure;
use serde_json::json;

use crate::Bench;

/// How many ports `papo local` takes with three servidores, from its lowest on.
const PORTS: u16 = 60;
/// Where clients ask, above the lowest port.
const CLIENTS: u16 = 2;
/// How long one question may take before it is asked again, under the same id.
const ATTEMPT: Duration = Duration::from_millis(250);
/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// From starting `papo local` on an empty directory until a client was answered that its first write is stored, in seconds.
pub(crate) fn measure(bench: &Bench) -> Result<f64, Failure> {
    let home = tempfile::Builder::new().prefix("papo-bench-").tempdir_in(&bench.settings.dir)?;
    let lowest = free_ports(PORTS)?;
    let arguments = vec![
        "local".to_owned(),
        "--no-client".to_owned(),
        format!("--ports={lowest}"),
        format!("--data={}", home.path().join("data").display()),
    ];
    let mut local = Service::new("papo local", "papo", arguments, home.path().join("papo.log"))?;
    let login = json!({"user": "primeira", "request_id": "bench-start"});
    let mut asker = Asker::new(lowest + CLIENTS);
    let began = Instant::now();
    local.start()?;
    wait_for("papo local answers a client", PATIENCE, || {
        if let Some(ended) = local.ended()? {
            return Err(Error::Died { name: "papo local".to_owned(), ended, tail: local.log_tail(20) });
        }
        Ok(asker.try_ask("login", &login, ATTEMPT)?.filter(|answer| answer.is_ok()))
    })?;
    let took = began.elapsed().as_secs_f64();
    local.terminate()?;
    Ok(took)
}
