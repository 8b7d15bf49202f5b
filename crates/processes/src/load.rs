//! People who talk while things break, and write down what they were answered.

mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use papo_audit::{Event, Ledger, Recorder, Topic};

use crate::system::PATIENCE;
use crate::{Cluster, Listener, until};
use writer::Writer;

/// The channel that everybody talks in.
const CHANNEL: &str = "geral";
/// When a listener has heard nothing for this long after everybody stopped, it has heard all it will.
const SILENCE: Duration = Duration::from_millis(300);

/// Who talks, and how much.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// How many writers, each with one request at a time.
    pub writers: usize,
    /// What each waits between requests, so that a slow machine has time for the services.
    pub pause: Duration,
    /// The proxies (counted from 1) at which somebody listens. What a proxy that is killed and started again forwards
    /// twice is no fault, so listen at those only that live through the test.
    pub listen_at: Vec<usize>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { writers: 4, pause: Duration::from_millis(8), listen_at: vec![] }
    }
}

/// What all writers together have seen.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: AtomicU64,
    errors: AtomicU64,
    slowest_us: AtomicU64,
}

impl Tally {
    /// A request has its final answer, so long after it was first asked.
    fn settled(&self, waited: Duration) {
        let waited = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.slowest_us.fetch_max(waited, Ordering::Relaxed);
    }
}

/// Plain clients at work, until [`Load::finish`]. They repeat through another broker, under the same id, what was not
/// answered; send some requests twice on purpose, through two brokers; and read what they wrote.
#[derive(Debug)]
pub struct Load {
    recorder: Recorder,
    stop: Arc<AtomicBool>,
    tally: Arc<Tally>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins.
    pub fn start(cluster: &Cluster, options: &LoadOptions) -> Self {
        let recorder = Recorder::new();
        let stop = Arc::new(AtomicBool::new(false));
        let tally = Arc::new(Tally::default());
        let run = uuid::Uuid::new_v4().simple().to_string();
        let names: Vec<String> =
            (1..=options.writers).map(|n| format!("escritor-{n}-{}", &run[..6])).collect();
        let mut threads = Vec::new();
        for name in &names {
            let brokers = cluster.broker_ports();
            let writer = Writer::new(name, &names, brokers, recorder.clone(), tally.clone());
            let (stop, pause) = (stop.clone(), options.pause);
            threads.push(thread::spawn(move || writer.talk(&stop, pause)));
        }
        for &proxy in &options.listen_at {
            let (port, stop, recorder) = (cluster.proxy_port(proxy), stop.clone(), recorder.clone());
            let name = format!("ouvinte-{proxy}");
            threads.push(thread::spawn(move || listen(&name, port, &stop, &recorder)));
        }
        Self { recorder, stop, tally, threads }
    }

    /// How many requests were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.tally.acknowledged.load(Ordering::Relaxed)
    }

    /// The longest that anybody has waited so far from first asking something to its final answer.
    pub fn slowest(&self) -> Duration {
        Duration::from_micros(self.tally.slowest_us.load(Ordering::Relaxed))
    }

    /// How many answers so far were errors, those included that a retry made good.
    pub fn errors(&self) -> u64 {
        self.tally.errors.load(Ordering::Relaxed)
    }

    /// Waits until `count` more requests were acknowledged.
    ///
    /// # Panics
    /// When they are not: requests no longer succeed.
    #[track_caller]
    pub fn wait_for_more(&self, count: u64) {
        let goal = self.acknowledged() + count;
        let what = format!("{count} more requests are acknowledged");
        until(&what, PATIENCE, || (self.acknowledged() >= goal).then_some(()));
    }

    /// Ends: everybody settles the request that is open, and stops.
    ///
    /// # Panics
    /// When one of the threads did.
    pub fn finish(self) -> Ledger {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a client of the load failed; its message is above");
        }
        self.recorder.finish().expect("there is no journal to fail")
    }
}

/// Hears what old clients hear. It is owed nothing (a plain SUB socket misses what is said while it is not connected), but
/// nothing may come twice, or out of order.
fn listen(name: &str, port: u16, stop: &AtomicBool, recorder: &Recorder) {
    let listener = Listener::new(port, &[CHANNEL]);
    loop {
        let stopping = stop.load(Ordering::Relaxed);
        match listener.next(SILENCE) {
            Some((topic, data)) if topic == CHANNEL => {
                let index = data["index"].as_u64().expect("a publication tells its index");
                let request_id = data["request_id"].as_str().map(str::to_owned);
                recorder.record(name, Event::Shown { topic: Topic::Channel(topic), index, request_id });
            }
            Some((topic, _)) => panic!("a subscriber of {CHANNEL} was sent something of {topic}"),
            None if stopping => return,
            None => {}
        }
    }
}
