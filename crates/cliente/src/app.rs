//! The threads and what they share: one reads what is typed, one tells what happens, one hears signals.
//!
//! Everything meets at the [`Controller`] behind one lock. What is told is told under that lock too, so that the order on the screen
//! is the order in which things happened.

mod input;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use papo_client::{Client, ClientSettings, Event, Events, Handle, SessionId};
use papo_service::{Boot, Exit, Failure};
use papo_transport::ZmqContext;

use self::input::Input;
use crate::complete::complete;
use crate::controller::{Controller, Notice, Options};
use crate::output::{OutputFormat, Paint, Text};
use crate::settings::ClienteSettings;
use crate::signals::{self, Signal};
use crate::state::StateDir;
use crate::terminal::{self, Assistant, Guard, Screen, Urgency};

/// As good as for ever.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// How long a person's last messages may take to be answered when they leave.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long a process that was told to end may take to write down what it has to.
const PUT_AWAY: Duration = Duration::from_secs(1);
/// How many events are told before positions are written.
const BATCH: usize = 256;

/// What the threads share.
pub(crate) struct Shared {
    controller: Mutex<Controller<Handle>>,
    /// The controller is not busy any more, or somebody has pressed Ctrl-C.
    changed: Condvar,
    /// Ctrl-C was pressed while nothing was being typed. Noted by the signal's handler itself, so that it is there before
    /// anything that is done about the terminal later.
    interrupted: Arc<AtomicBool>,
    screen: Screen,
    format: OutputFormat,
}

/// Runs the client until the person leaves.
pub(crate) fn run(boot: Boot<ClienteSettings>) -> Result<(), Failure> {
    let settings = boot.settings;
    let at_terminal = terminal::is_terminal() && !settings.json;
    let guard = Guard::new();
    let variable = |name: &str| std::env::var(name).ok();
    let paint = Paint::new(at_terminal, variable);
    let state = StateDir::new(settings.state.clone(), |name| std::env::var_os(name).map(Into::into));

    let (handle, events) = Client::start(
        &ZmqContext::new(),
        &ClientSettings {
            brokers: settings.broker.clone(),
            proxies: settings.proxy.clone(),
            ..ClientSettings::new(settings.broker[0].clone(), settings.proxy[0].clone())
        },
    )?;
    let controller = Controller::new(
        handle,
        Options {
            state: state.clone(),
            channel: settings.channel.clone(),
            login_patience: (at_terminal || settings.stay).then_some(FOR_EVER),
        },
    );
    let format = if settings.json {
        OutputFormat::Json
    } else {
        OutputFormat::Text(Text { paint, zone: jiff::tz::TimeZone::system() })
    };
    let screen = Screen::new();
    screen.start()?;
    let shared = Arc::new(Shared {
        controller: Mutex::new(controller),
        changed: Condvar::new(),
        interrupted: Arc::default(),
        screen,
        format,
    });
    tell_events(&shared, events)?;
    hear_signals(&shared, guard, settings.stay)?;

    let stay = settings.stay;
    let mut input = Input::new(Arc::clone(&shared), settings, paint, state);
    input.begin();
    input.run();
    // A person's failures have been seen by that person.
    let failed = shared.with(|controller| controller.has_failed()) && !at_terminal && !stay;
    if failed { Err(Failure::failed("not every command succeeded")) } else { Ok(()) }
}

fn tell_events(shared: &Arc<Shared>, events: Events) -> Result<(), Failure> {
    let shared = Arc::clone(shared);
    thread::Builder::new().name("events".to_owned()).spawn(move || {
        while let Some(first) = events.next() {
            shared.happened(first, &events);
        }
    })?;
    Ok(())
}

fn hear_signals(shared: &Arc<Shared>, guard: Guard, stay: bool) -> Result<(), Failure> {
    let shared = Arc::clone(shared);
    if stay {
        signals::note_interrupts(&shared.interrupted)?;
    }
    signals::hear(move |signal| match signal {
        Signal::Window => shared.screen.redraw(),
        Signal::Interrupt if stay => {
            // Whoever is about to wait has looked at the note under the lock.
            drop(shared.lock());
            shared.changed.notify_all();
        }
        Signal::HangUp if stay => {}
        Signal::Interrupt | Signal::HangUp | Signal::Terminate => {
            // The reader may be in the middle of a line, and cannot be called back from there.
            shared.put_away(signal == Signal::Interrupt);
            guard.restore();
            std::process::exit(Exit::Ok as i32);
        }
    })?;
    Ok(())
}

impl Shared {
    /// Has the controller do something, and tells what came of it.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Controller<Handle>) -> T) -> T {
        let mut controller = self.lock();
        let result = act(&mut controller);
        self.tell(&mut controller);
        result
    }

    /// Waits until the controller is not busy (true), `limit` has passed, or Ctrl-C was pressed.
    pub(crate) fn wait_while_busy(&self, limit: Duration) -> bool {
        self.wait_while(limit, Controller::is_busy)
    }

    /// Waits until everything is answered (true), `limit` has passed, or Ctrl-C was pressed.
    pub(crate) fn wait_for_answers(&self, limit: Duration) -> bool {
        self.wait_while(limit, Controller::is_waiting)
    }

    /// Waits until everything that was said is answered (true), `limit` has passed, or Ctrl-C was pressed.
    pub(crate) fn wait_for_words(&self, limit: Duration) -> bool {
        self.wait_while(limit, Controller::is_speaking)
    }

    /// Whether Ctrl-C was pressed while nothing was being typed.
    pub(crate) fn take_interrupt(&self) -> bool {
        self.interrupted.swap(false, Ordering::SeqCst)
    }

    /// Tells that a moment should pass, unless Ctrl-C is pressed.
    pub(crate) fn pause(&self, limit: Duration) {
        self.wait_while(limit, |_| true);
    }

    /// Keeps what has to be kept, before the process ends. Who presses Ctrl-C leaves; who is interrupted otherwise comes back
    /// with the next run.
    fn put_away(&self, leave: bool) {
        // Somebody may hold the lock and wait for a terminal that takes no more output: the process must end all the same.
        let deadline = Instant::now() + PUT_AWAY;
        let mut controller = loop {
            match self.controller.try_lock() {
                Ok(controller) => break controller,
                Err(_) if Instant::now() >= deadline => return,
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        };
        controller.save();
        if leave {
            controller.log_out();
        }
        self.tell(&mut controller);
    }

    pub(crate) fn screen(&self) -> &Screen {
        &self.screen
    }

    fn wait_while(&self, limit: Duration, condition: impl Fn(&Controller<Handle>) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        let mut controller = self.lock();
        while condition(&controller) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.interrupted.load(Ordering::SeqCst) {
                return false;
            }
            controller =
                self.changed.wait_timeout(controller, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Takes an event and those that have come meanwhile, and then writes how far the person has read.
    fn happened(&self, first: (SessionId, Event), events: &Events) {
        let mut controller = self.lock();
        let more = std::iter::from_fn(|| events.next_now().ok());
        for (session, event) in std::iter::once(first).chain(more).take(BATCH) {
            controller.event(session, event);
            self.tell(&mut controller);
        }
        controller.save();
        self.tell(&mut controller);
        drop(controller);
        self.changed.notify_all();
    }

    fn tell(&self, controller: &mut Controller<Handle>) {
        for notice in controller.notices() {
            if let Some(text) = self.format.tell(&notice, controller.user()) {
                self.screen.print(urgency(&notice), &text);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Controller<Handle>> {
        self.controller.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Assistant for Shared {
    fn complete(&self, line: &str) -> (usize, Vec<String>) {
        complete(line, self.lock().known())
    }

    fn is_lost(&self) -> bool {
        self.lock().is_lost()
    }
}

fn urgency(notice: &Notice) -> Urgency {
    match notice {
        Notice::Connected { .. }
        | Notice::Lost
        | Notice::Estranged(_)
        | Notice::Unfollowed(_)
        | Notice::CaughtUp { .. }
        | Notice::Message(_)
        | Notice::Settled(_) => Urgency::InTurn,
        Notice::LoggedIn { .. }
        | Notice::LoggedOut { .. }
        | Notice::Following(_)
        | Notice::Entered { .. }
        | Notice::Pending { .. }
        | Notice::Answered { .. }
        | Notice::Users(_)
        | Notice::Channels { .. }
        | Notice::Page { .. }
        | Notice::Mistake(_)
        | Notice::Remark(_) => Urgency::Now,
    }
}
