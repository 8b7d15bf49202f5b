//! Starting everything, breaking it, and waiting until it is whole.

mod flags;
mod status;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use papo_audit::{Evidence, Ledger, Report, audit};
use papo_witness::{Reach, ReadBack};
use serde_json::json;
use tempfile::TempDir;

use crate::{Asker, Process, until};
use flags::Ports;
pub use status::{Member, Status};

/// How many of each there are. There is always one referencia.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// `servidor-1`, `servidor-2`, ...
    pub servidores: usize,
    /// `broker-1`, ...
    pub brokers: usize,
    /// `proxy-1`, ...
    pub proxies: usize,
    /// How many more servidores there are that are no founders; they are not started by themselves, nor expected to be members.
    pub newcomers: usize,
    /// Whether servidores have drill hooks. Each is then two processes, of which the outer one is seen here.
    pub drill_hooks: bool,
}

impl Default for Shape {
    /// What the design deploys: three servidores, two brokers, two proxies.
    fn default() -> Self {
        Self { servidores: 3, newcomers: 0, brokers: 2, proxies: 2, drill_hooks: false }
    }
}

/// A running Papo. One at a time in a test process, so that they do not starve each other.
#[derive(Debug)]
pub struct Cluster {
    /// Who is to be a member.
    members: Vec<String>,
    ports: Ports,
    processes: BTreeMap<String, Process>,
    directory: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// How long anything may take that this machine, loaded, has to get done. Generous: it only ends tests that fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long one servidor may take to answer a question about itself.
const ANSWER: Duration = Duration::from_millis(500);
/// How many lines of each log a failure shows.
const TAIL: usize = 25;
/// With this in the environment, a test that fails leaves its directory behind.
const KEEP: &str = "PAPO_KEEP";

static TURN: Mutex<()> = Mutex::new(());

impl Cluster {
    /// Starts everything, and returns when every servidor is a member and every broker answers.
    ///
    /// # Panics
    /// When that does not come to pass.
    pub fn start() -> Self {
        Self::start_as(Shape::default())
    }

    /// [`Cluster::start`] with other numbers.
    pub fn start_as(shape: Shape) -> Self {
        // A test that failed poisons nothing that the next one uses.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let directory =
            tempfile::Builder::new().prefix("papo-processes-").tempdir().expect("a folder can be made");
        let ports = Ports::choose(shape);
        let processes = flags::processes(shape, &ports, directory.path());
        let processes = processes.into_iter().map(|process| (process.name().to_owned(), process)).collect();
        let members = (1..=shape.servidores).map(|n| format!("servidor-{n}")).collect();
        let mut cluster = Self { members, ports, processes, directory, _turn: turn };
        cluster.start_all();
        cluster.wait_until_whole();
        cluster
    }

    /// The names of everything, servidores first.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.processes.keys().cloned().collect();
        names.sort_by_key(|name| (!name.starts_with("servidor"), name.clone()));
        names
    }

    /// The names of the servidores that are to be members.
    pub fn servidores(&self) -> Vec<String> {
        self.members.clone()
    }

    /// From now on these are to be members: they are what the cluster is whole with, and whose histories are read.
    pub fn expect_members(&mut self, servidores: &[&str]) {
        self.members = servidores.iter().map(|name| (*name).to_owned()).collect();
    }

    /// A folder for whatever a test wants to keep until the cluster is gone.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The client port of the `n`-th broker, counted from 1.
    pub fn broker_port(&self, n: usize) -> u16 {
        self.ports.brokers[n - 1].0
    }

    /// All client ports of brokers.
    pub fn broker_ports(&self) -> Vec<u16> {
        self.ports.brokers.iter().map(|ports| ports.0).collect()
    }

    /// The subscribers' port of the `n`-th proxy, counted from 1.
    pub fn proxy_port(&self, n: usize) -> u16 {
        self.ports.proxies[n - 1].1
    }

    /// All subscribers' ports of proxies.
    pub fn proxy_ports(&self) -> Vec<u16> {
        self.ports.proxies.iter().map(|ports| ports.1).collect()
    }

    /// The port of a servidor that answers questions about itself.
    pub fn servidor_port(&self, servidor: &str) -> u16 {
        self.ports.servidor(servidor)
    }

    /// The port of a process's pages: probes and metrics.
    pub fn http_port(&self, name: &str) -> u16 {
        self.ports.http(name)
    }

    /// Tells a servidor's drill hook something.
    ///
    /// # Panics
    /// When it was started without hooks, or does not answer.
    pub fn hook(&self, servidor: &str, hook: &str, body: &str) -> crate::Page {
        crate::post(self.ports.drill(servidor), &format!("/drill/{hook}"), body)
            .unwrap_or_else(|| panic!("the hooks of {servidor} do not answer"))
    }

    /// What a servidor's hooks say of it; `None` when they do not answer.
    pub fn hooks_told(&self, servidor: &str) -> Option<crate::Page> {
        crate::get(self.ports.drill(servidor), "/drill")
    }

    /// Every port on which ZeroMQ is spoken: all but those of pages and hooks.
    pub fn all_ports(&self) -> Vec<u16> {
        self.ports.all()
    }

    /// The command line of a process, to start another one like it: without the ports of its pages and hooks.
    pub fn arguments(&self, name: &str) -> Vec<String> {
        let own = |argument: &&String| !["--http=", "--drill-"].iter().any(|own| argument.starts_with(own));
        self.processes[name].arguments().iter().filter(own).cloned().collect()
    }

    /// The end of a process's log.
    pub fn log_tail(&self, name: &str, lines: usize) -> String {
        self.processes[name].log_tail(lines)
    }

    /// How a process that was started has ended, if it has by itself.
    pub fn has_ended(&mut self, name: &str) -> Option<crate::Ended> {
        self.process(name).ended()
    }

    /// The process ids of everything that runs, by name.
    pub fn pids(&mut self) -> Vec<(String, u32)> {
        let running =
            self.processes.iter().filter_map(|(name, process)| Some((name.clone(), process.pid()?)));
        running.collect()
    }

    /// The data directory of a servidor.
    pub fn data(&self, servidor: &str) -> PathBuf {
        flags::data(self.directory.path(), servidor)
    }

    /// kill -9.
    pub fn kill9(&mut self, name: &str) {
        self.process(name).kill9();
    }

    /// Freezes a process (SIGSTOP).
    pub fn stop(&mut self, name: &str) {
        self.process(name).stop();
    }

    /// Lets a frozen process go on (SIGCONT).
    pub fn cont(&mut self, name: &str) {
        self.process(name).cont();
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    pub fn terminate(&mut self, name: &str) -> crate::Ended {
        self.process(name).terminate()
    }

    /// Starts a process that is not running, with the arguments it had.
    pub fn restart(&mut self, name: &str) {
        self.process(name).start();
    }

    /// Starts everything that is not running, but for servidores that are not to be members.
    pub fn start_all(&mut self) {
        let members = &self.members;
        let due = |name: &str| !name.starts_with("servidor-") || members.iter().any(|member| member == name);
        for process in self.processes.values_mut().filter(|process| !process.is_started()) {
            if due(process.name()) {
                process.start();
            }
        }
    }

    /// Takes a servidor's disk away, which must not be running.
    pub fn wipe_data(&mut self, servidor: &str) {
        assert!(!self.process(servidor).is_running(), "{servidor} still has its disk");
        let data = self.data(servidor);
        fs::remove_dir_all(&data).unwrap_or_else(|error| panic!("cannot delete {}: {error}", data.display()));
    }

    /// What a servidor says of itself; `None` when it says nothing.
    pub fn status(&self, servidor: &str) -> Option<Status> {
        Asker::new(self.ports.servidor(servidor)).ask_as("status", &json!({}), ANSWER).map(status::data)
    }

    /// The servidor that coordinates, waiting until one does that all running servidores agree on.
    pub fn coordinator(&mut self) -> String {
        let running = self.running_servidores();
        until("one servidor coordinates, in the eyes of all that run", PATIENCE, || {
            let statuses = self.statuses(&running)?;
            status::coordinator(&statuses)
        })
    }

    /// A servidor that runs and does not coordinate.
    pub fn follower(&mut self) -> String {
        let coordinator = self.coordinator();
        let follower = self.running_servidores().into_iter().find(|name| *name != coordinator);
        follower.expect("there are several servidores")
    }

    /// Waits until everything that runs works: all servidores are members under one coordinator, and every broker answers.
    ///
    /// # Panics
    /// When that does not come to pass, or when something that was started has ended by itself.
    pub fn wait_until_whole(&mut self) {
        let all = self.servidores();
        until("all servidores are members under one coordinator", PATIENCE, || {
            self.assert_nothing_died();
            let statuses = self.statuses(&all)?;
            status::are_whole(&statuses, all.len()).then_some(())
        });
        for port in self.broker_ports() {
            until(&format!("the broker at {port} answers"), PATIENCE, || {
                self.assert_nothing_died();
                Asker::new(port)
                    .ask("users", &json!({}), ANSWER)
                    .filter(|answer| answer.data["users"].is_array())
            });
        }
    }

    /// Waits until all servidores have applied the same log to its end, reads every history, and checks every promise.
    /// To be called when nothing writes any more.
    ///
    /// # Panics
    /// When they do not become level, and then tells what the histories say as they are; or when a history cannot be read
    /// to its end.
    pub fn audit(&mut self, ledgers: &[Ledger]) -> Report {
        self.wait_until_whole();
        let ReadBack { histories, digests, missing } = self.read_back();
        let report = audit(&Evidence { ledgers, histories: &histories, digests: &digests });
        assert!(missing.is_empty(), "{}; {report}", missing.join("; "));
        report
    }

    /// [`Cluster::audit`], and fails the test unless every promise held.
    #[track_caller]
    pub fn assert_kept(&mut self, ledgers: &[Ledger]) {
        let report = self.audit(ledgers);
        assert!(report.conclusion == papo_audit::Conclusion::Pass, "{report}");
        println!("{report}");
    }

    /// Waits until all servidores are level, and fails the test if their histories break a promise, though nobody kept a ledger.
    #[track_caller]
    pub fn assert_alike(&mut self) {
        let report = self.audit(&[]);
        assert!(report.conclusion != papo_audit::Conclusion::Fail, "{report}");
    }

    /// Everything that every servidor holds, read straight from it once all have applied the same log, or do not in time.
    ///
    /// # Panics
    /// When the system has no sockets left.
    pub fn read_back(&self) -> ReadBack {
        papo_witness::read_back(&self.reach(), 0, PATIENCE).expect("there are sockets left")
    }

    /// Where everything is, for a witness.
    pub fn reach(&self) -> Reach {
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let servidores = self.servidores().into_iter().map(|name| {
            let address = at(self.ports.servidor(&name));
            (name, address)
        });
        Reach {
            brokers: self.broker_ports().into_iter().map(at).collect(),
            proxies: self.proxy_ports().into_iter().map(at).collect(),
            servidores: servidores.collect(),
        }
    }

    /// The status of each; `None` when one does not answer.
    fn statuses(&self, servidores: &[String]) -> Option<Vec<Status>> {
        servidores.iter().map(|name| self.status(name)).collect()
    }

    fn running_servidores(&mut self) -> Vec<String> {
        let mut names = self.servidores();
        names.retain(|name| self.process(name).is_running());
        names
    }

    fn assert_nothing_died(&mut self) {
        for process in self.processes.values_mut() {
            if let Some(ended) = process.ended() {
                panic!("{} ended by itself: {ended:?}", process.name());
            }
        }
    }

    fn process(&mut self, name: &str) -> &mut Process {
        self.processes.get_mut(name).unwrap_or_else(|| panic!("there is no {name}"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for process in self.processes.values() {
                eprintln!("--- the end of the log of {}:\n{}", process.name(), process.log_tail(TAIL));
            }
            if std::env::var_os(KEEP).is_some() {
                self.directory.disable_cleanup(true);
                eprintln!("--- data, ledgers and logs are kept in {}", self.directory.path().display());
            }
        }
    }
}
