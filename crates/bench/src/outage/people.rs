//! People who talk by our own client library, and one who listens, with the times of what they see.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use papo_client::{Ask, Client, ClientSettings, Event, Events, Handle, SessionId, SessionOptions};
use papo_client::{Outcome, Service};
use papo_processes::wait_for;
use papo_service::Failure;
use papo_transport::ZmqContext;

use super::PATIENCE;
use crate::Bench;
use crate::system::{CHANNEL, System, at};

/// How many talk, each with one message at a time.
const TALKERS: usize = 8;
/// How soon they notice that they are to stop.
const TURN: Duration = Duration::from_millis(50);

/// What everybody saw, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Acknowledgements, of each talker.
    answered: Vec<Vec<Instant>>,
    /// Messages, at the listener.
    delivered: Vec<Instant>,
    /// What went wrong.
    failures: Vec<String>,
}

impl Seen {
    /// Whether everybody has seen that much.
    pub(super) fn is_busy(&self, times: usize) -> bool {
        self.everybody().all(|seen| seen.len() >= times)
    }

    /// Whether everybody has seen something after that moment.
    pub(super) fn is_busy_since(&self, moment: Instant) -> bool {
        self.everybody().all(|seen| seen.last().is_some_and(|last| *last > moment))
    }

    /// The longest span without an acknowledgement to one talker that ended after that moment.
    pub(super) fn longest_without_answer(&self, moment: Instant) -> Duration {
        self.answered.iter().map(|times| longest_gap(times, moment)).max().unwrap_or_default()
    }

    /// The same of deliveries.
    pub(super) fn longest_without_delivery(&self, moment: Instant) -> Duration {
        longest_gap(&self.delivered, moment)
    }

    /// How many requests did not end in an acknowledgement.
    pub(super) fn failed(&self) -> u64 {
        self.failures.len() as u64
    }

    fn everybody(&self) -> impl Iterator<Item = &Vec<Instant>> {
        self.answered.iter().chain([&self.delivered])
    }
}

/// The longest span between two neighbours of which the later one is after `moment`.
fn longest_gap(times: &[Instant], moment: Instant) -> Duration {
    let pairs = times.windows(2).filter(|pair| pair[1] > moment);
    pairs.map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

/// They, at work on a thread.
pub(super) struct People {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl People {
    /// Has them log in and begin, at all brokers and proxies.
    pub(super) fn start(system: &System, bench: &Bench) -> Result<Self, Failure> {
        let hosts = |ports: Vec<u16>| ports.into_iter().map(|port| at(port).into()).collect();
        let settings = ClientSettings {
            brokers: hosts(system.broker_ports()),
            proxies: hosts(system.proxy_ports()),
            refresh: Duration::from_secs(2),
        };
        let (handle, events) = Client::start(&ZmqContext::new(), &settings)?;
        let seen = Arc::new(Mutex::new(Seen { answered: vec![Vec::new(); TALKERS], ..Seen::default() }));
        let stop = Arc::new(AtomicBool::new(false));
        let scene = Scene::open(handle, seen.clone(), "x".repeat(bench.settings.bytes));
        let stopping = stop.clone();
        let thread =
            thread::Builder::new().name("people".to_owned()).spawn(move || scene.play(&events, &stopping))?;
        Ok(Self { seen, stop, thread })
    }

    /// Waits until what they saw is like that.
    pub(super) fn wait_for(
        &self,
        what: &str,
        bench: &Bench,
        holds: impl Fn(&Seen) -> bool,
    ) -> Result<(), Failure> {
        let waited = wait_for(what, PATIENCE, || {
            Ok((bench.shutdown.is_requested() || holds(&lock(&self.seen))).then_some(()))
        });
        bench.go_on()?;
        let failures = || lock(&self.seen).failures.join("; ");
        waited.map_err(|error| Failure::failed(format!("{error}. What went wrong: {}", failures())))
    }

    /// Has them stop, and tells what they saw.
    pub(super) fn finish(self) -> Result<Seen, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| Failure::broken_invariant("the people's thread has panicked"))?;
        let seen = lock(&self.seen).clone();
        Ok(seen)
    }
}

/// Who is who.
struct Scene {
    handle: Handle,
    talkers: Vec<SessionId>,
    listener: SessionId,
    seen: Arc<Mutex<Seen>>,
    text: String,
}

impl Scene {
    fn open(handle: Handle, seen: Arc<Mutex<Seen>>, text: String) -> Self {
        let talkers = (0..TALKERS).map(|_| handle.open(SessionOptions::default())).collect();
        let listener = handle.open(SessionOptions::default());
        Self { handle, talkers, listener, seen, text }
    }

    fn play(self, events: &Events, stop: &AtomicBool) {
        // Names are for good, and these are new people each time.
        let run = papo_client::RequestId::random();
        for (number, session) in self.talkers.iter().chain([&self.listener]).enumerate() {
            let user = format!("p{number}-{run}");
            self.handle.ask(*session, Ask::Login { user, saved: None });
        }
        while !stop.load(Ordering::Relaxed) {
            if let Ok((session, event)) = events.next_within(TURN) {
                self.see(session, event);
            }
        }
    }

    fn see(&self, session: SessionId, event: Event) {
        let now = Instant::now();
        match event {
            Event::LoggedIn { .. } if session == self.listener => {
                self.handle.ask(session, Ask::Join(CHANNEL.to_owned()));
            }
            Event::LoggedIn { .. } => self.talk(session),
            Event::Message(_) if session == self.listener => lock(&self.seen).delivered.push(now),
            Event::Answered(answered) => {
                let failure = answered.outcome.failure();
                if let Some(failure) = failure {
                    lock(&self.seen).failures.push(format!("{:?}: {failure}", answered.service));
                }
                if answered.service == Service::Publish {
                    if matches!(answered.outcome, Outcome::Stored(_)) {
                        self.note(session, now);
                    }
                    self.talk(session);
                }
            }
            _ => {}
        }
    }

    fn note(&self, session: SessionId, now: Instant) {
        if let Some(talker) = self.talkers.iter().position(|talker| *talker == session) {
            lock(&self.seen).answered[talker].push(now);
        }
    }

    fn talk(&self, session: SessionId) {
        let (channel, text) = (CHANNEL.to_owned(), self.text.clone());
        self.handle.ask(session, Ask::Publish { channel, text });
    }
}

/// Nothing is half done under this lock.
fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_counts_if_it_ended_after_the_kill() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let times = [at(0), at(900), at(910), at(1_400), at(1_500)];
        // The long pause was over; the one in which the kill fell is counted from before it.
        assert_eq!(longest_gap(&times, at(1_000)), Duration::from_millis(490));
        assert_eq!(longest_gap(&times, at(1_450)), Duration::from_millis(100));
        assert_eq!(longest_gap(&times, at(2_000)), Duration::ZERO);
    }
}
