//! A program at a pseudo-terminal, with what a person would see taken from its other end.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// How long nothing is looked for after nothing was there.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// A program at a terminal of its own, for tests: what cannot be done fails the test. Killed when it is dropped.
#[derive(Debug)]
pub struct Terminal {
    /// The other end; `None` once it is closed.
    other: Option<File>,
    seen: String,
    program: Child,
    patience: Duration,
}

impl Terminal {
    /// Starts `command` with a terminal of 24 lines of 100 columns as its input, output and standard error. Nothing that is waited for
    /// may take longer than `patience`.
    ///
    /// The terminal does not control it: for Ctrl-C to be a signal, `command` has to be `setsid --ctty` of the program.
    ///
    /// # Panics
    /// When there is no terminal, or it does not start.
    #[track_caller]
    pub fn start(mut command: Command, patience: Duration) -> Self {
        let (master, slave) = pair();
        let side = || Stdio::from(slave.try_clone().expect("a copy"));
        command.stdin(side()).stdout(side()).stderr(side());
        let program = command.spawn().expect("the program starts");
        Self { other: Some(File::from(master)), seen: String::new(), program, patience }
    }

    /// Presses these keys.
    ///
    /// # Panics
    /// When the terminal is closed.
    #[track_caller]
    pub fn type_in(&mut self, text: &str) {
        self.other().write_all(text.as_bytes()).expect("the terminal takes it");
    }

    /// Waits until `text` is seen, and forgets all up to there.
    ///
    /// # Panics
    /// When it is not seen in time, or nobody is left who could write it.
    #[track_caller]
    pub fn see(&mut self, text: &str) {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            assert!(Instant::now() < deadline, "waiting for {text:?}; there was {:?}", self.seen);
            assert!(self.look(), "waiting for {text:?}; it ended, and there was {:?}", self.seen);
        }
    }

    /// Waits until the program has ended and nobody else is at the terminal, taking in all that is written until then.
    ///
    /// # Panics
    /// When that is not so in time.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + self.patience;
        while self.look() {
            assert!(Instant::now() < deadline, "somebody stays at the terminal; there was {:?}", self.seen);
        }
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end; there was {:?}", self.seen);
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// How the program ended, if it has.
    ///
    /// # Panics
    /// When that cannot be asked.
    #[track_caller]
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.program.try_wait().expect("it is our child")
    }

    /// What was seen and not forgotten by [`Terminal::see`].
    pub fn seen(&self) -> &str {
        &self.seen
    }

    /// Closes the window.
    pub fn close(&mut self) {
        self.other = None;
    }

    #[track_caller]
    fn other(&mut self) -> &mut File {
        self.other.as_mut().expect("the terminal is open")
    }

    /// Takes in what has been written, or waits a moment. False when nobody can write any more.
    #[track_caller]
    fn look(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.other().read(&mut bytes) {
            Ok(0) => false,
            Ok(number) => {
                self.seen.push_str(&String::from_utf8_lossy(&bytes[..number]));
                true
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(BETWEEN_LOOKS);
                true
            }
            // Linux says so when the last one has closed its side.
            Err(_) => false,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.program.kill();
        let _ended = self.program.wait();
    }
}

fn pair() -> (OwnedFd, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).expect("it is ours");
    unlockpt(&master).expect("it is ours");
    let name = ptsname(&master, Vec::new()).expect("it has a name");
    let slave = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("it opens");
    fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK).expect("it does not block");
    let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&slave, size).expect("it has a size");
    (master, slave)
}
