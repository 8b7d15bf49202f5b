use std::io::stdin;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// While this lives, Ctrl-C is a key like any other and no signal.
///
/// The editor makes it a key only once it has the terminal. Between the last look for a signal and that moment, a Ctrl-C would
/// be a signal that nobody looks for any more.
#[derive(Debug)]
pub(crate) struct KeysOnly {
    before: Option<Termios>,
}

impl KeysOnly {
    /// Where there is no terminal, there are no keys.
    pub(crate) fn begin() -> Self {
        let before = tcgetattr(stdin()).ok();
        if let Some(before) = &before {
            let mut changed = before.clone();
            changed.local_modes.remove(LocalModes::ISIG);
            set(&changed);
        }
        Self { before }
    }
}

impl Drop for KeysOnly {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            set(before);
        }
    }
}

fn set(modes: &Termios) {
    if let Err(error) = tcsetattr(stdin(), OptionalActions::Now, modes) {
        tracing::debug!(%error, "the terminal is gone");
    }
}
