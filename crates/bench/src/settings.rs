use std::path::PathBuf;
use std::time::Duration;

use papo_service::Settings;

/// How fast Papo is on this machine, beside what the same path could do at most.
///
/// Starts three servidores, a broker and a proxy in a temporary directory, loads them through the broker with clients that
/// each wait for their answer, and prints a table. The same clients are first answered by servers that store nothing: the
/// ratio to those is what counts on a shared machine. Takes some minutes; --quick takes one.
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
    /// A directory on the disk to be measured
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    pub(crate) dir: PathBuf,
    /// Only how many writes a second
    #[arg(long)]
    pub(crate) only_throughput: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

impl Settings for BenchSettings {}
