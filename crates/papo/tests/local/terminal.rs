//! `papo local` at a terminal, as `make run` leaves a person with it.

use std::path::Path;
use std::process::Command;

use papo_processes::Terminal;
use serde_json::json;
use tempfile::TempDir;

use super::{Local, PATIENCE, lowest_port};

/// A `papo local` with its client.
fn start(home: &TempDir, lowest: u16) -> Terminal {
    // A terminal that is its own, so that Ctrl-C is a signal to all that are in its foreground.
    let mut papo = Command::new("setsid");
    papo.args(["--ctty", env!("CARGO_BIN_EXE_papo"), "local"])
        .arg(format!("--ports={lowest}"))
        .arg(format!("--data={}", home.path().join("data").display()))
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TERM", "xterm");
    Terminal::start(papo, PATIENCE)
}

/// A person says something, and ends it with `leave`: everything is stopped, and what was said is there next time.
fn say_and_leave(leave: &str) {
    let home = tempfile::tempdir().expect("a directory");
    let lowest = lowest_port();
    let mut terminal = start(&home, lowest);
    terminal.see("Papo is running after");
    terminal.see("login> ");
    terminal.type_in("ana\r");
    terminal.see("ana> ");
    terminal.type_in("canal geral\r");
    terminal.see("ana@#geral> ");
    terminal.type_in("bom dia\r");
    terminal.see("✓");
    terminal.type_in(leave);
    let status = terminal.end();
    assert!(status.success(), "{status}; there was {:?}", terminal.seen());
    assert!(terminal.seen().contains("papo: stopping"), "{:?}", terminal.seen());
    assert!(!terminal.seen().contains("is killed"), "somebody did not stop by itself: {:?}", terminal.seen());

    let mut local = Local::new(&home, lowest, &[]);
    assert!(local.is_silent(), "something was left running");
    assert!(!Path::new(&local.data).join("processes.json").exists(), "a stopped system has no processes");
    local.start();
    let answer = local.ask("history", &json!({"channel": "geral"}));
    assert_eq!(answer.data["messages"][0]["message"], "bom dia", "{answer:?}");
    local.stop();
}

#[test]
fn sair_stops_everything_and_the_data_is_there_next_time() {
    say_and_leave("sair\r");
}

#[test]
fn ctrl_c_in_the_client_stops_everything_and_the_data_is_there_next_time() {
    say_and_leave("\x03");
}
