//! A child process that does not outlive this one.
//!
//! Linux sends a process a signal when its parent dies, if it asked for that itself, before it becomes another
//! program. So a child begins as `papo` again, in [`be_child`], asks, and then becomes the service.
//!
//! Elsewhere nobody sends that signal: there, children of a `papo` that is killed with SIGKILL go on, and the next one
//! says that their ports are in use.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use papo_service::Exit;
use rustix::process::{Pid, Signal, getppid, kill_process};

use super::plan::Program;

/// The subcommand that a child begins as.
pub(crate) const CHILD: &str = "__child";

/// What happens to a child whose parent is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// Killed: a service takes no harm, and must not hold its port.
    Kill,
    /// Asked to stop: a client has a terminal to put in order.
    Terminate,
}

/// A process that was started and not yet seen to end.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
}

impl Child {
    /// Starts a service: without input, with its log as output, out of reach of the terminal's Ctrl-C.
    pub(super) fn service(program: &Program, log: File) -> io::Result<Self> {
        let mut command = command(program, Fate::Kill)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        Ok(Self { process: command.spawn()? })
    }

    /// Starts the client: with the terminal, in the group that gets its Ctrl-C, and with a log for what it complains of.
    pub(super) fn client(program: &Program, log: File) -> io::Result<Self> {
        let mut command = command(program, Fate::Terminate)?;
        command.stderr(log);
        Ok(Self { process: command.spawn()? })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.process.try_wait()
    }

    /// Asks it to stop, also if it was frozen.
    pub(super) fn terminate(&self) -> io::Result<()> {
        self.signal(Signal::TERM)?;
        self.signal(Signal::CONT)
    }

    /// Ends it at once, and waits for that.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }

    /// Only until it was seen to end: afterwards its number may be another's.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        match kill_process(Pid::from_child(&self.process), signal) {
            // It ended by itself, and was not looked at yet.
            Err(rustix::io::Errno::SRCH) => Ok(()),
            sent => Ok(sent?),
        }
    }
}

/// How a process ended, in words.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn command(program: &Program, fate: Fate) -> io::Result<Command> {
    // This very program, even if its file was replaced meanwhile.
    let this = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
    let mut command = Command::new(this);
    let fate = match fate {
        Fate::Kill => "kill",
        Fate::Terminate => "terminate",
    };
    command
        .args([CHILD, fate])
        .arg(std::process::id().to_string())
        .arg(&program.path)
        .args(&program.arguments);
    // Settings of this program are not those of its children.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(name)) {
        command.env_remove(name);
    }
    Ok(command)
}

fn is_setting(variable: &OsStr) -> bool {
    variable.to_str().is_some_and(|name| name.starts_with("PAPO_") && name != "PAPO_LOG_LEVEL")
}

/// The first thing that a child does: `__child FATE PARENT PROGRAM ARGUMENTS...`. Returns only where it fails.
pub(crate) fn be_child(arguments: Vec<OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let (fate, parent) = (arguments.next(), arguments.next());
    let parent = parent.and_then(|pid| pid.to_str()?.parse().ok()).and_then(Pid::from_raw);
    let (Some(fate), Some(parent), Some(program)) = (fate, parent, arguments.next()) else {
        eprintln!("papo: this is for papo itself; start with `papo local`");
        return Exit::Usage.into();
    };
    let signal = if fate == "kill" { Signal::KILL } else { Signal::TERM };
    if let Err(error) = die_with_parent(signal) {
        eprintln!("papo: the death of the parent would not be noticed: {error}");
    }
    if getppid() != Some(parent) {
        // It died before it could be asked to tell.
        return Exit::Failed.into();
    }
    let error = Command::new(&program).args(arguments).exec();
    eprintln!("papo: {} cannot be started: {error}", program.to_string_lossy());
    Exit::Config.into()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn die_with_parent(signal: Signal) -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(signal))?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn die_with_parent(_: Signal) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_do_not_inherit_settings() {
        assert!(is_setting(OsStr::new("PAPO_PORT")));
        assert!(is_setting(OsStr::new("PAPO_CONFIG")));
        assert!(!is_setting(OsStr::new("PAPO_LOG_LEVEL")));
        assert!(!is_setting(OsStr::new("PATH")));
    }

    #[test]
    fn an_ending_is_told_in_words() {
        assert_eq!(describe(ExitStatus::from_raw(74 << 8)), "exit code 74");
        assert_eq!(describe(ExitStatus::from_raw(9)), "killed by signal 9");
    }
}
