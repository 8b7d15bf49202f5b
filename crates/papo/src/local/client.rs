//! The client in this terminal.

use std::io::{self, stdin};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use papo_service::Failure;
use rustix::process::Signal;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::child::Child;
use super::home::Home;
use super::plan::Program;

/// How long the client may take to leave.
const GRACE: Duration = Duration::from_secs(2);

/// A client that has the terminal.
#[derive(Debug)]
pub(super) struct Client {
    child: Child,
    /// The terminal's state before it, if there is a terminal.
    terminal: Option<Termios>,
}

impl Client {
    pub(super) fn start(home: &Home, program: &Program) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::failed(format!("{}: {error}", program.path.display()));
        let terminal = tcgetattr(stdin()).ok();
        let child = home.log(&program.name).and_then(|log| Child::client(program, log)).map_err(failed)?;
        Ok(Self { child, terminal })
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let ended = self.child.ended()?;
        if ended.is_some() {
            self.restore_terminal();
        }
        Ok(ended)
    }

    /// Has it draw its line again, after something was written above it.
    pub(super) fn redraw(&self) -> io::Result<()> {
        self.child.signal(Signal::WINCH)
    }

    /// Ends it.
    pub(super) fn stop(mut self) -> io::Result<()> {
        self.child.terminate()?;
        let deadline = Instant::now() + GRACE;
        while self.child.ended()?.is_none() {
            if Instant::now() >= deadline {
                self.child.kill()?;
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.restore_terminal();
        Ok(())
    }

    /// A client that was killed leaves the terminal as it had it: without echo.
    fn restore_terminal(&self) {
        if let Some(before) = &self.terminal
            && let Err(error) = tcsetattr(stdin(), OptionalActions::Drain, before)
        {
            tracing::warn!("the terminal may need `reset`: {error}");
        }
    }
}
