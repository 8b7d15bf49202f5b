//! Where lines come from and where they go: a terminal with an editor, or two streams.

mod editor;
mod guard;
mod keys;
mod lines;
mod screen;

use std::io::{IsTerminal, stdin, stdout};

pub(crate) use self::editor::{Assistant, LineEditor};
pub(crate) use self::guard::Guard;
pub(crate) use self::keys::KeysOnly;
pub(crate) use self::lines::LineReader;
pub(crate) use self::screen::{Screen, Urgency};

/// What an attempt to read a line came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or the end of the input.
    End,
    /// Something that is no line: what is wrong with it.
    Unreadable(&'static str),
    /// The input is gone, as a terminal that was closed is.
    Gone,
}

/// Whether somebody sits at a terminal here and now.
pub(crate) fn is_terminal() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}
