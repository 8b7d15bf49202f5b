//! The real service's side: it hears orders, and dies with its parent.

use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use papo_transport::Waker;
use rustix::process::{Pid, getppid};

use super::orders::{Demand, Line, Said};
use crate::Exit;

/// Tells a process that it is the child, and whose.
pub(super) const CHILD: &str = "PAPO_DRILL_CHILD";

/// Whether this process was started by a parent that serves its hooks.
pub(crate) fn am_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// The orders of the parent, as the service's loop takes them.
#[derive(Debug)]
pub struct Orders {
    arrived: Receiver<Line>,
    reader: Option<Sender<Line>>,
    voice: Voice,
}

/// One order. It is to be answered, by [`Order::done`] or [`Order::refuse`].
#[derive(Debug)]
pub struct Order {
    /// What to do.
    pub demand: Demand,
    number: u64,
    voice: Voice,
}

/// The line to the parent.
#[derive(Clone, Debug)]
struct Voice(Arc<Mutex<io::Stdout>>);

/// Ties this process to its parent's life. To be called first, on the thread that the process began with.
pub(crate) fn attach() -> io::Result<Orders> {
    die_with_parent()?;
    let parent = std::env::var(CHILD).ok().and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
    if parent.is_none() || parent != getppid() {
        // It died before it could be asked to tell.
        return Err(io::Error::other(format!("{CHILD} is for papo itself: the parent is gone")));
    }
    let (reader, arrived) = channel();
    Ok(Orders { arrived, reader: Some(reader), voice: Voice(Arc::new(Mutex::new(io::stdout()))) })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?)
}

/// Elsewhere the end of the orders tells.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn die_with_parent() -> io::Result<()> {
    Ok(())
}

impl Orders {
    /// Tells the parent who this is, and listens from now on. Each order wakes `waker`'s loop.
    ///
    /// # Errors
    /// There is no thread left to listen with.
    pub fn listen(&mut self, name: &str, waker: Waker) -> io::Result<()> {
        let Some(arriving) = self.reader.take() else { return Ok(()) };
        self.voice.say(&Said::Name(name.to_owned()));
        thread::Builder::new().name("drill-orders".to_owned()).spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                match serde_json::from_str(&line) {
                    // The loop that takes orders ends before the process does.
                    Ok(order) => {
                        if arriving.send(order).is_ok() {
                            waker.wake();
                        }
                    }
                    Err(error) => tracing::error!(%error, "an order of a drill cannot be read"),
                }
            }
            // The parent keeps its end open for as long as it lives.
            tracing::error!("the process that serves the drill hooks is gone");
            std::process::exit(Exit::Failed as i32);
        })?;
        Ok(())
    }

    /// The next order, if there is one.
    pub fn next(&self) -> Option<Order> {
        let Line { number, demand } = self.arrived.try_recv().ok()?;
        Some(Order { demand, number, voice: self.voice.clone() })
    }
}

impl Order {
    /// It is in force.
    pub fn done(self) {
        self.voice.say(&Said::Done(self.number));
    }

    /// It cannot be done, and why: a sentence for whoever asked.
    pub fn refuse(self, why: impl Into<String>) {
        self.voice.say(&Said::Refused(self.number, why.into()));
    }
}

impl Voice {
    fn say(&self, said: &Said) {
        let line = serde_json::to_string(said).expect("names and numbers are JSON");
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
            tracing::error!(%error, "the process that serves the drill hooks does not listen");
        }
    }
}
