//! A whole process as Kubernetes and a shell see it: exit codes, signals, pages.
//!
//! Without the usual harness: this binary starts itself again, and the second one is a service.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use papo_service::{Boot, Failure, Settings};
use rustix::process::{Pid, Signal, kill_process};

const ROLE: &str = "PAPO_TEST_IS_THE_SERVICE";
const PATIENCE: Duration = Duration::from_secs(30);

/// The service under test.
#[derive(clap::Parser)]
#[command(name = "sample", version)]
struct Sample {
    /// How it ends.
    #[arg(long, default_value = "signal")]
    end: String,
}

impl Settings for Sample {}

fn sample(boot: Boot<Sample>) -> Result<(), Failure> {
    let Boot { settings, shutdown, health, .. } = boot;
    health.set_started();
    let pulse = health.watch("loop", Duration::from_secs(60));
    match settings.end.as_str() {
        "signal" => {
            health.set_ready();
            while !shutdown.wait_at_most(Duration::from_secs(20)) {
                pulse.beat();
            }
            Ok(())
        }
        "panic" => {
            std::thread::spawn(|| panic!("one and one are three"));
            shutdown.wait();
            Ok(())
        }
        "disk" => Err(Failure::disk("no space left")),
        _ => Err(Failure::failed("no such end")),
    }
}

fn main() -> ExitCode {
    if std::env::var_os(ROLE).is_some() {
        return papo_service::run(sample);
    }
    let checks: [(&str, fn()); 8] = [
        ("help_is_that_of_the_service", help_is_that_of_the_service),
        ("a_service_shows_its_health_and_stops_on_sigterm", a_service_shows_its_health_and_stops_on_sigterm),
        (
            "a_panic_in_any_thread_is_logged_and_ends_with_70",
            a_panic_in_any_thread_is_logged_and_ends_with_70,
        ),
        ("a_failing_disk_ends_with_74", a_failing_disk_ends_with_74),
        ("a_plain_failure_ends_with_1", a_plain_failure_ends_with_1),
        ("a_wrong_flag_ends_with_64", a_wrong_flag_ends_with_64),
        ("a_wrong_environment_ends_with_78", a_wrong_environment_ends_with_78),
        ("a_page_port_in_use_ends_with_78", a_page_port_in_use_ends_with_78),
    ];
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, check) in checks {
        if wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())) {
            println!("test {name} ...");
            check();
        }
    }
    println!("test result: ok");
    ExitCode::SUCCESS
}

fn help_is_that_of_the_service() {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .arg("--help")
        .env(ROLE, "1")
        .output()
        .expect("it runs");
    let help = String::from_utf8(output.stdout).expect("text");
    assert!(
        output.status.success() && help.starts_with("The service under test\n\nUsage: sample "),
        "{help}"
    );
    assert!(help.contains("PAPO_HTTP"), "{help}");
}

fn a_service_shows_its_health_and_stops_on_sigterm() {
    let mut service = Service::start(&["--http", "127.0.0.1:0"], &[]);
    let address = service.http_address();
    wait_until("it is ready", || get(address, "/readyz").starts_with("HTTP/1.1 200"));
    assert!(get(address, "/startupz").starts_with("HTTP/1.1 200"));
    assert!(get(address, "/livez").ends_with("ok\n"));
    let metrics = get(address, "/metrics");
    assert!(metrics.contains(r#"papo_build_info{service="sample""#), "{metrics}");
    if cfg!(target_os = "linux") {
        assert!(number(&metrics, "process_resident_memory_bytes ") < 30.0 * 1024.0 * 1024.0, "{metrics}");
    }

    service.signal(Signal::TERM);
    let (code, log) = service.end();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("SIGTERM: stopping"), "{log}");
}

fn a_panic_in_any_thread_is_logged_and_ends_with_70() {
    let (code, log) = Service::start(&["--end", "panic"], &[]).end();
    assert_eq!(code, 70, "{log}");
    assert!(log.contains("broken invariant: one and one are three"), "{log}");
}

fn a_failing_disk_ends_with_74() {
    let (code, log) = Service::start(&["--end=disk"], &[]).end();
    assert_eq!(code, 74, "{log}");
    assert!(log.contains("no space left"), "{log}");
}

fn a_plain_failure_ends_with_1() {
    let (code, log) = Service::start(&["--end=else"], &[]).end();
    assert_eq!(code, 1, "{log}");
}

fn a_wrong_flag_ends_with_64() {
    let (code, log) = Service::start(&["--log-format=loud", "--endd=disk"], &[]).end();
    assert_eq!(code, 64, "{log}");
    assert!(log.contains("--log-format loud: it takes auto or human or json"), "{log}");
    assert!(log.contains("--endd: there is no such key; did you mean `--end`?"), "{log}");
}

fn a_wrong_environment_ends_with_78() {
    let (code, log) = Service::start(&[], &[("PAPO_LOG_LEVEL", "inof"), ("PAPO_HTTP", "localhost")]).end();
    assert_eq!(code, 78, "{log}");
    assert!(log.contains("PAPO_LOG_LEVEL=inof: `inof` is no level"), "{log}");
    assert!(log.contains("PAPO_HTTP=localhost: "), "{log}");
}

fn a_page_port_in_use_ends_with_78() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let (code, log) = Service::start(&["--http", &address], &[]).end();
    assert_eq!(code, 78, "{log}");
    assert!(log.contains(&format!("http: cannot listen on {address}")), "{log}");
}

/// The process under test. Killed when a check fails.
struct Service {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
    read: String,
}

impl Service {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(arguments)
            .env(ROLE, "1")
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let log = BufReader::new(child.stderr.take().expect("piped"));
        Self { child, log, read: String::new() }
    }

    /// Reads the log up to the line that tells where the pages are.
    fn http_address(&mut self) -> SocketAddr {
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).expect("text") > 0, "no address in: {}", self.read);
            self.read.push_str(&line);
            let event: serde_json::Value = serde_json::from_str(&line).expect("JSON, as nobody looks on");
            if let Some(address) = event["http"].as_str() {
                return address.parse().expect("an address");
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
    }

    fn end(mut self) -> (i32, String) {
        self.log.read_to_string(&mut self.read).expect("text");
        wait_until("it ends", || self.child.try_wait().expect("a child").is_some());
        let code = self.child.wait().expect("a child").code().expect("no signal killed it");
        (code, std::mem::take(&mut self.read))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().expect("killed");
            self.child.wait().expect("reaped");
        }
    }
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn number(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)).expect("a metric of that name");
    line.parse().expect("a number")
}

fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
