//! The small process around the real one: starts it, serves its hooks, passes signals on, ends as it ended.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::child::CHILD;
use super::orders::{Demand, Line, Said};
use super::routes::{self, Told};
use crate::{Exit, Failure, http};

/// How long the child may take to do what it is told.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between the answer and the crash: for the answer to leave.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// Becomes the parent, and stays it until the child has ended. To be called on the thread that the process began with: the child
/// dies with the thread that started it.
pub(crate) fn run(service: &str, address: SocketAddr) -> ExitCode {
    match watch(service, address) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            tracing::error!("{service} ends: {failure}");
            failure.exit().into()
        }
    }
}

fn watch(service: &str, address: SocketAddr) -> Result<u8, Failure> {
    let listener = http::bind(address)
        .map_err(|error| Failure::config(format!("drill-listen: cannot listen on {address}: {error}")))?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before there is a child, so that no signal and no death of it is missed.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut deaths = signal(SignalKind::child())?;
        tracing::warn!(
            drill = %address,
            "drill hooks are enabled: whoever reaches this address can crash {service}, freeze it, cut it off and have it \
             lose messages"
        );
        let grip = Grip::start()?;
        serve(listener, Arc::clone(&grip))?;
        loop {
            if let Some(code) = reap(grip.pid)? {
                return Ok(code);
            }
            tokio::select! {
                _ = deaths.recv() => {}
                _ = terminate.recv() => grip.signal(Signal::TERM)?,
                _ = interrupt.recv() => grip.signal(Signal::INT)?,
            }
        }
    })
}

fn serve(listener: TcpListener, grip: Arc<Grip>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes::router(grip)).await {
            tracing::error!("drill hooks are no longer served: {error}");
        }
    });
    Ok(())
}

/// Takes note of every child that has ended, as PID 1 of a container must; tells the exit code once the service is among them.
fn reap(service: Pid) -> io::Result<Option<u8>> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == service => return Ok(Some(code(status))),
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// As a shell tells it.
fn code(status: WaitStatus) -> u8 {
    let code = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => Exit::BrokenInvariant as i32,
    };
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// Why a hook has no effect.
#[derive(Debug)]
pub(super) enum Failed {
    /// The child will not.
    Refused(String),
    /// Not as things are.
    NotNow(String),
}

/// What holds the child. One at a time may change anything about it.
#[derive(Debug)]
pub(super) struct Grip {
    pid: Pid,
    state: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    /// Nobody, until the child has told its name.
    told: Option<Told>,
    orders: ChildStdin,
    next: u64,
    open: HashMap<u64, oneshot::Sender<Result<(), String>>>,
    frozen: bool,
}

impl Grip {
    /// Starts the child: this very program, as it was called.
    fn start() -> Result<Arc<Self>, Failure> {
        let this = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
        // A group of its own: a terminal's Ctrl-C reaches it through here, once.
        let mut child = Command::new(this)
            .args(std::env::args_os().skip(1))
            .env(CHILD, std::process::id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let orders = child.stdin.take().expect("it is piped");
        let voice = child.stdout.take().expect("it is piped");
        let held = Held { told: None, orders, next: 1, open: HashMap::new(), frozen: false };
        let grip = Arc::new(Self { pid: Pid::from_child(&child), state: Mutex::new(held) });
        let listener = Arc::clone(&grip);
        thread::Builder::new().name("drill-answers".to_owned()).spawn(move || listener.listen(voice))?;
        Ok(grip)
    }

    fn listen(&self, voice: ChildStdout) {
        for line in BufReader::new(voice).lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(said) => self.hear(said),
                Err(_) => tracing::warn!(line, "the child said what is no answer to a hook"),
            }
        }
    }

    fn hear(&self, said: Said) {
        let mut held = self.held();
        let (number, result) = match said {
            Said::Name(name) => {
                held.told = Some(Told::new(name, self.pid.as_raw_nonzero().get()));
                return;
            }
            Said::Done(number) => (number, Ok(())),
            Said::Refused(number, why) => (number, Err(why)),
        };
        if let Some(waiting) = held.open.remove(&number) {
            // Whoever waited may have given up.
            let _ = waiting.send(result);
        }
    }

    /// How the child is.
    pub(super) fn told(&self) -> Result<Told, Failed> {
        self.held().told()
    }

    /// Kills the child, shortly.
    pub(super) fn crash(self: &Arc<Self>) -> Result<Told, Failed> {
        let told = self.told()?;
        let grip = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(LAST_WORDS).await;
            grip.signal_or_tell(Signal::KILL);
        });
        Ok(told)
    }

    /// Stops every thread of the child, and lets them go on after `span`.
    pub(super) fn freeze(self: &Arc<Self>, span: Duration) -> Result<Told, Failed> {
        let mut held = self.held();
        held.told()?;
        if held.frozen {
            return Err(Failed::NotNow("it is frozen already: wait until it goes on".to_owned()));
        }
        self.signal(Signal::STOP)
            .map_err(|error| Failed::NotNow(format!("it cannot be stopped: {error}")))?;
        held.frozen = true;
        let grip = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(span).await;
            tracing::warn!("drill hook: the freeze is over");
            grip.held().frozen = false;
            grip.signal_or_tell(Signal::CONT);
        });
        held.told()
    }

    /// Has the child do something, and waits until it has.
    pub(super) async fn demand(&self, demand: Demand) -> Result<Told, Failed> {
        let (number, answer) = self.order(&demand)?;
        let taken = tokio::time::timeout(PATIENCE, answer).await;
        let mut held = self.held();
        held.open.remove(&number);
        match taken {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(why))) => return Err(Failed::Refused(why)),
            Ok(Err(_)) | Err(_) => {
                return Err(Failed::NotNow(format!("it has not done it within {PATIENCE:?}; it may yet")));
            }
        }
        if let Some(told) = &mut held.told {
            match demand {
                Demand::Cut(from) => told.cut = from,
                Demand::Break(how) => told.broken = how,
            }
        }
        held.told()
    }

    fn order(&self, demand: &Demand) -> Result<(u64, oneshot::Receiver<Result<(), String>>), Failed> {
        let mut held = self.held();
        held.told()?;
        if held.frozen {
            return Err(Failed::NotNow("it is frozen, and can do nothing: wait until it goes on".to_owned()));
        }
        let number = held.next;
        held.next += 1;
        let line = Line { number, demand: demand.clone() };
        let line = serde_json::to_string(&line).expect("names and numbers are JSON");
        writeln!(held.orders, "{line}")
            .map_err(|error| Failed::NotNow(format!("it does not listen: {error}")))?;
        let (waiting, answer) = oneshot::channel();
        held.open.insert(number, waiting);
        Ok((number, answer))
    }

    /// It may have ended and not been looked at yet: then there is nothing to signal. Its number is nobody else's before that.
    fn signal(&self, signal: Signal) -> io::Result<()> {
        match kill_process(self.pid, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn signal_or_tell(&self, signal: Signal) {
        if let Err(error) = self.signal(signal) {
            tracing::error!(?signal, %error, "the child cannot be signalled");
        }
    }

    /// Nothing panics under the lock, so a poisoned one holds a sound state.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn told(&self) -> Result<Told, Failed> {
        let Some(told) = &self.told else {
            return Err(Failed::NotNow("it is still starting: ask again in a moment".to_owned()));
        };
        Ok(Told { frozen: self.frozen, ..told.clone() })
    }
}
