use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Error, wait_for};

/// How long a service may take to stop after SIGTERM.
const GRACE: Duration = Duration::from_secs(30);
/// How `papo` is asked to become another program that dies with the one that started it, by SIGKILL (see `papo local`).
const DIES_WITH_PARENT: [&str; 2] = ["__child", "kill"];

/// One service: a program with its arguments, which may run, be killed, and run again.
///
/// It is killed when this is dropped, and, on Linux, when the *thread* that started it ends, however that comes: not even kill -9
/// of this process leaves it running.
#[derive(Debug)]
pub struct Service {
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

impl Service {
    /// A service that does not run yet. Its output goes to the file `log`, one run after the other.
    ///
    /// # Errors
    /// There is no such binary beside this program.
    pub fn new(name: &str, binary: &str, arguments: Vec<String>, log: PathBuf) -> Result<Self, Error> {
        let (name, program) = (name.to_owned(), beside(binary)?);
        Ok(Self { name, binary: binary.to_owned(), program, arguments, log, child: None })
    }

    /// Takes its program from `folder` from the next start on: another release. `None` is the one beside this program.
    ///
    /// # Errors
    /// It is not there.
    pub fn comes_from(&mut self, folder: Option<&Path>) -> Result<(), Error> {
        self.program = match folder {
            None => beside(&self.binary)?,
            Some(folder) => existing(folder, &self.binary)?,
        };
        Ok(())
    }

    /// The program that the next start runs.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its command line.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Starts it. It ends when the calling thread does, at the latest.
    ///
    /// # Errors
    /// It runs already, or cannot be started.
    pub fn start(&mut self) -> Result<(), Error> {
        if self.child.is_some() {
            return Err(Error::Runs(self.name.clone()));
        }
        let cannot = || format!("cannot write {}", self.log.display());
        let log =
            OpenOptions::new().create(true).append(true).open(&self.log).map_err(Error::io(cannot()))?;
        let stdout = log.try_clone().map_err(Error::io(cannot()))?;
        let child = mortal(&self.program)?
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(log)
            .env("RUST_BACKTRACE", "1")
            .spawn()
            .map_err(Error::io(format!("cannot start {}", self.program.display())))?;
        self.child = Some(child);
        Ok(())
    }

    /// Its process id, once started.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether it was started, and not killed or stopped by this handle since. It may have ended by itself.
    pub fn is_started(&self) -> bool {
        self.child.is_some()
    }

    /// kill -9, and waits until it is gone. A frozen process dies too. Returns how it ended, which may have been before; `None` if
    /// it was not started.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn kill9(&mut self) -> Result<Option<Ended>, Error> {
        let Some(mut child) = self.child.take() else { return Ok(None) };
        // Fails only if it has ended already, which is what is wanted.
        child.kill().ok();
        let ended = child.wait().map_err(Error::io(format!("cannot wait for {}", self.name)))?;
        Ok(Some(ended.into()))
    }

    /// Freezes it (SIGSTOP).
    ///
    /// # Errors
    /// It does not run.
    pub fn stop(&self) -> Result<(), Error> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on after [`Service::stop`] (SIGCONT).
    ///
    /// # Errors
    /// It does not run.
    pub fn cont(&self) -> Result<(), Error> {
        self.signal(Signal::CONT)
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// It does not run, or does not stop.
    pub fn terminate(&mut self) -> Result<Ended, Error> {
        self.ask_to_stop()?;
        let what = format!("{} stops after SIGTERM", self.name);
        let ended = wait_for(&what, GRACE, || self.ended())?;
        self.child = None;
        Ok(ended)
    }

    /// Asks it to stop (SIGTERM), and does not wait.
    ///
    /// # Errors
    /// It does not run.
    pub fn ask_to_stop(&self) -> Result<(), Error> {
        self.signal(Signal::TERM)
    }

    /// How it ended, if it has. Does not forget it: it is not started again by itself.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn ended(&mut self) -> Result<Option<Ended>, Error> {
        let Some(child) = &mut self.child else { return Ok(None) };
        let ended = child.try_wait().map_err(Error::io(format!("cannot look at {}", self.name)))?;
        Ok(ended.map(Ended::from))
    }

    /// The last `lines` lines of its output; nothing where that cannot be read.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        let child = self.child.as_ref().ok_or_else(|| Error::Idle(self.name.clone()))?;
        kill_process(Pid::from_child(child), signal)
            .map_err(|error| Error::io(format!("cannot signal {}", self.name))(error.into()))
    }
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        status.code().map_or(Self::Killed, Self::Exited)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // What cannot be waited for any more is not there any more.
        let _ended = self.kill9();
    }
}

/// A command that becomes `program`. It is killed when the calling thread ends, however that comes, where the system can do that
/// (Linux).
///
/// # Errors
/// There is no `papo` beside this program.
pub fn mortal(program: &Path) -> Result<Command, Error> {
    // A process has to ask for that itself, before it becomes another program.
    let mut command = Command::new(beside("papo")?);
    command.args(DIES_WITH_PARENT).arg(std::process::id().to_string()).arg(program);
    if cfg!(target_os = "linux") {
        // Ctrl-C is for whoever started it, which then ends it in its own way.
        command.process_group(0);
    }
    Ok(command)
}

/// The binary of that name beside this program; a test's own executable is one folder deeper, in `deps`.
fn beside(binary: &str) -> Result<PathBuf, Error> {
    let own = std::env::current_exe().map_err(Error::io("where this program is"))?;
    let folder = own.parent().unwrap_or(Path::new(""));
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    existing(folder, binary)
}

fn existing(folder: &Path, binary: &str) -> Result<PathBuf, Error> {
    let program = folder.join(format!("{binary}{}", std::env::consts::EXE_SUFFIX));
    if program.exists() { Ok(program) } else { Err(Error::NoProgram(program)) }
}
