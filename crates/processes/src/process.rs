use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::until;

/// How long a service may take to stop after SIGTERM.
const GRACE: Duration = Duration::from_secs(30);

/// One service: a program with its arguments, which may run, be killed, and run again. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    binary: String,
    program: PathBuf,
    arguments: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal.
    Killed,
}

impl Process {
    /// A service that does not run yet. Its output goes to the file `log`, one run after the other.
    ///
    /// # Panics
    /// When there is no such binary beside the running test.
    pub fn new(name: &str, binary: &str, arguments: Vec<String>, log: PathBuf) -> Self {
        let (name, program) = (name.to_owned(), program(binary));
        Self { name, binary: binary.to_owned(), program, arguments, log, child: None }
    }

    /// Takes its program from `folder` from the next start on: another release. `None` is the one beside this program.
    ///
    /// # Panics
    /// When it is not there.
    pub fn comes_from(&mut self, folder: Option<&Path>) {
        self.program = match folder {
            None => program(&self.binary),
            Some(folder) => existing(folder, &self.binary),
        };
    }

    /// The program that the next start runs.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it runs already, or cannot be started.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.unwrap_or_else(|error| panic!("cannot write {}: {error}", self.log.display()));
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .env("RUST_BACKTRACE", "1")
            .spawn();
        self.child =
            Some(child.unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program.display())));
    }

    /// Its command line.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Its process id, once started.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether it was started, and not killed or stopped by this handle since. It may have ended by itself.
    pub fn is_started(&self) -> bool {
        self.child.is_some()
    }

    /// Whether it was started, and has not ended since.
    pub fn is_running(&mut self) -> bool {
        self.ended().is_none() && self.child.is_some()
    }

    /// kill -9, and waits until it is gone. A frozen process dies too. Returns how it ended, which may have been before.
    pub fn kill9(&mut self) -> Option<Ended> {
        let mut child = self.child.take()?;
        // Fails only if it has ended already, which is what is wanted.
        child.kill().ok();
        Some(Ended::from(child.wait().expect("a child can be waited for")))
    }

    /// Freezes it (SIGSTOP).
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`Process::stop`] (SIGCONT).
    pub fn cont(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    ///
    /// # Panics
    /// When it does not run, or does not stop.
    pub fn terminate(&mut self) -> Ended {
        self.ask_to_stop();
        let ended = until(&format!("{} stops after SIGTERM", self.name), GRACE, || self.ended());
        self.child = None;
        ended
    }

    /// Asks it to stop (SIGTERM), and does not wait.
    pub fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// How it ended, if it has. Does not forget it: it is not started again by itself.
    pub fn ended(&mut self) -> Option<Ended> {
        self.child.as_mut()?.try_wait().expect("a child can be asked").map(Ended::from)
    }

    /// The last `lines` lines of its output.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().unwrap_or_else(|| panic!("{} does not run", self.name));
        kill_process(Pid::from_child(child), signal)
            .unwrap_or_else(|error| panic!("cannot signal {}: {error}", self.name));
    }
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        status.code().map_or(Self::Killed, Self::Exited)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// The binary of that name beside this program; a test's own executable is one folder deeper, in `deps`.
fn program(binary: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let beside = own.parent().expect("a program is in a folder");
    let folder = if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside };
    existing(folder, binary)
}

fn existing(folder: &Path, binary: &str) -> PathBuf {
    let program = folder.join(format!("{binary}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "there is no {}: build the services first, with `cargo build --workspace --bins`",
        program.display()
    );
    program
}
