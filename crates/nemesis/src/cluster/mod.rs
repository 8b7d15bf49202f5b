//! Every program as a process of its own, with a way between each two of them that can be broken.

mod flags;
mod volume;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use papo_processes::{Ended, Process};
use papo_witness::Reach;

use crate::network::{Network, Node};
pub(crate) use flags::CLIENTS;
pub use flags::{Ports, Shape};
pub use volume::Volume;

/// How long a process may take to end after SIGTERM: its own grace is 5 s, and this machine is loaded.
const STOPS_WITHIN: Duration = Duration::from_secs(40);
/// How many lines of a log are told about a process that ended by itself.
const TAIL: usize = 12;
/// A file system for one servidor. Memory is taken for what is stored only.
const ROOM: u64 = 2 << 30;

/// The data of a servidor, in its part of the disk.
const DATA: &str = "data";

/// A running Papo on this machine. What it started dies with it.
#[derive(Debug)]
pub struct Cluster {
    processes: BTreeMap<Node, Process>,
    /// Those that are down because we wanted it.
    down: BTreeSet<Node>,
    previous: Option<PathBuf>,
    network: Network,
    shape: Shape,
    ports: Ports,
    /// What servidores have instead of a part of the disk of this machine. Dropped after the processes.
    volumes: BTreeMap<Node, Volume>,
    folder: PathBuf,
    /// Whether anybody was dismissed, and not everybody is known to be wanted since.
    pub(crate) dismissed: bool,
    /// What no process may ever do, and one did: a sentence each.
    complaints: Vec<String>,
}

impl Cluster {
    /// Lays everything out in `folder`, and starts nothing. The programs are those beside this one, and in `previous` those of the
    /// release before.
    ///
    /// # Errors
    /// There are no ports, files or threads left.
    pub fn lay_out(shape: Shape, folder: &Path, previous: Option<&Path>) -> io::Result<Self> {
        let network = Network::start()?;
        let ports = Ports::choose(shape);
        let paths = flags::listen(shape, &ports, &network)?;
        let data = |servidor: &str| disk(folder, servidor).join(DATA);
        let processes = flags::processes(shape, &ports, &paths, folder, &data);
        let processes: BTreeMap<Node, Process> =
            processes.into_iter().map(|process| (process.name().to_owned(), process)).collect();
        Ok(Self {
            down: processes.keys().cloned().collect(),
            processes,
            previous: previous.map(Path::to_owned),
            network,
            shape,
            ports,
            volumes: BTreeMap::new(),
            folder: folder.to_owned(),
            dismissed: false,
            complaints: Vec::new(),
        })
    }

    /// How many of each there are.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// All ways between them.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// A folder for whatever is to be kept until the end.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every port of every process, by whose it is: as they listen themselves, with no network of ours before them.
    pub fn ports(&self) -> Vec<(Node, u16)> {
        self.ports.all()
    }

    /// Where a broker takes requests itself.
    pub fn client_port(&self, broker: &str) -> u16 {
        self.ports.own(broker).0
    }

    /// Where a process has its pages.
    pub fn http_port(&self, node: &str) -> u16 {
        self.ports.http(node)
    }

    /// The data directory of a servidor.
    pub fn data(&self, servidor: &str) -> PathBuf {
        disk(&self.folder, servidor).join(DATA)
    }

    /// A file system that a servidor has for itself from now on, so that it can be full, or read-only, while the others' are not. It
    /// has to be down.
    ///
    /// # Errors
    /// None can be mounted here.
    pub fn own_volume(&mut self, servidor: &str) -> io::Result<&Volume> {
        if !self.volumes.contains_key(servidor) {
            let path = disk(&self.folder, servidor);
            fs::create_dir_all(&path)?;
            self.volumes.insert(servidor.to_owned(), Volume::over(&path, ROOM)?);
        }
        Ok(&self.volumes[servidor])
    }

    /// The one that it has already.
    pub fn volume(&self, servidor: &str) -> Option<&Volume> {
        self.volumes.get(servidor)
    }

    /// For clients, whose ways can be broken; and for whoever asks the servidores, whose cannot.
    pub fn reach(&self) -> Reach {
        self.ports.reach(self.shape)
    }

    /// Where the programs of the release before are.
    pub fn previous(&self) -> Option<&Path> {
        self.previous.as_deref()
    }

    /// From which release a process comes when it is started next.
    pub fn set_release(&mut self, node: &str, previous: bool) {
        let folder = self.previous.clone().filter(|_| previous);
        self.process(node).comes_from(folder.as_deref());
    }

    /// Who comes from the release before when it is started next, servidores last.
    pub fn of_previous_release(&self) -> Vec<Node> {
        let Some(previous) = &self.previous else { return Vec::new() };
        let old = self.processes.iter().filter(|(_, process)| process.program().starts_with(previous));
        old.map(|(node, _)| node.clone()).collect()
    }

    /// The program that a running process runs, by the kernel.
    pub fn runs_program(&mut self, node: &str) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/exe", self.process(node).pid()?)).ok()
    }

    /// Starts one that is down.
    pub fn start(&mut self, node: &str) {
        if self.down.remove(node) {
            self.process(node).start();
            if let Some(pid) = self.process(node).pid() {
                self.network.is_process(node, pid);
            }
        }
    }

    /// Starts everything that is down.
    pub fn start_all(&mut self) {
        for node in self.down.clone() {
            self.start(&node);
        }
    }

    /// kill -9. Returns how it ended; `None` if it was down.
    pub fn kill9(&mut self, node: &str) -> Option<Ended> {
        self.note_deaths();
        self.down.insert(node.to_owned());
        self.process(node).kill9()
    }

    /// SIGTERM, and waits. Complains unless it ends well.
    pub fn stop(&mut self, node: &str) -> Option<Ended> {
        self.note_deaths();
        if !self.down.insert(node.to_owned()) {
            return None;
        }
        let began = Instant::now();
        self.process(node).ask_to_stop();
        let ended = loop {
            match self.process(node).ended() {
                Some(ended) => break ended,
                None if began.elapsed() > STOPS_WITHIN => break Ended::Killed,
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        if ended != Ended::Exited(0) {
            let tail = self.process(node).log_tail(TAIL);
            self.complain(format!(
                "{node} ended with {ended:?} after SIGTERM within {STOPS_WITHIN:?}:\n{tail}"
            ));
        }
        self.process(node).kill9();
        Some(ended)
    }

    /// SIGSTOP.
    pub fn freeze(&mut self, node: &str) {
        if self.process(node).is_running() {
            self.process(node).stop();
        }
    }

    /// SIGCONT.
    pub fn thaw(&mut self, node: &str) {
        if self.process(node).is_running() {
            self.process(node).cont();
        }
    }

    /// The state of a process by the kernel: `T` is frozen.
    pub fn state(&mut self, node: &str) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process(node).pid()?)).ok()?;
        // The name may hold spaces and parentheses of its own.
        stat.rsplit_once(')')?.1.trim_start().chars().next()
    }

    /// The process ids of everything that runs.
    pub fn pids(&mut self) -> Vec<(Node, u32)> {
        let running = self.processes.iter().filter(|(node, _)| !self.down.contains(*node));
        running.filter_map(|(node, process)| Some((node.clone(), process.pid()?))).collect()
    }

    /// How a process ended by itself, if it did. To be asked by whoever expects it to: it is down then, and nobody complains.
    pub fn has_ended(&mut self, node: &str) -> Option<Ended> {
        let ended = self.process(node).ended()?;
        self.process(node).kill9();
        self.down.insert(node.to_owned());
        Some(ended)
    }

    /// Looks whether anything ended that should run, and complains about it. It is down then.
    pub fn note_deaths(&mut self) {
        for node in self.processes.keys().cloned().collect::<Vec<_>>() {
            if self.down.contains(&node) {
                continue;
            }
            if let Some(ended) = self.has_ended(&node) {
                let tail = self.process(&node).log_tail(TAIL);
                self.complain(format!("{node} ended by itself with {ended:?}:\n{tail}"));
            }
        }
    }

    /// Writes down what no process may do.
    pub fn complain(&mut self, sentence: String) {
        println!("           !! {sentence}");
        self.complaints.push(sentence);
    }

    /// What was complained about so far.
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// The end of a process's log.
    pub fn log_tail(&self, node: &str, lines: usize) -> String {
        self.processes.get(node).map(|process| process.log_tail(lines)).unwrap_or_default()
    }

    fn process(&mut self, node: &str) -> &mut Process {
        self.processes.get_mut(node).unwrap_or_else(|| panic!("there is no {node}"))
    }
}

/// A servidor's part of the disk.
fn disk(folder: &Path, servidor: &str) -> PathBuf {
    folder.join("disks").join(servidor)
}
