//! `papo bench`, as short as can be: that it measures everything, and leaves nothing behind.
//!
//! Needs every service's binary beside this test: `cargo build --workspace --bins`.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use papo_processes::until;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(120);

/// One at a time, so that they do not starve each other.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    // A test that failed poisons nothing that the next one uses.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bench(dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_papo"));
    command.arg("bench").arg(format!("--dir={}", dir.display()));
    command.args(["--clients=1", "--duration=200ms", "--messages=1000"]).args(more);
    command
}

fn finish(mut command: Command) -> Output {
    let output = command.output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{errors}", output.status);
    output
}

/// The processes whose command line names that directory.
fn at_work_in(dir: &Path) -> Vec<String> {
    let dir = dir.to_str().expect("a plain path");
    let processes = fs::read_dir("/proc").expect("there is /proc").flatten();
    // What has ended meanwhile cannot be read.
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(dir)).collect()
}

fn entries(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("it is there").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn everything_is_measured_and_told_as_a_table_and_as_json() {
    let _turn = turn();
    let home = tempfile::tempdir().expect("a directory");
    let (dir, file) = (home.path().join("disk"), home.path().join("report.json"));
    fs::create_dir(&dir).expect("made");
    let output = finish(bench(&dir, &["--json", file.to_str().expect("a plain path")]));

    let report: Value = serde_json::from_slice(&fs::read(file).expect("it was written")).expect("JSON");
    let positive = |pointer: &str| {
        let value = report.pointer(pointer).and_then(Value::as_f64);
        assert!(value.is_some_and(|value| value > 0.0), "{pointer} is {value:?} in {report:#}");
    };
    for pointer in [
        "/disk/fdatasync_per_s",
        "/start_s",
        "/echo/0/rate",
        "/throughput/0/rate",
        "/throughput/0/ratio",
        "/throughput/0/p99_ms",
        "/delivery/rate",
        "/history/p99_ms",
        "/catch_up/seconds",
        "/catch_up/rate",
        "/memory/servidor-1",
        "/outages/0/coordinator_ms",
        "/outages/0/acknowledgements_ms",
        "/outages/2/acknowledgements_ms",
        "/outages/3/deliveries_ms",
    ] {
        positive(pointer);
    }
    assert!(report["idle"]["broker-1"].is_number(), "{report:#}");
    let killed: Vec<&str> = report["outages"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["killed"].as_str())
        .collect();
    assert_eq!(killed.len(), 4, "{killed:?}");
    assert_eq!(killed[2..], ["a broker in use (broker-1)", "a proxy in use (proxy-1)"]);
    // Without anybody's death, or with that of one of several, nothing fails.
    for pointer in ["/throughput/0/failed", "/outages/1/failed", "/outages/2/failed", "/outages/3/failed"] {
        assert_eq!(report.pointer(pointer), Some(&Value::from(0)), "{pointer} in {report:#}");
    }

    let table = String::from_utf8(output.stdout).expect("text");
    for part in
        ["clients  echo limit/s  papo/s", "kill -9 of the coordinator", "start to first answered write"]
    {
        assert!(table.contains(part), "{part} is not in:\n{table}");
    }
    assert!(entries(&dir).is_empty(), "it left {:?} behind", entries(&dir));
}

#[test]
fn json_can_be_all_of_the_output() {
    let _turn = turn();
    let home = tempfile::tempdir().expect("a directory");
    let output = finish(bench(home.path(), &["--only-throughput", "--json"]));
    let report: Value = serde_json::from_slice(&output.stdout).expect("nothing but JSON");
    assert_eq!(report["throughput"][0]["clients"], 1, "{report:#}");
    assert_eq!(report["outages"], Value::Array(vec![]), "{report:#}");
}

/// A `papo bench` that has started its system in `dir`, and has not measured anything yet.
fn at_work(dir: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_papo"));
    command.arg("bench").arg(format!("--dir={}", dir.display()));
    command.args(["--only-throughput", "--clients=1", "--duration=2s"]);
    let mut bench = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    // Those of the `papo local` before it have their data elsewhere.
    let servidor = |line: &&String| line.contains("--name=servidor-") && line.contains("/papo-processes-");
    until("its servidores run", PATIENCE, || {
        assert!(bench.try_wait().expect("our child").is_none(), "it ended");
        (at_work_in(dir).iter().filter(servidor).count() == 3).then_some(())
    });
    bench
}

#[test]
fn what_it_started_dies_with_it() {
    let _turn = turn();
    let home = tempfile::tempdir().expect("a directory");
    let mut bench = at_work(home.path());
    bench.kill().expect("it runs");
    bench.wait().expect("our child");
    until("everything that it started is gone", PATIENCE, || {
        let left = at_work_in(home.path());
        left.is_empty().then_some(())
    });
}

#[test]
fn an_interrupted_one_leaves_nothing_behind() {
    let _turn = turn();
    let home = tempfile::tempdir().expect("a directory");
    let mut bench = at_work(home.path());
    let pid = rustix::process::Pid::from_child(&bench);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    let status = until("it ends", PATIENCE, || bench.try_wait().expect("our child"));
    assert_eq!(status.code(), Some(1));
    assert_eq!(at_work_in(home.path()), Vec::<String>::new());
    assert!(entries(home.path()).is_empty(), "it left {:?} behind", entries(home.path()));
}
