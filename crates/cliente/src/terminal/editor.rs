use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Context, Editor, Event, EventContext,
    EventHandler, Helper, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use super::{Read, Screen};
use crate::output::Paint;

/// How many lines are remembered.
const HISTORY: usize = 1000;

/// What the editor wants to know of the chat.
pub(crate) trait Assistant: Send + Sync {
    /// See [`crate::complete::complete`].
    fn complete(&self, line: &str) -> (usize, Vec<String>);
    /// Whether the chat has stopped answering.
    fn is_lost(&self) -> bool;
}

/// A line editor on the terminal of this process.
pub(crate) struct LineEditor {
    editor: Editor<Help, FileHistory>,
    screen: Screen,
    history: Option<PathBuf>,
}

impl LineEditor {
    /// Takes the terminal, and the screen.
    ///
    /// # Errors
    /// It is no terminal, or one that cannot move its cursor.
    pub(crate) fn open(
        screen: &Screen,
        assistant: Arc<dyn Assistant>,
        paint: Paint,
        history: Option<PathBuf>,
    ) -> rustyline::Result<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY)?
            .history_ignore_space(false)
            .completion_type(CompletionType::List)
            .color_mode(if paint.is_on() { ColorMode::Enabled } else { ColorMode::Disabled })
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Help { screen: screen.clone(), assistant, paint }));
        for key in ['c', 'd'] {
            let leave = Box::new(Leaving { screen: screen.clone(), only_empty: key == 'd' });
            editor.bind_sequence(
                KeyEvent(KeyCode::Char(key.to_ascii_uppercase()), Modifiers::CTRL),
                EventHandler::Conditional(leave),
            );
        }
        if let Some(path) = history.as_ref().filter(|path| path.exists())
            && let Err(error) = editor.load_history(path)
        {
            tracing::debug!(%error, "typed lines of earlier runs are not there");
        }
        screen.attach(editor.create_external_printer()?);
        Ok(Self { editor, screen: screen.clone(), history })
    }

    /// Waits for a line. A line of a `form` is not remembered. One that `is_shown_again` is taken off the screen.
    pub(crate) fn read(&mut self, prompt: &str, form: bool, is_shown_again: &dyn Fn(&str) -> bool) -> Read {
        let read = self.editor.readline(prompt);
        if let Ok(line) = &read
            && is_shown_again(line)
            && self.is_one_row(&[prompt, line])
        {
            self.screen.erase_row();
        }
        self.screen.between();
        match read {
            Ok(line) => {
                if !form {
                    self.remember(&line);
                }
                Read::Line(line)
            }
            Err(ReadlineError::Interrupted) => Read::Interrupted,
            Err(ReadlineError::Eof) if super::is_terminal() => Read::End,
            Err(ReadlineError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                Read::Unreadable("Isso não é UTF-8.")
            }
            Err(error) => {
                tracing::debug!(%error, "the terminal is gone");
                Read::Gone
            }
        }
    }

    /// Whether these texts certainly fit into one row. Of scripts whose characters may be wide, or nothing, nothing is certain.
    fn is_one_row(&mut self, texts: &[&str]) -> bool {
        let narrow =
            |c: char| (' '..='~').contains(&c) || ('\u{a1}'..='\u{2ff}').contains(&c) && c != '\u{ad}';
        let width: usize = texts.iter().map(|text| text.chars().count()).sum();
        let columns = self.editor.dimensions().map_or(0, |(columns, _)| usize::from(columns));
        width < columns && texts.iter().all(|text| text.chars().all(narrow))
    }

    fn remember(&mut self, line: &str) {
        let added = self.editor.add_history_entry(line);
        let (Ok(true), Some(path)) = (added, &self.history) else { return };
        if let Err(error) = self.editor.append_history(path) {
            tracing::debug!(%error, "typed lines are not kept");
            self.history = None;
        }
    }
}

impl Drop for LineEditor {
    fn drop(&mut self) {
        self.screen.detach();
    }
}

struct Help {
    screen: Screen,
    assistant: Arc<dyn Assistant>,
    paint: Paint,
}

impl Helper for Help {}

impl Completer for Help {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.assistant.complete(&line[..pos]))
    }
}

impl Hinter for Help {
    type Hint = String;

    /// Asked for when the terminal is in raw mode already and before the prompt is drawn, which is what we want to know.
    fn hint(&self, _: &str, _: usize, _: &Context<'_>) -> Option<String> {
        self.screen.typing();
        None
    }
}

impl Validator for Help {
    /// Asked for when a line is ended.
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.screen.closing();
        Ok(ValidationResult::Valid(None))
    }
}

impl Highlighter for Help {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(if self.assistant.is_lost() { self.paint.bad(prompt) } else { self.paint.good(prompt) })
    }
}

/// Notes the keys that end a line without its being accepted, and leaves what they do as it is.
struct Leaving {
    screen: Screen,
    only_empty: bool,
}

impl ConditionalEventHandler for Leaving {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        if !self.only_empty || context.line().is_empty() {
            self.screen.closing();
        }
        None
    }
}
