//! What every process of Papo shares: settings, logs, metrics, health, shutdown and exit codes.
//!
//! A binary declares its settings once, as a `clap` struct, and hands [`run`] the function that does the work.
//! Everything around that function is here, so that six services are configured, watched and stopped alike:
//!
//! ```no_run
//! use papo_service::{Boot, Failure, Settings};
//!
//! /// Repeats what it hears.
//! #[derive(clap::Parser)]
//! #[command(name = "echo", version)]
//! struct Echo {
//!     /// Port to listen on.
//!     #[arg(long, value_name = "PORT", default_value_t = 5557)]
//!     port: u16,
//! }
//!
//! impl Settings for Echo {}
//!
//! fn serve(boot: Boot<Echo>) -> Result<(), Failure> {
//!     boot.health.set_started();
//!     boot.health.set_ready();
//!     boot.shutdown.wait();
//!     Ok(())
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     papo_service::run(serve)
//! }
//! ```
//!
//! That binary takes `--port`, `PAPO_PORT` and `port:` of the YAML file named by `--config` (in that order), serves
//! `/livez`, `/readyz`, `/startupz` and `/metrics` on `--http`, and ends with a code that says what went wrong.
//!
//! With drill hooks enabled ([`drill`]), the process is two: see there.
//!
//! Not done here: no socket of the chat's own (see `papo-transport`), no reloading of settings while running, and no
//! protection of the HTTP port, which is meant for the cluster's inside.

mod columns;
pub mod drill;
mod duration;
mod exit;
mod health;
mod http;
mod logging;
mod metrics;
mod process;
mod program;
mod settings;
mod shutdown;
mod signals;
mod sparing;

pub use columns::columns;
pub use duration::duration;
pub use exit::{Exit, Failure};
pub use health::{Health, Pulse};
pub use metrics::Metrics;
pub use program::{Boot, run, run_tool, run_tool_from};
pub use settings::{Mistake, Settings};
pub use shutdown::Shutdown;
pub use sparing::{Line, Sparing};
