//! People who talk while things break, and write down what they are answered and shown.

mod crowd;
mod person;
mod plain;
mod record;
mod settings;
mod words;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use papo_audit::{JournalError, Recorder};
use papo_client::{Client, Events, Handle, SessionId, SessionOptions, StartError, Timing};
use papo_transport::{OpenError, ZmqContext};

pub use record::{FailedRequest, LoadRecord};
pub use settings::LoadSettings;

use crate::{Reach, Timeline};
use crowd::Crowd;
use plain::Plain;

/// The longest that the loop sleeps: it also looks whether it shall stop.
const NAP: Duration = Duration::from_millis(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// The name of the ledger in its folder.
const LEDGER: &str = "ledger.jsonl";

/// Clients at work on threads of their own, until [`Load::finish`]; or until this is dropped, and then nothing is waited for.
#[derive(Debug)]
pub struct Load {
    _end: End,
    shared: Arc<Shared>,
    orders: Sender<Duration>,
    talking: JoinHandle<Crowd>,
    plain: Vec<JoinHandle<()>>,
    recorder: Recorder,
    began: Duration,
    settings: LoadSettings,
}

/// Ends the threads of a load that nobody holds any more.
#[derive(Debug)]
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
        self.0.give_up.store(true, Ordering::Relaxed);
    }
}

/// A load could not be started, or not be written down.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The client library could not be started.
    #[error(transparent)]
    Client(#[from] StartError),
    /// No sockets.
    #[error(transparent)]
    Socket(#[from] OpenError),
    /// No thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The ledger cannot be written. Nothing may be concluded from what is there of it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A thread of the load ended by a fault of its own; its message is in the log.
    #[error("a client of the load panicked")]
    Panicked,
}

/// Too few messages were acknowledged in time.
#[derive(Debug, thiserror::Error)]
#[error("{acknowledged} messages were acknowledged within {within:?}, and {expected} were waited for")]
pub struct NotServed {
    expected: u64,
    acknowledged: u64,
    within: Duration,
}

/// What all threads of a load share.
#[derive(Debug)]
struct Shared {
    timeline: Timeline,
    recorder: Recorder,
    acknowledged: AtomicU64,
    failures: Mutex<Vec<FailedRequest>>,
    troubles: Mutex<Vec<String>>,
    /// The channels, once they are there.
    channels: OnceLock<Vec<String>>,
    /// Nothing new is to be said.
    stop: AtomicBool,
    /// Nobody waits for answers any more.
    give_up: AtomicBool,
}

impl Load {
    /// Begins: everybody comes in under a fresh name, and talks as soon as the channels are there.
    ///
    /// # Errors
    /// The system has no sockets or threads left, or the ledger cannot be made.
    pub fn start(reach: &Reach, settings: &LoadSettings, timeline: &Timeline) -> Result<Self, LoadError> {
        let began = timeline.now();
        let recorder = match &settings.ledger {
            Some(folder) => Recorder::with_journal(&folder.join(LEDGER))?,
            None => Recorder::new(),
        };
        let shared = Arc::new(Shared::new(timeline.clone(), recorder.clone()));
        let end = End(Arc::clone(&shared));
        let context = ZmqContext::new();
        let mut plain = Vec::new();
        for number in 0..settings.plain {
            let client = Plain::new(number, &context, &reach.brokers, settings, Arc::clone(&shared))?;
            let thread = thread::Builder::new().name(format!("plain-{number}"));
            plain.push(thread.spawn(move || client.talk())?);
        }
        let (handle, events) = Client::start(&context, &reach.client_settings())?;
        let crowd = Crowd::new(settings.clone(), Arc::clone(&shared));
        let sessions: Vec<SessionId> =
            (0..crowd.people().len()).map(|_| handle.open(session(settings))).collect();
        let people = sessions.iter().enumerate().map(|(person, session)| (*session, person)).collect();
        let (orders, taken) = mpsc::channel();
        let talker = Talker { crowd, handle, events, sessions, people, taken, began: Instant::now() };
        let talking = thread::Builder::new().name("load".to_owned()).spawn(move || talker.run())?;
        Ok(Self { _end: end, shared, orders, talking, plain, recorder, began, settings: settings.clone() })
    }

    /// How many messages were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// How many messages failed so far: see [`LoadRecord::failures`].
    pub fn failed(&self) -> usize {
        self.shared.failures.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Waits until `count` more messages were acknowledged.
    ///
    /// # Errors
    /// They were not within `limit`.
    pub fn wait_for_more(&self, count: u64, limit: Duration) -> Result<(), NotServed> {
        let (before, began) = (self.acknowledged(), Instant::now());
        while self.acknowledged() < before + count {
            if began.elapsed() >= limit {
                let acknowledged = self.acknowledged() - before;
                return Err(NotServed { expected: count, acknowledged, within: limit });
            }
            thread::sleep(BETWEEN_LOOKS);
        }
        Ok(())
    }

    /// Ends: nobody says anything new; everybody repeats what is open until it is answered, for at most `patience`; then
    /// everybody gets as long again to be shown what they missed.
    ///
    /// # Errors
    /// The ledger's file is not complete, or a thread of the load panicked.
    pub fn finish(self, patience: Duration) -> Result<LoadRecord, LoadError> {
        let stopped = self.shared.timeline.now();
        self.shared.stop.store(true, Ordering::Relaxed);
        // Who has ended by a panic takes no orders, and is joined next.
        self.orders.send(patience).ok();
        let crowd = self.talking.join().map_err(|_| LoadError::Panicked)?;
        self.shared.give_up.store(true, Ordering::Relaxed);
        for thread in self.plain {
            thread.join().map_err(|_| LoadError::Panicked)?;
        }
        let speakers =
            crowd.people().iter().filter(|person| person.speaks()).map(|person| person.name.clone());
        Ok(LoadRecord {
            seed: self.settings.seed,
            began: self.began,
            stopped,
            period: self.settings.period(),
            speakers: speakers.collect(),
            failures: self.shared.take_failures(),
            troubles: self.shared.take_troubles(),
            ledger: self.recorder.finish()?,
        })
    }
}

fn session(settings: &LoadSettings) -> SessionOptions {
    let timing = Timing {
        retry: settings.retry,
        deadline: settings.deadline,
        // Sooner than for people: a drill waits at its end until everybody knows that nothing is missing.
        quiet: Duration::from_secs(1),
        ..Timing::default()
    };
    SessionOptions { timing, progress: true }
}

/// The thread that carries between the crowd and the client library.
struct Talker {
    crowd: Crowd,
    handle: Handle,
    events: Events,
    sessions: Vec<SessionId>,
    people: HashMap<SessionId, usize>,
    taken: Receiver<Duration>,
    began: Instant,
}

impl Talker {
    fn run(mut self) -> Crowd {
        while !self.crowd.has_ended() {
            match self.taken.try_recv() {
                Ok(patience) => self.crowd.stop(self.now(), patience),
                Err(TryRecvError::Empty) => {}
                // Nobody wants to know what comes of it.
                Err(TryRecvError::Disconnected) if !self.crowd.is_stopping() => break,
                Err(TryRecvError::Disconnected) => {}
            }
            self.crowd.elapsed(self.now());
            self.carry_out();
            let nap = self.crowd.deadline().map_or(NAP, |at| at.saturating_sub(self.now()).min(NAP));
            let Ok((session, event)) = self.events.next_within(nap) else { continue };
            self.take(session, event);
            while let Ok((session, event)) = self.events.next_now() {
                self.take(session, event);
            }
        }
        self.handle.stop();
        self.crowd
    }

    fn take(&mut self, session: SessionId, event: papo_client::Event) {
        let Some(person) = self.people.get(&session) else { return };
        self.crowd.told(*person, event, self.began.elapsed());
        self.carry_out();
    }

    fn carry_out(&mut self) {
        for order in self.crowd.orders() {
            self.handle.ask_as(self.sessions[order.person], order.id, order.ask, None);
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Shared {
    fn new(timeline: Timeline, recorder: Recorder) -> Self {
        Self {
            timeline,
            recorder,
            acknowledged: AtomicU64::new(0),
            failures: Mutex::default(),
            troubles: Mutex::default(),
            channels: OnceLock::new(),
            stop: AtomicBool::new(false),
            give_up: AtomicBool::new(false),
        }
    }

    fn failed(&self, request_id: &str, reason: &str) {
        let at = self.timeline.now();
        let failure = FailedRequest { at, request_id: request_id.to_owned(), reason: reason.to_owned() };
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    }

    fn trouble(&self, sentence: String) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).push(sentence);
    }

    fn take_failures(&self) -> Vec<FailedRequest> {
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take_troubles(&self) -> Vec<String> {
        std::mem::take(&mut *self.troubles.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
