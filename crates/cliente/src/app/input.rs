//! The reader's side: prompts, lines, commands, and waiting for what they come to.

use std::io::{BufReader, Stdin, stdin};
use std::sync::Arc;
use std::time::Duration;

use super::{FAREWELL, FOR_EVER, Shared};
use crate::command::{Command, Line, parse};
use crate::controller::{Controller, Flow};
use crate::output::Paint;
use crate::settings::ClienteSettings;
use crate::state::StateDir;
use crate::terminal::{self, KeysOnly, LineEditor, LineReader, Read};

/// What is said is shown with its end if that comes this soon, and else as being on its way.
const SOON: Duration = Duration::from_millis(250);
/// When the input has ended, and is to be waited out, it is looked at this often.
const AGAIN: Duration = Duration::from_secs(1);

/// Reads lines and carries them out, until the person leaves.
pub(super) struct Input {
    shared: Arc<Shared>,
    settings: ClienteSettings,
    paint: Paint,
    state: Option<StateDir>,
    reader: Reader,
}

enum Reader {
    /// A line editor on a terminal.
    Editor(Box<LineEditor>),
    /// Lines of a stream; with a prompt if somebody types them.
    Lines { lines: LineReader<BufReader<Stdin>>, prompt: bool },
}

impl Input {
    pub(super) fn new(
        shared: Arc<Shared>,
        settings: ClienteSettings,
        paint: Paint,
        state: Option<StateDir>,
    ) -> Self {
        let mut input = Self { shared, settings, paint, state, reader: Reader::lines(false) };
        input.look_for_terminal();
        input
    }

    /// Logs in whom the settings, or the last run, have told of.
    pub(super) fn begin(&mut self) {
        let user = self.settings.user.clone();
        self.shared.with(|controller| match user {
            Some(user) => controller.log_in(&user),
            None => controller.come_back(),
        });
        self.wait();
    }

    pub(super) fn run(&mut self) {
        loop {
            let flow = match self.read() {
                Read::Line(line) => self.carry_out(&line),
                Read::Unreadable(why) => {
                    self.shared.with(|controller| controller.mistake(why));
                    Flow::GoOn
                }
                Read::Interrupted => Flow::Quit,
                Read::End if self.is_editing() => Flow::Quit,
                Read::End | Read::Gone if self.settings.stay => {
                    self.shared.pause(AGAIN);
                    self.look_for_terminal();
                    Flow::GoOn
                }
                Read::End | Read::Gone => Flow::Quit,
            };
            let deaf = self.shared.screen().is_closed() && !self.settings.stay;
            if flow == Flow::Quit || deaf {
                self.leave();
                if !self.settings.stay {
                    return;
                }
            }
        }
    }

    fn leave(&self) {
        self.shared.wait_for_words(FAREWELL);
        self.shared.with(Controller::log_out);
    }

    fn carry_out(&mut self, line: &str) -> Flow {
        let mut line = parse(line, self.shared.with(|controller| controller.channel().is_some()));
        loop {
            match line {
                Line::Empty => return Flow::GoOn,
                Line::Mistake(text) => {
                    self.shared.with(|controller| controller.mistake(&text));
                    return Flow::GoOn;
                }
                Line::Command(command) => return self.execute(command),
                Line::Ask(form) => {
                    let prompt = format!("{}: ", form.field());
                    line = match self.read_line(&prompt, true) {
                        Read::Line(answer) => form.fill(&answer),
                        // Gives the command up.
                        _ => Line::Empty,
                    };
                }
            }
        }
    }

    fn execute(&mut self, command: Command) -> Flow {
        let command = match command {
            // What else would somebody say to the login prompt.
            Command::Talk(name)
                if self.is_prompting() && self.shared.with(|controller| controller.user().is_none()) =>
            {
                Command::Login(name)
            }
            command => command,
        };
        let flow = self.shared.with(|controller| controller.command(command));
        self.wait();
        flow
    }

    /// Waits for the end of the command, as far as anybody wants to.
    fn wait(&mut self) {
        let talking = self.shared.with(|controller| controller.is_talking());
        if talking && !self.shared.wait_while_busy(SOON) {
            self.shared.with(Controller::go_on);
        }
        if self.is_editing() {
            // Every request ends by itself in time; only a login may take for ever, and Ctrl-C ends that.
            self.shared.wait_while_busy(FOR_EVER);
        } else {
            self.shared.wait_for_answers(FOR_EVER);
        }
    }

    fn read(&mut self) -> Read {
        let prompt = self.shared.with(|controller| controller.prompt());
        self.read_line(&prompt, false)
    }

    fn read_line(&mut self, prompt: &str, form: bool) -> Read {
        let shared = Arc::clone(&self.shared);
        // What is said is shown again with its mark.
        let is_shown_again = |line: &str| {
            let talking = shared.with(|controller| controller.channel().is_some());
            match parse(line, talking) {
                Line::Command(Command::Talk(_)) => talking && !form,
                Line::Command(Command::Publish { .. } | Command::Message { .. }) => {
                    !form && shared.with(|controller| controller.user().is_some())
                }
                _ => false,
            }
        };
        // First the keys, then the look, so that there is no moment at which Ctrl-C is neither seen nor read.
        let keys = self.is_editing().then(KeysOnly::begin);
        if self.shared.take_interrupt() {
            return Read::Interrupted;
        }
        let read = match &mut self.reader {
            Reader::Editor(editor) => editor.read(prompt, form, &is_shown_again),
            Reader::Lines { lines, prompt: shown } => {
                if *shown {
                    self.shared.screen().prompt(prompt);
                }
                lines.read()
            }
        };
        drop(keys);
        read
    }

    /// Uses an editor where there is a terminal now, which may come and go.
    fn look_for_terminal(&mut self) {
        if self.settings.json || !terminal::is_terminal() {
            if self.is_editing() {
                self.reader = Reader::lines(false);
            }
            return;
        }
        if self.is_editing() {
            return;
        }
        let assistant = Arc::clone(&self.shared);
        let history = self.state.as_ref().map(StateDir::history);
        self.reader = match LineEditor::open(self.shared.screen(), assistant, self.paint, history) {
            Ok(editor) => Reader::Editor(Box::new(editor)),
            Err(error) => {
                tracing::debug!(%error, "no line editor on this terminal");
                Reader::lines(true)
            }
        };
    }

    fn is_editing(&self) -> bool {
        matches!(self.reader, Reader::Editor(_))
    }

    fn is_prompting(&self) -> bool {
        matches!(self.reader, Reader::Editor(_) | Reader::Lines { prompt: true, .. })
    }
}

impl Reader {
    fn lines(prompt: bool) -> Self {
        Self::Lines { lines: LineReader::new(BufReader::new(stdin())), prompt }
    }
}
