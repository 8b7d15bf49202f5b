use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use papo_transport::{ZmqContext, ZmqNet};
use serde_json::Value;

use crate::fake::Fake;

/// Nothing takes longer unless something is broken.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A fake chat with a channel `geral`, and a home for clients.
pub(crate) struct Stage {
    pub(crate) fake: Fake<ZmqNet>,
    pub(crate) home: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let context = ZmqContext::new();
        let fake = Fake::start(Arc::new(move || ZmqNet::new(&context).expect("a net")), 1, 1);
        fake.chat().add_channel("geral");
        Self { fake, home: tempfile::tempdir().expect("a directory") }
    }

    /// The program, with the arguments that it always needs here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cliente"));
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("TERM", "xterm")
            .env("TZ", "UTC")
            .args(["--broker", &self.fake.broker_address(0).to_string()])
            .args(["--proxy", &self.fake.proxy_address(0).to_string()])
            .args(arguments);
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Client {
        Client::start(self.command(arguments))
    }

    /// Feeds it lines and waits for its end.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> (Vec<String>, ExitStatus) {
        let mut client = self.start(arguments);
        client.write(input);
        client.close_input();
        let status = client.wait();
        (client.rest(), status)
    }
}

/// A running client between two pipes. Killed when it is dropped.
pub(crate) struct Client {
    pub(crate) process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Client {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = command.spawn().expect("the program starts");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let input = process.stdin.take();
        Self { process, input, lines }
    }

    pub(crate) fn write(&mut self, text: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(text.as_bytes()).expect("it reads");
    }

    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// The next line that holds `part`; those before it are skipped.
    pub(crate) fn line_with(&mut self, part: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        let mut skipped = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => skipped.push(line),
                Err(error) => panic!("waiting for {part:?}: {error}; there were {skipped:#?}"),
            }
        }
    }

    /// The next JSON object of that event.
    pub(crate) fn event(&mut self, event: &str) -> Value {
        let line = self.line_with(&format!("\"event\":\"{event}\""));
        serde_json::from_str(&line).expect("it is JSON")
    }

    /// All lines that are left once it has ended.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        self.lines.iter().collect()
    }

    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait(&mut self.process)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

pub(crate) fn wait(process: &mut Child) -> ExitStatus {
    let mut ended = None;
    until("the end of the process", || {
        ended = process.try_wait().expect("it is our child");
        ended.is_some()
    });
    ended.expect("it has ended")
}

/// Waits for a condition that nothing announces.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "waiting for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
