//! A [`System`] for tests, and what its servidores hold in the end.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use papo_audit::{Evidence, Ledger, Report, audit};
use papo_witness::{Reach, ReadBack};

use crate::process::sound;
use crate::system::PATIENCE;
use crate::{Ended, Page, Shape, Status, System};

/// A running Papo, whose failures fail the test. One at a time in a test process, so that they do not starve each other.
#[derive(Debug)]
pub struct Cluster {
    system: System,
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

impl Cluster {
    /// Starts everything, and returns when every servidor is a member and every broker answers.
    ///
    /// # Panics
    /// When that does not come to pass.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_as(Shape::default())
    }

    /// [`Cluster::start`] with other numbers.
    #[track_caller]
    pub fn start_as(shape: Shape) -> Self {
        // A test that failed poisons nothing that the next one uses.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self { system: sound(System::start(shape, &std::env::temp_dir())), _turn: turn }
    }

    /// The names of everything, servidores first.
    pub fn names(&self) -> Vec<String> {
        self.system.names()
    }

    /// The names of the servidores that are to be members.
    pub fn servidores(&self) -> Vec<String> {
        self.system.servidores()
    }

    /// From now on these are to be members: they are what the cluster is whole with, and whose histories are read.
    pub fn expect_members(&mut self, servidores: &[&str]) {
        self.system.expect_members(servidores);
    }

    /// A folder for whatever a test wants to keep until the cluster is gone.
    pub fn directory(&self) -> &Path {
        self.system.directory()
    }

    /// The client port of the `n`-th broker, counted from 1.
    #[track_caller]
    pub fn broker_port(&self, n: usize) -> u16 {
        self.broker_ports()[n - 1]
    }

    /// All client ports of brokers.
    pub fn broker_ports(&self) -> Vec<u16> {
        self.system.broker_ports()
    }

    /// The subscribers' port of the `n`-th proxy, counted from 1.
    #[track_caller]
    pub fn proxy_port(&self, n: usize) -> u16 {
        self.proxy_ports()[n - 1]
    }

    /// All subscribers' ports of proxies.
    pub fn proxy_ports(&self) -> Vec<u16> {
        self.system.proxy_ports()
    }

    /// The port of a servidor that answers questions about itself.
    #[track_caller]
    pub fn servidor_port(&self, servidor: &str) -> u16 {
        sound(self.system.servidor_port(servidor))
    }

    /// The port of a process's pages: probes and metrics.
    #[track_caller]
    pub fn http_port(&self, name: &str) -> u16 {
        sound(self.system.http_port(name))
    }

    /// Tells a servidor's drill hook something.
    ///
    /// # Panics
    /// When it was started without hooks, or does not answer.
    #[track_caller]
    pub fn hook(&self, servidor: &str, hook: &str, body: &str) -> Page {
        let port = sound(self.system.drill_port(servidor));
        crate::post(port, &format!("/drill/{hook}"), body)
            .unwrap_or_else(|| panic!("the hooks of {servidor} do not answer"))
    }

    /// What a servidor's hooks say of it; `None` when they do not answer.
    #[track_caller]
    pub fn hooks_told(&self, servidor: &str) -> Option<Page> {
        crate::get(sound(self.system.drill_port(servidor)), "/drill")
    }

    /// Every port on which ZeroMQ is spoken: all but those of pages and hooks.
    pub fn all_ports(&self) -> Vec<u16> {
        self.system.all_ports()
    }

    /// The command line of a process, to start another one like it: without the ports of its pages and hooks.
    #[track_caller]
    pub fn arguments(&self, name: &str) -> Vec<String> {
        let own = |argument: &&String| !["--http=", "--drill-"].iter().any(|own| argument.starts_with(own));
        sound(self.system.service(name)).arguments().iter().filter(own).cloned().collect()
    }

    /// The end of a process's log.
    #[track_caller]
    pub fn log_tail(&self, name: &str, lines: usize) -> String {
        sound(self.system.service(name)).log_tail(lines)
    }

    /// How a process that was started has ended, if it has by itself.
    #[track_caller]
    pub fn has_ended(&mut self, name: &str) -> Option<Ended> {
        sound(self.system.service_mut(name).and_then(|service| service.ended()))
    }

    /// The process ids of everything that runs, by name.
    pub fn pids(&mut self) -> Vec<(String, u32)> {
        self.system.pids()
    }

    /// The data directory of a servidor.
    pub fn data(&self, servidor: &str) -> PathBuf {
        self.system.data(servidor)
    }

    /// kill -9.
    #[track_caller]
    pub fn kill9(&mut self, name: &str) {
        sound(self.system.kill9(name));
    }

    /// Freezes a process (SIGSTOP).
    #[track_caller]
    pub fn stop(&mut self, name: &str) {
        sound(self.system.service(name).and_then(|service| service.stop()));
    }

    /// Lets a frozen process go on (SIGCONT).
    #[track_caller]
    pub fn cont(&mut self, name: &str) {
        sound(self.system.service(name).and_then(|service| service.cont()));
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    #[track_caller]
    pub fn terminate(&mut self, name: &str) -> Ended {
        sound(self.system.service_mut(name).and_then(|service| service.terminate()))
    }

    /// Starts a process that is not running, with the arguments it had.
    #[track_caller]
    pub fn restart(&mut self, name: &str) {
        sound(self.system.service_mut(name).and_then(|service| service.start()));
    }

    /// Starts everything that is not running, but for servidores that are not to be members.
    #[track_caller]
    pub fn start_all(&mut self) {
        sound(self.system.start_all());
    }

    /// Takes a servidor's disk away, which must not be running.
    #[track_caller]
    pub fn wipe_data(&mut self, servidor: &str) {
        sound(self.system.wipe_data(servidor));
    }

    /// What a servidor says of itself; `None` when it says nothing.
    #[track_caller]
    pub fn status(&self, servidor: &str) -> Option<Status> {
        sound(self.system.status(servidor))
    }

    /// The servidor that coordinates, waiting until one does that all running servidores agree on.
    #[track_caller]
    pub fn coordinator(&mut self) -> String {
        sound(self.system.coordinator())
    }

    /// A servidor that runs and does not coordinate.
    #[track_caller]
    pub fn follower(&mut self) -> String {
        sound(self.system.follower())
    }

    /// Waits until everything that runs works: all servidores are members under one coordinator, and every broker answers.
    ///
    /// # Panics
    /// When that does not come to pass, or when something that was started has ended by itself.
    #[track_caller]
    pub fn wait_until_whole(&mut self) {
        sound(self.system.wait_until_whole());
    }

    /// Waits until all servidores have applied the same log to its end, reads every history, and checks every promise.
    /// To be called when nothing writes any more.
    ///
    /// # Panics
    /// When they do not become level, and then tells what the histories say as they are; or when a history cannot be read
    /// to its end.
    #[track_caller]
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
    /// When there are no sockets left.
    pub fn read_back(&self) -> ReadBack {
        papo_witness::read_back(&self.reach(), 0, PATIENCE).expect("there are sockets left")
    }

    /// Where everything is, for a witness.
    #[track_caller]
    pub fn reach(&self) -> Reach {
        sound(self.system.reach())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.system.tell_failure();
        }
    }
}
