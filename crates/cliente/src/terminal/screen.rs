//! The one place that writes to standard output, so that nothing is torn and everything comes in order.
//!
//! While a line is being typed, rustyline prints for us: its [`ExternalPrinter`] takes a text through a pipe and draws the line
//! anew below it. It does that only between keys, so a text may still be in the pipe when the line is finished, and then comes
//! out with the next prompt. If later texts were written directly meanwhile, they would come before it. Hence the phases: from
//! the key that ends a line until the next prompt stands, what was said by others waits here, and only what the person is
//! waiting for is written directly.

use std::collections::VecDeque;
use std::fmt;
use std::io::{ErrorKind, Write, stdout};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustyline::ExternalPrinter;

/// How many lines are drawn at once.
const BATCH: usize = 100;

/// Moves up and down again: nothing to see, but the line being typed is drawn anew.
const NOTHING: &str = "\x1b[A";

/// Who a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Somebody waits for it: it belongs to the command just given.
    Now,
    /// It came by itself, and keeps its order among its kind.
    InTurn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There is no editor: everything is written at once.
    Plain,
    /// The prompt stands.
    Typing,
    /// The line was ended; the editor has not yet gone.
    Closing,
    /// The editor is gone.
    Between,
}

/// Standard output.
#[derive(Clone)]
pub(crate) struct Screen {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    phase: Phase,
    waiting: VecDeque<(Urgency, String)>,
    printer: Option<Box<dyn ExternalPrinter + Send>>,
    /// The editor's printer is away, writing.
    writing: bool,
    closed: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let state = State {
            phase: Phase::Plain,
            waiting: VecDeque::new(),
            printer: None,
            writing: false,
            closed: false,
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// Starts the thread that feeds an editor's printer. It ends with the process.
    pub(crate) fn start(&self) -> std::io::Result<()> {
        let screen = self.clone();
        thread::Builder::new().name("screen".to_owned()).spawn(move || screen.feed()).map(drop)
    }

    /// From now on there is an editor.
    pub(crate) fn attach(&self, printer: impl ExternalPrinter + Send + 'static) {
        let mut state = self.lock();
        state.printer = Some(Box::new(printer));
        state.phase = Phase::Between;
    }

    /// There is no editor any more.
    pub(crate) fn detach(&self) {
        let mut state = self.lock();
        state.printer = None;
        state.phase = Phase::Plain;
        state.write_all();
    }

    /// The editor is about to draw the prompt.
    pub(crate) fn typing(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Between {
            state.phase = Phase::Typing;
            self.shared.changed.notify_all();
        }
    }

    /// The editor has read the key that ends the line.
    pub(crate) fn closing(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Typing {
            state.phase = Phase::Closing;
        }
        // A text that is on its way into the pipe must get there before the editor goes. If there is no room in the pipe, it
        // stays in front of it, which is as good.
        let limit = Duration::from_millis(50);
        let wait = self.shared.changed.wait_timeout_while(state, limit, |state| state.writing);
        drop(wait.unwrap_or_else(PoisonError::into_inner));
    }

    /// The editor has gone.
    pub(crate) fn between(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Plain {
            return;
        }
        state.phase = Phase::Between;
        for (urgency, text) in std::mem::take(&mut state.waiting) {
            match urgency {
                Urgency::Now => state.write(&text),
                Urgency::InTurn => state.waiting.push_back((urgency, text)),
            }
        }
    }

    /// Prints one or more lines.
    pub(crate) fn print(&self, urgency: Urgency, text: &str) {
        let mut state = self.lock();
        match (state.phase, urgency) {
            (Phase::Plain, _) | (Phase::Between, Urgency::Now) => state.write(text),
            _ => {
                state.waiting.push_back((urgency, text.to_owned()));
                self.shared.changed.notify_all();
            }
        }
    }

    /// Prints without ending the line: a prompt where there is no editor.
    pub(crate) fn prompt(&self, text: &str) {
        self.lock().write_raw(text);
    }

    /// Takes the row back in which a line was typed and ended. Only before [`Screen::between`], after which other things may
    /// have been written below it.
    pub(crate) fn erase_row(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Closing {
            state.write_raw("\x1b[1A\r\x1b[2K");
        }
    }

    /// Draws the line being typed anew.
    pub(crate) fn redraw(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Typing && state.waiting.is_empty() {
            state.waiting.push_back((Urgency::InTurn, NOTHING.to_owned()));
            self.shared.changed.notify_all();
        }
    }

    /// Whether nobody reads what is printed any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn feed(&self) {
        loop {
            let state = self.lock();
            let idle = |state: &mut State| state.phase != Phase::Typing || state.waiting.is_empty();
            let mut state =
                self.shared.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            let Some(mut printer) = state.printer.take() else {
                state.write_all();
                continue;
            };
            let number = state.waiting.len().min(BATCH);
            let texts: Vec<String> = state.waiting.drain(..number).map(|(_, text)| text).collect();
            state.writing = true;
            drop(state);
            let printed = printer.print(texts.join("\n") + "\n");
            let mut state = self.lock();
            state.writing = false;
            if let Err(error) = printed {
                tracing::debug!(%error, "the editor prints no more");
                texts.iter().for_each(|text| state.write(text));
            }
            if state.phase != Phase::Plain && state.printer.is_none() {
                state.printer = Some(printer);
            }
            self.shared.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half way.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write_all(&mut self) {
        while let Some((_, text)) = self.waiting.pop_front() {
            self.write(&text);
        }
    }

    fn write(&mut self, text: &str) {
        self.write_raw(&format!("{text}\n"));
    }

    /// A terminal that is gone may come back; a pipe that is closed will not.
    fn write_raw(&mut self, text: &str) {
        let mut out = stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            self.closed |= error.kind() == ErrorKind::BrokenPipe;
        }
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("phase", &self.lock().phase).finish_non_exhaustive()
    }
}
