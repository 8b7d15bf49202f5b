use std::path::{Path, PathBuf};
use std::time::Duration;

use papo_service::{Mistake, Settings};

/// How fast Papo is on this machine, beside what the same path could do at most.
///
/// Starts three servidores, a broker and a proxy in a temporary directory, loads them through the broker with clients that
/// each wait for their answer, and prints a table. The same clients are first answered by servers that store nothing: the
/// ratio to those is what counts on a shared machine. Then whatever clients could notice is killed, in a second system with two
/// brokers and two proxies.
///
/// Takes some minutes; `--duration 1s --messages 20000` takes one, and --only-throughput leaves out all but the writes.
///
/// Exit codes: 0 it was measured, 1 it could not be, 64 usage, 74 disk, 78 configuration.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "papo bench", version)]
pub(crate) struct BenchSettings {
    /// How many clients at a time, one run each
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,16,64,256")]
    pub(crate) clients: Vec<usize>,
    /// How long each run takes
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = papo_service::duration)]
    pub(crate) duration: Duration,
    /// Bytes of each message
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) bytes: usize,
    /// Messages in the channel whose pages are read, and that an empty servidor has to learn
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) messages: u64,
    /// A directory on the disk to be measured: everything that is started keeps its data there
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    pub(crate) dir: PathBuf,
    /// Only how many writes a second
    #[arg(long)]
    pub(crate) only_throughput: bool,
    /// Write JSON into FILE, besides the table. Alone or as `-`: to standard output, and the table to standard error
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(crate) json: Option<PathBuf>,
}

impl BenchSettings {
    /// Whether JSON is to go to standard output.
    pub(crate) fn prints_json(&self) -> bool {
        self.json.as_deref() == Some(Path::new("-"))
    }
}

impl Settings for BenchSettings {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.clients.contains(&0) {
            mistakes.push(Mistake::new("clients", "nobody would ask: use 1 or more"));
        }
        if self.duration.is_zero() {
            mistakes.push(Mistake::new("duration", "nothing would be measured"));
        }
        if !self.dir.is_dir() {
            mistakes.push(Mistake::new("dir", format!("{} is no directory", self.dir.display())));
        }
        mistakes
    }
}
