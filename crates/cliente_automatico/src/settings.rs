use std::path::PathBuf;
use std::time::Duration;

use papo_service::{Mistake, Settings, duration};
use papo_transport::HostPort;

/// The bot: logs in, talks, and checks that the chat keeps its promises.
///
/// Each of its users takes a fresh name, follows every channel of --channels (the first user
/// creates those that are missing) and talks: in a channel, or in private to another user of the
/// same bot. Some requests are sent a second time under the same id, through another broker.
/// Everything that is attempted, answered and shown goes into a ledger; every --round, and at the
/// end, the history is read again and held against it:
///
///   P1  what was acknowledged is there       P5  nobody reads backwards
///   P2  nothing took effect twice            P8  everybody was shown everything, once, in order
///   P4  causes come before their effects
///
/// Without --duration it runs until it is stopped (SIGTERM, Ctrl-C), and logs a line every 10 s.
/// With it, it ends with a summary. Exit code 0: every promise held; 1: one was broken, or (with
/// --duration) not everything could be checked.
///
///   cliente_automatico --broker 127.0.0.1:5557 --proxy 127.0.0.1:5556 --rate 5
///   cliente_automatico --users 50 --rate 200 --duration 30s --ledger ledger.jsonl
///
/// Every setting can be given as a flag, as an environment variable (PAPO_RATE), or in a YAML file
/// (rate: 200); the first of them wins.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "cliente_automatico", version, verbatim_doc_comment)]
pub(crate) struct BotSettings {
    /// Where the brokers are; every address of each name is used
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',', default_value = "broker:5557")]
    pub(crate) broker: Vec<HostPort>,
    /// Where the proxies are; every address of each name is used
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',', default_value = "proxy:5556")]
    pub(crate) proxy: Vec<HostPort>,
    /// What the names of its users begin with; random letters follow
    #[arg(long, value_name = "TEXT", default_value = "bot")]
    pub(crate) prefix: String,
    /// How many users talk
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) users: u32,
    /// Messages a second, of all users together; each user waits for one answer before the next request
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = rate)]
    pub(crate) rate: f64,
    /// Channels to talk in
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', default_value = "geral,random")]
    pub(crate) channels: Vec<String>,
    /// Share of the messages that are private, 0 to 1 (none if there is but one user)
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    pub(crate) private_share: f64,
    /// Share of the messages that are sent a second time under the same id, through another broker, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = share)]
    pub(crate) duplicate_share: f64,
    /// Talk for so long, then check, print a summary and end [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// How often to stop talking for a moment, read the history again and check
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) round: Duration,
    /// Also write the ledger to this file, which must not exist: one JSON object a line, each before the bot goes on
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Settings for BotSettings {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.channels.iter().all(String::is_empty) {
            mistakes.push(Mistake::new("channels", "is empty: name at least one"));
        }
        if self.prefix.is_empty() || self.prefix.len() > 40 {
            mistakes.push(Mistake::new("prefix", "must be 1 to 40 bytes"));
        }
        if self.round < Duration::from_secs(1) {
            mistakes.push(Mistake::new("round", "must be 1s or more"));
        }
        mistakes
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 1_000_000.0 => Ok(rate),
        _ => Err("a number above 0, up to 1000000".to_owned()),
    }
}
