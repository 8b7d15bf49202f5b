//! At a pseudo-terminal, with what a person would see taken from its other end.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use papo_wire::Service;
use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::stage::{LIMIT, Stage, until, wait};

struct Terminal {
    /// The other end; `None` once it is closed.
    other: Option<File>,
    seen: String,
    client: Child,
}

impl Terminal {
    fn start(stage: &Stage, arguments: &[&str]) -> Self {
        Self::of(stage.command(arguments))
    }

    fn of(mut command: Command) -> Self {
        let (master, slave) = pair();
        let side = || Stdio::from(slave.try_clone().expect("a copy"));
        command.stdin(side()).stdout(side()).stderr(Stdio::inherit());
        let client = command.spawn().expect("the program starts");
        Self { other: Some(File::from(master)), seen: String::new(), client }
    }

    fn type_in(&mut self, text: &str) {
        self.other.as_mut().expect("the terminal is open").write_all(text.as_bytes()).expect("it is open");
    }

    /// Waits until `text` is seen, and forgets all up to there.
    fn see(&mut self, text: &str) {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            assert!(Instant::now() < deadline, "waiting for {text:?}; there was {:?}", self.seen);
            self.look();
        }
    }

    /// Takes in what has been written. False when nobody can write any more.
    fn look(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.other.as_mut().expect("the terminal is open").read(&mut bytes) {
            Ok(0) => false,
            Ok(number) => {
                self.seen.push_str(&String::from_utf8_lossy(&bytes[..number]));
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(5));
                true
            }
            Err(_) => false,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.client.kill();
        let _ended = self.client.wait();
    }
}

fn pair() -> (OwnedFd, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).expect("it is ours");
    unlockpt(&master).expect("it is ours");
    let name = ptsname(&master, Vec::new()).expect("it has a name");
    let slave = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("it opens");
    fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK).expect("it does not block");
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&slave, size).expect("it has a size");
    (master, slave)
}

#[test]
fn an_arriving_message_is_put_above_the_line_being_typed() {
    let stage = Stage::new();
    let mut terminal = Terminal::start(&stage, &["--user", "ana", "--channel", "geral"]);
    terminal.see("ana@#geral> ");
    terminal.type_in("quase pro");
    terminal.see("o");
    stage.fake.say("bia", "geral", "interrompi?");
    terminal.see("interrompi?");
    // The line is drawn again, and goes on.
    terminal.see("quase pro");
    terminal.type_in("nto\r");
    terminal.see("quase pronto");
    terminal.see("✓");
    assert_eq!(stage.fake.chat().said()[1].message, "quase pronto");
}

#[test]
fn lines_that_are_pasted_at_once_are_all_carried_out() {
    let stage = Stage::new();
    let mut terminal = Terminal::start(&stage, &["--user", "ana", "--channel", "geral"]);
    terminal.see("ana@#geral> ");
    terminal.type_in("um\rdois\rtrês\r");
    terminal.see("três");
    until("all three", || stage.fake.chat().said().len() == 3);
    let texts: Vec<_> = stage.fake.chat().said().iter().map(|said| said.message.clone()).collect();
    assert_eq!(texts, ["um", "dois", "três"]);
}

#[test]
fn a_name_is_all_that_the_login_prompt_wants() {
    let stage = Stage::new();
    let mut terminal = Terminal::start(&stage, &[]);
    terminal.see("login> ");
    terminal.type_in("ana\r");
    terminal.see("você entrou como ana");
    terminal.see("ana> ");
}

#[test]
fn tab_completes_commands_and_names() {
    let stage = Stage::new();
    let mut terminal = Terminal::start(&stage, &["--user", "ana"]);
    terminal.see("ana> ");
    until("the names for completion", || {
        let chat = stage.fake.chat();
        chat.requests.iter().any(|request| request.service() == Service::Channels)
    });
    terminal.type_in("ent\tge\t\r");
    terminal.see("você está em #geral");
}

#[test]
fn ctrl_c_and_ctrl_d_end_it() {
    for key in ["\x03", "\x04"] {
        let stage = Stage::new();
        let mut terminal = Terminal::start(&stage, &["--user", "ana"]);
        terminal.see("ana> ");
        terminal.type_in(key);
        assert!(wait(&mut terminal.client).success());
    }
}

#[test]
fn with_stay_they_lead_back_to_the_login_prompt() {
    let stage = Stage::new();
    let mut terminal = Terminal::start(&stage, &["--stay", "--user", "ana"]);
    for leave in ["\x03", "\x04", "sair\r"] {
        terminal.see("ana> ");
        terminal.type_in(leave);
        terminal.see("login> ");
        terminal.type_in("ana\r");
    }
    terminal.see("ana> ");
}

/// Whenever it is pressed: while an answer is waited for, while the next prompt is drawn, or at the prompt. As long as nobody
/// types, the kernel makes a signal of it, for which the terminal has to be the client's own.
#[test]
fn no_ctrl_c_is_overlooked() {
    let stage = Stage::new();
    let client = stage.command(&["--stay", "--user", "ana", "--channel", "geral"]);
    let mut own = Command::new("setsid");
    own.arg("--ctty").arg(client.get_program()).args(client.get_args());
    own.envs(client.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let mut terminal = Terminal::of(own);
    for _ in 0..200 {
        terminal.see("ana@#geral> ");
        terminal.type_in("oi\r");
        terminal.see("✓");
        terminal.type_in("\x03");
        terminal.see("login> ");
        terminal.type_in("ana\r");
    }
}

#[test]
fn with_stay_it_outlives_its_terminal() {
    let stage = Stage::new();
    let mut terminal = Terminal::start(&stage, &["--stay", "--user", "ana"]);
    terminal.see("ana> ");
    terminal.other = None;
    let syncs = || {
        let chat = stage.fake.chat();
        chat.requests.iter().filter(|request| request.service() == Service::Sync).count()
    };
    let before = syncs();
    until("signs of life", || syncs() > before + 1);
    assert!(terminal.client.try_wait().expect("it is our child").is_none());
}

#[test]
fn no_colour_means_no_colour() {
    let stage = Stage::new();
    for (wanted, variable) in [(true, ""), (false, "1")] {
        let mut command = stage.command(&["--state", "/nonexistent"]);
        command.env("NO_COLOR", variable);
        let mut terminal = Terminal::of(command);
        terminal.type_in("/nada\rsair\r");
        while terminal.look() {}
        assert!(wait(&mut terminal.client).success());
        assert_eq!(terminal.seen.contains("\x1b[31m"), wanted, "{:?}", terminal.seen);
    }
}
