//! `papo local` and the tools that look after a running system, with the real services.
//!
//! Needs every service's binary beside this test: `cargo build --workspace --bins`.

mod terminal;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use papo_processes::{Answer, Asker, Ended, Process, free_ports, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A `papo local` without a client.
struct Local {
    papo: Process,
    data: PathBuf,
    lowest: u16,
}

impl Local {
    fn new(home: &TempDir, lowest: u16, more: &[&str]) -> Self {
        let data = home.path().join("data");
        let mut arguments = vec![
            "local".to_owned(),
            "--no-client".to_owned(),
            format!("--ports={lowest}"),
            format!("--data={}", data.display()),
        ];
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        let papo = Process::new("papo", "papo", arguments, home.path().join(format!("papo-{lowest}.log")));
        Self { papo, data, lowest }
    }

    fn start(&mut self) {
        // The log is one file for all runs.
        let before = self.starts();
        self.papo.start();
        until("the system is running", PATIENCE, || {
            assert!(self.papo.ended().is_none(), "papo ended: {}", self.log());
            (self.starts() > before).then_some(())
        });
    }

    fn starts(&self) -> usize {
        self.papo.log_tail(1000).matches("Papo is running").count()
    }

    /// Tells papo itself something.
    fn signal(&self, signal: Signal) {
        let pid = self.papo.pid().expect("it runs");
        let pid = Pid::from_raw(i32::try_from(pid).expect("a process id")).expect("not 0");
        kill_process(pid, signal).expect("it is there");
    }

    fn stop(&mut self) {
        assert_eq!(self.papo.terminate(), Ended::Exited(0), "{}", self.log());
    }

    fn log(&self) -> String {
        self.papo.log_tail(50)
    }

    fn broker(&self) -> String {
        format!("--broker=127.0.0.1:{}", self.lowest + 2)
    }

    fn ask(&self, service: &str, data: &Value) -> Answer {
        let mut asker = Asker::new(self.lowest + 2);
        asker.ask(service, data, PATIENCE).unwrap_or_else(|| panic!("no answer to {service}"))
    }

    fn pid(&self, name: &str) -> Option<u32> {
        let text = fs::read(self.data.join("processes.json")).ok()?;
        let processes: Vec<Value> = serde_json::from_slice(&text).expect("JSON, always whole");
        let process = processes.iter().find(|process| process["name"] == name)?;
        process["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
    }

    /// Whether nothing of it listens any more.
    fn is_silent(&self) -> bool {
        [0, 1, 2, 3, 5, 25, 35, 45]
            .iter()
            .all(|above| TcpListener::bind(("127.0.0.1", self.lowest + above)).is_ok())
    }
}

/// The lowest of as many free ports as a system with three servidores takes.
fn lowest_port() -> u16 {
    free_ports(60).expect("free ports")
}

fn papo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_papo")).args(arguments).output().expect("it runs")
}

/// What it printed, if it succeeded.
fn papo_says(arguments: &[&str]) -> String {
    let output = papo(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "papo {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn what_was_said_is_there_next_time() {
    let home = tempfile::tempdir().expect("a directory");
    let mut local = Local::new(&home, lowest_port(), &[]);
    local.start();
    assert!(local.ask("login", &json!({"user": "ana"})).is_ok());
    assert!(local.ask("channel", &json!({"channel": "geral"})).is_ok());
    assert!(local.ask("publish", &json!({"user": "ana", "channel": "geral", "message": "oi"})).is_ok());
    local.stop();
    assert!(local.is_silent(), "something was left running");
    assert!(local.pid("broker").is_none(), "a stopped system has no processes");

    local.start();
    let answer = local.ask("history", &json!({"channel": "geral"}));
    assert_eq!(answer.data["messages"][0]["message"], "oi", "{answer:?}");
    local.stop();
}

/// What Ctrl-C sends, here to papo alone.
#[test]
fn an_interrupt_stops_everything_in_good_order() {
    let home = tempfile::tempdir().expect("a directory");
    let mut local = Local::new(&home, lowest_port(), &[]);
    local.start();
    assert!(local.ask("login", &json!({"user": "ana"})).is_ok());
    local.signal(Signal::INT);
    let ended = until("it stops", PATIENCE, || local.papo.ended());
    assert_eq!(ended, Ended::Exited(0), "{}", local.log());
    assert!(local.is_silent(), "something was left running");
    assert!(!local.log().contains("is killed"), "somebody did not stop by itself: {}", local.log());

    local.papo.kill9();
    local.start();
    assert_eq!(local.ask("users", &json!({})).data["users"], json!(["ana"]));
    local.stop();
}

#[test]
fn more_servidores_than_last_time_become_members() {
    let home = tempfile::tempdir().expect("a directory");
    let lowest = lowest_port();
    let mut one = Local::new(&home, lowest, &["--servidores=1"]);
    one.start();
    assert!(one.ask("login", &json!({"user": "ana"})).is_ok());
    one.stop();

    let mut three = Local::new(&home, lowest, &["--servidores=3"]);
    three.start();
    until("it is told", PATIENCE, || three.log().contains("admitted: servidor-2, servidor-3").then_some(()));
    let from = format!("--from=127.0.0.1:{}", lowest + 25);
    let members = until("all three count", PATIENCE, || {
        let output = papo(&["members", &from, "--json"]);
        let members: Value = serde_json::from_slice(&output.stdout).ok()?;
        (members["members"] == 3 && members["settled"] == true).then_some(members)
    });
    assert_eq!(members["majority"], 2, "{members}");
    // What the first one alone had acknowledged is everybody's now.
    for number in 1..=3 {
        let mut asker = Asker::new(lowest + 15 + 10 * number);
        until("that servidor knows her", PATIENCE, || {
            let answer = asker.ask("users", &json!({}), PATIENCE)?;
            (answer.data["users"] == json!(["ana"])).then_some(())
        });
    }
    three.stop();
}

#[test]
fn a_service_that_is_killed_is_started_again() {
    let home = tempfile::tempdir().expect("a directory");
    let mut local = Local::new(&home, lowest_port(), &[]);
    local.start();
    for name in ["servidor-2", "broker"] {
        let killed = local.pid(name).expect("it runs");
        let pid = Pid::from_raw(i32::try_from(killed).expect("a process id")).expect("not 0");
        kill_process(pid, Signal::KILL).expect("it is there");
        until("another one runs", PATIENCE, || local.pid(name).filter(|pid| *pid != killed));
        assert!(local.log().contains(&format!("papo: {name} ended (killed by signal 9)")), "{}", local.log());
    }
    until("all is well again", PATIENCE, || {
        papo(&["status", &local.broker()]).status.success().then_some(())
    });
    local.stop();
}

#[test]
fn nothing_outlives_a_papo_that_is_killed() {
    let home = tempfile::tempdir().expect("a directory");
    let mut local = Local::new(&home, lowest_port(), &["--servidores=1"]);
    local.start();
    assert!(!local.is_silent());
    local.papo.kill9();
    until("its children are gone", PATIENCE, || local.is_silent().then_some(()));
    local.start();
    local.stop();
}

#[test]
fn a_port_in_use_is_told_before_anything_starts() {
    let home = tempfile::tempdir().expect("a directory");
    let lowest = lowest_port();
    let _taken = TcpListener::bind(("127.0.0.1", lowest + 5)).expect("it was free");
    let mut local = Local::new(&home, lowest, &[]);
    local.papo.start();
    let ended = until("it gives up", PATIENCE, || local.papo.ended());
    assert_eq!(ended, Ended::Exited(78), "{}", local.log());
    assert!(local.log().contains(&format!("referencia: port {}", lowest + 5)), "{}", local.log());
    assert!(!local.data.join("servidor-1").exists(), "something was started");
}

#[test]
fn two_systems_do_not_share_their_data() {
    let home = tempfile::tempdir().expect("a directory");
    let mut first = Local::new(&home, lowest_port(), &["--servidores=1"]);
    first.start();
    let mut second = Local::new(&home, lowest_port(), &["--servidores=1"]);
    second.papo.start();
    let ended = until("it gives up", PATIENCE, || second.papo.ended());
    assert_eq!(ended, Ended::Exited(78), "{}", second.log());
    assert!(second.log().contains("another `papo local` is using"), "{}", second.log());
    first.stop();
}

#[test]
fn an_old_system_is_taken_over_once_and_every_servidor_exports_the_same() {
    let home = tempfile::tempdir().expect("a directory");
    let mut local = Local::new(&home, lowest_port(), &[]);
    local.start();
    let old = home.path().join("old");
    fs::create_dir(&old).expect("made");
    fs::write(old.join("users.json"), r#"["ana", "bruno", {"user": "carla"}]"#).expect("written");
    fs::write(
        old.join("channels.json"),
        r#"{"geral": {"timestamp": "2025-11-03T21:14:07"}, "notícias": []}"#,
    )
    .expect("written");
    let line = |number: usize| {
        let (user, channel) = (["ana", "bruno", "carla"][number % 3], ["geral", "notícias"][number % 2]);
        let time = format!("2025-11-03T21:{:02}:{:02}.5", number / 60, number % 60);
        json!({"user": user, "channel": channel, "message": format!("velha {number}"), "timestamp": time, "clock": number})
    };
    let mut lines: Vec<String> = (0..200).map(|number| line(number).to_string()).collect();
    lines.push(
        json!({"data": {"src": "ana", "dst": "bruno", "message": "só para você", "clock": 300}}).to_string(),
    );
    lines.push("nonsense".to_owned());
    fs::write(old.join("messages.jsonl"), lines.join("\n")).expect("written");

    let import = || {
        let output = papo(&["import", text(&old), &local.broker()]);
        assert_eq!(output.status.code(), Some(1), "one line cannot be taken");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains("messages.jsonl, line 202: "), "{errors}");
        String::from_utf8(output.stdout).expect("text")
    };
    let first = import();
    assert!(first.contains("users.json: 3 taken, 0 there already, 0 not taken"), "{first}");
    assert!(first.contains("channels.json: 2 taken, 0 there already, 0 not taken"), "{first}");
    assert!(first.contains("messages.jsonl: 201 taken, 0 there already, 1 not taken"), "{first}");
    let again = import();
    assert!(again.contains("messages.jsonl: 0 taken, 201 there already, 1 not taken"), "{again}");

    let export = |name: &str, from: &str| {
        let to = home.path().join(name);
        papo_says(&["export", text(&to), from]);
        ["users.json", "channels.json", "messages.jsonl"].map(|file| fs::read(to.join(file)).expect("a file"))
    };
    let through_broker = export("export", &local.broker());
    for number in 1..=3 {
        let from = format!("--from=127.0.0.1:{}", local.lowest + 15 + 10 * number);
        until("that servidor has applied it all", PATIENCE, || {
            (export(&format!("export-{number}"), &from) == through_broker).then_some(())
        });
    }
    let messages = String::from_utf8(through_broker[2].clone()).expect("text");
    let numbers = |channel: &str| -> Vec<u64> {
        let all = messages.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        all.filter(|line| line["channel"] == channel)
            .map(|line| line["clock"].as_u64().expect("a clock"))
            .collect()
    };
    assert_eq!(numbers("geral"), (0..200).step_by(2).collect::<Vec<_>>(), "a conversation keeps its order");

    // The coordination may be on its way to the highest rank just now, and then not all is well for a moment.
    let status = until("all is well", PATIENCE, || {
        let output = papo(&["status", &local.broker(), "--json"]);
        output.status.success().then(|| serde_json::from_slice::<Value>(&output.stdout).expect("JSON"))
    });
    assert_eq!(status["healthy"], true, "{status}");
    assert_eq!(status["servidores"].as_array().map(Vec::len), Some(3), "{status}");
    local.stop();
}

#[test]
fn fewer_servidores_than_there_is_data_of_are_refused() {
    let home = tempfile::tempdir().expect("a directory");
    fs::create_dir(home.path().join("servidor-3")).expect("made");
    let data = format!("--data={}", home.path().display());
    let output = papo(&["local", &data, "--servidores=1", &format!("--ports={}", lowest_port())]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(64), "{errors}");
    assert!(errors.contains("--servidores: ") && errors.contains("has the data of 3 servidores"), "{errors}");
}

#[test]
fn nobody_there_is_told() {
    let port = lowest_port();
    let output = papo(&["status", &format!("--broker=127.0.0.1:{port}"), "--timeout=200ms"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("nobody answered"), "{errors}");
}

#[test]
fn a_wrong_command_line_is_64() {
    for wrong in [
        &["locl"][..],
        &[],
        &["export"],
        &["local", "--servidores=0"],
        &["local", "--servidores=8"],
        &["health", "ftp://x"],
        &["disk"],
    ] {
        assert_eq!(papo(wrong).status.code(), Some(64), "{wrong:?}");
    }
}
