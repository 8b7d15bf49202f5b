use std::io::{Write, stdin, stdout};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// The state in which the terminal was found. The editor puts it back by itself, unless the process ends while a line is being
/// typed.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    before: Option<Termios>,
}

impl Guard {
    pub(crate) fn new() -> Self {
        Self { before: tcgetattr(stdin()).ok() }
    }

    /// Puts it back and leaves the line that was being typed.
    pub(crate) fn restore(&self) {
        let Some(before) = &self.before else { return };
        // Bracketed paste off. A terminal that is gone needs nothing put back.
        let mut out = stdout();
        let _gone = out.write_all(b"\x1b[?2004l\r\n").and_then(|()| out.flush());
        let _gone = tcsetattr(stdin(), OptionalActions::Now, before);
    }
}
