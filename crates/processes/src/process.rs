use std::path::{Path, PathBuf};

use crate::{Ended, Error, Service};

/// A [`Service`] for tests: what cannot be done fails the test.
#[derive(Debug)]
pub struct Process(Service);

impl Process {
    /// A service that does not run yet. Its output goes to the file `log`, one run after the other.
    ///
    /// # Panics
    /// When there is no such binary beside the running test.
    #[track_caller]
    pub fn new(name: &str, binary: &str, arguments: Vec<String>, log: PathBuf) -> Self {
        Self(sound(Service::new(name, binary, arguments, log)))
    }

    /// Takes its program from `folder` from the next start on: another release. `None` is the one beside this program.
    ///
    /// # Panics
    /// When it is not there.
    #[track_caller]
    pub fn comes_from(&mut self, folder: Option<&Path>) {
        sound(self.0.comes_from(folder));
    }

    /// The program that the next start runs.
    pub fn program(&self) -> &Path {
        self.0.program()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Starts it. It ends when the calling thread does, at the latest.
    ///
    /// # Panics
    /// When it runs already, or cannot be started.
    #[track_caller]
    pub fn start(&mut self) {
        sound(self.0.start());
    }

    /// Its command line.
    pub fn arguments(&self) -> &[String] {
        self.0.arguments()
    }

    /// Its process id, once started.
    pub fn pid(&self) -> Option<u32> {
        self.0.pid()
    }

    /// Whether it was started, and not killed or stopped by this handle since. It may have ended by itself.
    pub fn is_started(&self) -> bool {
        self.0.is_started()
    }

    /// Whether it was started, and has not ended since.
    pub fn is_running(&mut self) -> bool {
        self.ended().is_none() && self.is_started()
    }

    /// kill -9, and waits until it is gone. A frozen process dies too. Returns how it ended, which may have been before.
    #[track_caller]
    pub fn kill9(&mut self) -> Option<Ended> {
        sound(self.0.kill9())
    }

    /// Freezes it (SIGSTOP).
    #[track_caller]
    pub fn stop(&self) {
        sound(self.0.stop());
    }

    /// Lets it go on after [`Process::stop`] (SIGCONT).
    #[track_caller]
    pub fn cont(&self) {
        sound(self.0.cont());
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    ///
    /// # Panics
    /// When it does not run, or does not stop.
    #[track_caller]
    pub fn terminate(&mut self) -> Ended {
        sound(self.0.terminate())
    }

    /// Asks it to stop (SIGTERM), and does not wait.
    #[track_caller]
    pub fn ask_to_stop(&self) {
        sound(self.0.ask_to_stop());
    }

    /// How it ended, if it has. Does not forget it: it is not started again by itself.
    #[track_caller]
    pub fn ended(&mut self) -> Option<Ended> {
        sound(self.0.ended())
    }

    /// The last `lines` lines of its output.
    pub fn log_tail(&self, lines: usize) -> String {
        self.0.log_tail(lines)
    }
}

/// What a test cannot go on without.
#[track_caller]
pub(crate) fn sound<T>(outcome: Result<T, Error>) -> T {
    outcome.unwrap_or_else(|error| panic!("{error}"))
}
