use std::path::PathBuf;
use std::time::Duration;

/// Who talks in a drill, and how much.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadSettings {
    /// Clients that talk through sessions of the client library: they repeat what is not answered, read what was said, and
    /// are owed what is said to them in private. At least one.
    pub clients: usize,
    /// Messages a second of all those clients together, when all is well. Each waits for its answer before it says the next,
    /// so there are fewer while answers are late.
    pub rate: f64,
    /// Plain clients as old ones are: one request at a time, sent again under the same id when nothing or an error comes back;
    /// now and then also when it was acknowledged. They see each error that the clients above retry away.
    pub plain: usize,
    /// Clients that say nothing and follow every channel.
    pub followers: usize,
    /// How many channels there are. At least one.
    pub channels: usize,
    /// What names and texts are made from. Ids of requests are not: the cluster remembers those of an earlier drill.
    pub seed: u64,
    /// A folder for `ledger.jsonl`, which is written as it happens, and must not be there yet.
    pub ledger: Option<PathBuf>,
    /// When a client sends an unanswered message again. Part of every pause that begins with a request that got lost on its way.
    pub retry: Duration,
    /// When a client gives a message up and counts it as failed. It is still asked for, so that its outcome is known.
    pub deadline: Duration,
}

impl Default for LoadSettings {
    /// 8 clients and 2 followers in 2 channels, 200 messages a second, a plain client; retries after 0.5 s, failure after 15 s.
    fn default() -> Self {
        Self {
            clients: 8,
            rate: 200.0,
            plain: 1,
            followers: 2,
            channels: 2,
            seed: 0,
            ledger: None,
            retry: Duration::from_millis(500),
            deadline: Duration::from_secs(15),
        }
    }
}

impl LoadSettings {
    /// How long a client waits between two messages.
    pub fn period(&self) -> Duration {
        Duration::from_secs_f64(self.clients.max(1) as f64 / self.rate.max(0.01))
    }
}
