use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::Signals;

/// A signal that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C while nothing is being typed.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// The terminal was closed.
    HangUp,
    /// The window changed, or somebody came to look at it.
    Window,
}

/// Has every SIGINT set `noted`, before anything else is done about it.
pub(crate) fn note_interrupts(noted: &Arc<AtomicBool>) -> io::Result<()> {
    signal_hook::flag::register(SIGINT, Arc::clone(noted)).map(drop)
}

/// Calls `heard` for every signal, on a thread of its own.
pub(crate) fn hear(mut heard: impl FnMut(Signal) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGWINCH])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            heard(match signal {
                SIGINT => Signal::Interrupt,
                SIGTERM => Signal::Terminate,
                SIGHUP => Signal::HangUp,
                _ => Signal::Window,
            });
        }
    })?;
    Ok(())
}
