use std::path::PathBuf;

use papo_audit::Ledger;

use crate::system::PATIENCE;
use crate::{Cluster, Ended, Process, until};

/// The real bot, at work on a cluster, with a ledger of its own.
#[derive(Debug)]
pub struct Bot {
    process: Process,
    ledger: PathBuf,
}

/// What a bot came to.
#[derive(Debug)]
pub struct BotEnd {
    /// Its own judgement: 0 all promises kept, 1 one broken.
    pub ended: Ended,
    /// What it wrote down.
    pub ledger: Ledger,
    /// The end of its output, for when its judgement is not as expected.
    pub tail: String,
}

impl Bot {
    /// Starts one that uses every broker and proxy, with further `arguments`.
    pub fn start(cluster: &Cluster, name: &str, arguments: &[&str]) -> Self {
        let at = |ports: Vec<u16>| -> String {
            let all: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
            all.join(",")
        };
        let ledger = cluster.directory().join(format!("{name}.jsonl"));
        let mut all = vec![
            format!("--broker={}", at(cluster.broker_ports())),
            format!("--proxy={}", at(cluster.proxy_ports())),
            format!("--ledger={}", ledger.display()),
            format!("--prefix={name}"),
            "--log-format=human".to_owned(),
        ];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let log = cluster.directory().join(format!("{name}.log"));
        let mut process = Process::new(name, "cliente_automatico", all, log);
        process.start();
        Self { process, ledger }
    }

    /// Tells it to stop, and waits for its judgement.
    ///
    /// # Panics
    /// When its ledger cannot be read.
    pub fn finish(mut self) -> BotEnd {
        let ended = self.process.terminate();
        self.end(ended)
    }

    /// Waits until it ends by itself: for one with a `--duration`.
    ///
    /// # Panics
    /// When it does not, or its ledger cannot be read.
    pub fn wait(mut self) -> BotEnd {
        let ended = until("the bot comes to its end", PATIENCE, || self.process.ended());
        self.end(ended)
    }

    fn end(self, ended: Ended) -> BotEnd {
        let file = std::fs::File::open(&self.ledger);
        let file = file.unwrap_or_else(|error| panic!("no ledger {}: {error}", self.ledger.display()));
        let ledger = Ledger::load(file).unwrap_or_else(|error| panic!("a bad ledger: {error}"));
        BotEnd { ended, ledger, tail: self.process.log_tail(60) }
    }
}

impl BotEnd {
    /// Fails the test unless the bot found every promise kept.
    #[track_caller]
    pub fn assert_content(&self) {
        assert_eq!(self.ended, Ended::Exited(0), "the bot is not content:\n{}", self.tail);
    }
}
