//! `papo local` at a terminal, as `make run` leaves a person with it.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::json;
use tempfile::TempDir;

use super::{Local, PATIENCE, lowest_port};

/// A `papo local` with its client, and the other end of its terminal.
struct Terminal {
    other: File,
    seen: String,
    papo: Child,
}

impl Terminal {
    fn start(home: &TempDir, lowest: u16) -> Self {
        let (master, slave) = pair();
        let side = || Stdio::from(slave.try_clone().expect("a copy"));
        // A terminal of its own, so that Ctrl-C is a signal to all that are in its foreground.
        let papo = Command::new("setsid")
            .args(["--ctty", env!("CARGO_BIN_EXE_papo"), "local"])
            .arg(format!("--ports={lowest}"))
            .arg(format!("--data={}", home.path().join("data").display()))
            .env_clear()
            .env("HOME", home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("it starts");
        Self { other: File::from(master), seen: String::new(), papo }
    }

    fn type_in(&mut self, text: &str) {
        self.other.write_all(text.as_bytes()).expect("the terminal is open");
    }

    /// Waits until `text` is seen, and forgets all up to there.
    #[track_caller]
    fn see(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            assert!(Instant::now() < deadline, "waiting for {text:?}; there was {:?}", self.seen);
            assert!(self.look(), "waiting for {text:?}; it ended, and there was {:?}", self.seen);
        }
    }

    /// Waits for its end, taking in all that is written until then.
    #[track_caller]
    fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.papo.try_wait().expect("it is our child") {
                while self.look_now() {}
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end; there was {:?}", self.seen);
            self.look();
        }
    }

    /// Takes in what has been written, or waits a moment. False when nobody can write any more.
    fn look(&mut self) -> bool {
        if self.look_now() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
        self.papo.try_wait().expect("it is our child").is_none()
    }

    /// Takes in what has been written; false where nothing was.
    fn look_now(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.other.read(&mut bytes) {
            Ok(number) => {
                self.seen.push_str(&String::from_utf8_lossy(&bytes[..number]));
                number > 0
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(_) => false,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.papo.kill();
        let _ended = self.papo.wait();
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

/// A person says something, and ends it with `leave`: everything is stopped, and what was said is there next time.
fn say_and_leave(leave: &str) {
    let home = tempfile::tempdir().expect("a directory");
    let lowest = lowest_port();
    let mut terminal = Terminal::start(&home, lowest);
    terminal.see("Papo is running after");
    terminal.see("login> ");
    terminal.type_in("ana\r");
    terminal.see("ana> ");
    terminal.type_in("canal geral\r");
    terminal.see("ana@#geral> ");
    terminal.type_in("bom dia\r");
    terminal.see("✓");
    terminal.type_in(leave);
    let status = terminal.end();
    assert!(status.success(), "{status}; there was {:?}", terminal.seen);
    assert!(terminal.seen.contains("papo: stopping"), "{:?}", terminal.seen);
    assert!(!terminal.seen.contains("is killed"), "somebody did not stop by itself: {:?}", terminal.seen);

    let mut local = Local::new(&home, lowest, &[]);
    assert!(local.is_silent(), "something was left running");
    assert!(!Path::new(&local.data).join("processes.json").exists(), "a stopped system has no processes");
    local.start();
    let answer = local.ask("history", &json!({"channel": "geral"}));
    assert_eq!(answer.data["messages"][0]["message"], "bom dia", "{answer:?}");
    local.stop();
}

#[test]
fn sair_stops_everything_and_the_data_is_there_next_time() {
    say_and_leave("sair\r");
}

#[test]
fn ctrl_c_in_the_client_stops_everything_and_the_data_is_there_next_time() {
    say_and_leave("\x03");
}
