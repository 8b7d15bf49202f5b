//! The interactive client.
//!
//! * [`command`], [`complete`]: what is typed, and what it may become.
//! * [`controller`]: who is logged in, where they talk, what is still to be answered; between the person and `papo-client`.
//! * [`output`]: how it is told, to people or to programs, with nothing in it that could harm a terminal.
//! * [`terminal`]: where lines come from and texts go, so that arriving ones never tear the line being typed.
//! * [`state`]: what survives a restart.
//! * [`app`]: the threads that these run on.
//!
//! Not done: one client is one user at a time, and what was sent but not answered when it ends is not tried again by the next
//! run (though it may have been stored; then the next run shows it).

mod app;
mod command;
mod complete;
mod controller;
mod output;
mod settings;
mod signals;
mod state;
mod terminal;

use std::ffi::OsString;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    // A log line in the middle of the screen would tear the line being typed; what matters is told there anyway.
    let chosen = arguments.iter().any(|argument| argument.to_string_lossy().starts_with("--log-level"))
        || std::env::var_os("PAPO_LOG_LEVEL").is_some();
    if terminal::is_terminal() && stderr().is_terminal() && !chosen {
        arguments.push("--log-level=off".into());
    }
    papo_service::run_tool_from(arguments, app::run)
}
