//! A whole process as Kubernetes and a shell see it: exit codes, signals, pages.
//!
//! Without the usual harness: this binary starts itself again, and the second one is a service.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use papo_service::drill::{Demand, Orders};
use papo_service::{Boot, Failure, Settings};
use papo_transport::Waker;
use rustix::process::{Pid, Signal, kill_process};

const ROLE: &str = "PAPO_TEST_IS_THE_SERVICE";
const TOOL: &str = "PAPO_TEST_IS_A_TOOL";
const PATIENCE: Duration = Duration::from_secs(30);

/// The service under test.
#[derive(clap::Parser)]
#[command(name = "sample", version)]
struct Sample {
    /// How it ends.
    #[arg(long, default_value = "signal")]
    end: String,
    /// Where its drill hooks are.
    #[arg(long)]
    drill_listen: Option<SocketAddr>,
}

impl Settings for Sample {
    fn drill_hooks(&self) -> Option<SocketAddr> {
        self.drill_listen
    }
}

fn sample(boot: Boot<Sample>) -> Result<(), Failure> {
    let Boot { settings, shutdown, health, drill, .. } = boot;
    if let Some(orders) = drill {
        obey(orders)?;
    }
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

/// Says more than a pipe holds.
fn talkative(_: Boot<Sample>) -> Result<(), Failure> {
    (0..100_000).for_each(|number| println!("line {number}"));
    Ok(())
}

/// Does what a drill says, in a thread of its own: being cut off from `itself` is refused.
fn obey(mut orders: Orders) -> Result<(), Failure> {
    let (wake, woken) = mpsc::channel();
    // The thread below listens for as long as the process lives.
    orders.listen("sample-1", Waker::new(move || wake.send(()).expect("it listens")))?;
    std::thread::spawn(move || {
        for () in woken {
            while let Some(order) = orders.next() {
                match &order.demand {
                    Demand::Cut(from) if from.contains("itself") => {
                        order.refuse("it cannot be cut from itself");
                    }
                    _ => order.done(),
                }
            }
        }
    });
    Ok(())
}

fn main() -> ExitCode {
    if std::env::var_os(ROLE).is_some() {
        return papo_service::run(sample);
    }
    if std::env::var_os(TOOL).is_some() {
        return papo_service::run_tool(talkative);
    }
    let checks: [(&str, fn()); 15] = [
        ("help_is_that_of_the_service", help_is_that_of_the_service),
        ("a_service_shows_its_health_and_stops_on_sigterm", a_service_shows_its_health_and_stops_on_sigterm),
        (
            "a_panic_in_any_thread_is_logged_and_ends_with_70",
            a_panic_in_any_thread_is_logged_and_ends_with_70,
        ),
        (
            "a_tool_that_nobody_listens_to_any_more_ends_well",
            a_tool_that_nobody_listens_to_any_more_ends_well,
        ),
        ("a_failing_disk_ends_with_74", a_failing_disk_ends_with_74),
        ("a_plain_failure_ends_with_1", a_plain_failure_ends_with_1),
        ("a_wrong_flag_ends_with_64", a_wrong_flag_ends_with_64),
        ("a_wrong_environment_ends_with_78", a_wrong_environment_ends_with_78),
        ("a_page_port_in_use_ends_with_78", a_page_port_in_use_ends_with_78),
        ("without_hooks_there_is_one_process_and_no_hook", without_hooks_there_is_one_process_and_no_hook),
        ("a_process_with_hooks_ends_as_its_child_does", a_process_with_hooks_ends_as_its_child_does),
        ("a_crash_is_seen_from_outside_as_137", a_crash_is_seen_from_outside_as_137),
        ("a_frozen_child_answers_nothing_until_it_goes_on", a_frozen_child_answers_nothing_until_it_goes_on),
        (
            "an_order_is_answered_once_the_child_has_taken_it",
            an_order_is_answered_once_the_child_has_taken_it,
        ),
        ("a_child_does_not_outlive_its_parent", a_child_does_not_outlive_its_parent),
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

fn a_tool_that_nobody_listens_to_any_more_ends_well() {
    let mut tool = Command::new(std::env::current_exe().expect("this program"))
        .env(TOOL, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut first = String::new();
    BufReader::new(tool.stdout.take().expect("piped")).read_line(&mut first).expect("text");
    assert_eq!(first, "line 0\n");
    let done = tool.wait_with_output().expect("it ends");
    assert!(done.status.success(), "{:?}", done.status);
    assert_eq!(String::from_utf8_lossy(&done.stderr), "", "there is nothing to complain about");
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

fn without_hooks_there_is_one_process_and_no_hook() {
    let mut service = Service::start(&["--http", "127.0.0.1:0"], &[]);
    let address = service.http_address();
    assert!(get(address, "/drill").starts_with("HTTP/1.1 404"));
    assert!(!service.read.contains("drill"), "{}", service.read);
    assert!(children_of(service.child.id()).is_empty());
}

fn a_process_with_hooks_ends_as_its_child_does() {
    let (mut service, _, pages) = Service::start_with_hooks();
    wait_until("it is ready", || get(pages, "/readyz").starts_with("HTTP/1.1 200"));
    assert!(service.read.contains("drill hooks are enabled"), "{}", service.read);
    service.signal(Signal::TERM);
    let (code, log) = service.end();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("SIGTERM: stopping"), "{log}");

    service = Service::start(&["--drill-listen", "127.0.0.1:0", "--end=disk"], &[]);
    let (code, log) = service.end();
    assert_eq!(code, 74, "{log}");
}

fn a_crash_is_seen_from_outside_as_137() {
    let (service, hooks, _) = Service::start_with_hooks();
    let answer = post(hooks, "/drill/crash", "");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let (code, log) = service.end();
    assert_eq!(code, 137, "{log}");
}

fn a_frozen_child_answers_nothing_until_it_goes_on() {
    let (service, hooks, pages) = Service::start_with_hooks();
    let child = children_of(service.child.id());
    let [child] = child.as_slice() else { panic!("one child: {child:?}") };
    let answer = post(hooks, "/drill/freeze", r#"{"for_ms": 1500}"#);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert!(get(hooks, "/drill").contains(r#""frozen":true"#));
    wait_until("it is stopped", || state_of(*child) == 'T');
    for (path, body) in [("/drill/freeze", r#"{"for_ms": 5}"#), ("/drill/cut", r#"{"from": []}"#)] {
        let answer = post(hooks, path, body);
        assert!(answer.starts_with("HTTP/1.1 409") && answer.contains("frozen"), "{answer}");
    }
    wait_until("it goes on", || get(hooks, "/drill").contains(r#""frozen":false"#));
    assert!(get(pages, "/livez").ends_with("ok\n"));
}

fn an_order_is_answered_once_the_child_has_taken_it() {
    let (service, hooks, _) = Service::start_with_hooks();
    let answer = post(hooks, "/drill/cut", r#"{"from": ["b", "a"]}"#);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""cut":["a","b"]"#), "{answer}");
    let answer = post(hooks, "/drill/cut", r#"{"from": ["itself"]}"#);
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains(r#"{"error":"it cannot be cut from itself"}"#), "{answer}");
    let answer = post(hooks, "/drill/break", r#"{"how": "acknowledge-before-store"}"#);
    assert!(answer.contains(r#""broken":"acknowledge-before-store""#), "{answer}");
    let answer = post(hooks, "/drill/break", r#"{"how": "politeness"}"#);
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");

    let told = get(hooks, "/drill");
    let body = told.split_once("\r\n\r\n").expect("a body").1;
    let told: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(told["version"], 1);
    assert_eq!(told["name"], "sample-1");
    assert_eq!(told["pid"], children_of(service.child.id())[0]);
    assert_eq!(told["frozen"], false);
    assert_eq!(told["cut"], serde_json::json!(["a", "b"]));
    assert_eq!(told["broken"], "acknowledge-before-store");
}

fn a_child_does_not_outlive_its_parent() {
    let (mut service, _, _) = Service::start_with_hooks();
    let child = children_of(service.child.id())[0];
    service.child.kill().expect("killed");
    service.child.wait().expect("reaped");
    wait_until("the child is gone", || ['Z', '?'].contains(&state_of(child)));
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
        self.address("http")
    }

    fn address(&mut self, field: &str) -> SocketAddr {
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).expect("text") > 0, "no address in: {}", self.read);
            self.read.push_str(&line);
            let event: serde_json::Value = serde_json::from_str(&line).expect("JSON, as nobody looks on");
            if let Some(address) = event[field].as_str() {
                return address.parse().expect("an address");
            }
        }
    }

    /// Starts one with drill hooks and pages; returns where they are, once the child has told its name.
    fn start_with_hooks() -> (Self, SocketAddr, SocketAddr) {
        let mut service = Self::start(&["--drill-listen", "127.0.0.1:0", "--http", "127.0.0.1:0"], &[]);
        let hooks = service.address("drill");
        let pages = service.http_address();
        wait_until("the hooks know their child", || get(hooks, "/drill").starts_with("HTTP/1.1 200"));
        (service, hooks, pages)
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

fn post(address: SocketAddr, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The processes whose parent is `pid`.
fn children_of(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).expect("Linux, which tells");
    text.split_whitespace().map(|pid| pid.parse().expect("a number")).collect()
}

/// `T` stopped, `Z` dead and not reaped yet, `?` gone.
fn state_of(pid: u32) -> char {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return '?' };
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).expect("a state")
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
