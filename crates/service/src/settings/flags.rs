//! The strongest layer: the command line.

use std::ffi::OsString;

use clap::builder::{StyledStr, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::key::{Key, Place, Raw};
use super::{Mistake, Mistakes, Stop, Values};

/// What the command line says.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// What could be read.
    pub(super) values: Values,
    /// The ids of keys that were given in a way that cannot be read, which is told already: they are not missing.
    pub(super) mistaken: Vec<String>,
}

/// Takes the flags apart without judging their values. `clap` tells the first mistake only: what is wrong is told, taken out of the
/// line, and the rest is looked at again.
pub(super) fn read(
    command: &Command,
    keys: &[Key],
    arguments: &[OsString],
    mistakes: &mut Mistakes,
) -> Result<Given, Stop> {
    let raw_command = command.clone().no_binary_name(true).mut_args(unjudged);
    let mut line = Line { words: arguments.to_vec(), doubtful: None };
    let mut mistaken = Vec::new();
    loop {
        let error = match raw_command.clone().try_get_matches_from(&line.words) {
            Ok(matches) => return Ok(Given { values: collect(keys, &matches), mistaken }),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::DisplayHelp => return Err(Stop::Show(help(command, arguments))),
            ErrorKind::DisplayVersion => return Err(Stop::Show(error.render())),
            _ => {}
        }
        // `--key <VALUE>`, as help writes it.
        let shown = text(&error, ContextKind::InvalidArg).unwrap_or_default();
        let flag = shown.split(' ').next().unwrap_or_default();
        let key = keys.iter().find(|key| !key.is_positional() && flag.strip_prefix("--") == Some(key.name()));
        let mistake = match (error.kind(), key) {
            (ErrorKind::UnknownArgument, _) => line.take_unknown(&shown, keys).map(|told| {
                let near = text(&error, ContextKind::SuggestedArg);
                told.then(|| Mistake::unknown(Place::Word, &shown, near.as_deref()))
            }),
            (ErrorKind::ArgumentConflict, Some(key)) => line.take_last(flag, !key.is_switch()).then(|| {
                mistaken.push(key.id().to_owned());
                Some(Mistake::at(Place::Word, flag, "it is given twice"))
            }),
            (ErrorKind::InvalidValue, Some(key)) => line.take_bare(flag).then(|| {
                mistaken.push(key.id().to_owned());
                Some(Mistake::at(Place::Word, flag, format!("its value is missing: {}", key.right())))
            }),
            (ErrorKind::TooManyValues, Some(key)) => line.take_last(flag, false).then(|| {
                mistaken.push(key.id().to_owned());
                Some(Mistake::at(Place::Word, flag, "it takes no value: it is there or not"))
            }),
            _ => None,
        };
        if let Some(mistake) = mistake {
            mistakes.extend(mistake);
            continue;
        }
        // Something else, in the parser's words. What can be read all the same is looked at.
        let said = error.render().to_string();
        let said = said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        mistakes.extend([Mistake::at(Place::Word, &shown, said)]);
        let rest = raw_command.ignore_errors(true).try_get_matches_from(&line.words);
        let values = rest.map(|matches| collect(keys, &matches)).unwrap_or_default();
        return Ok(Given { values, mistaken });
    }
}

/// A command line that mistakes are taken out of.
struct Line {
    words: Vec<OsString>,
    /// The place of a word behind an unknown flag, which may be that flag's value, or stand for itself.
    doubtful: Option<usize>,
}

impl Line {
    /// Takes out what nobody knows. Tells whether that is a mistake of its own; `None` if it is not found.
    fn take_unknown(&mut self, unknown: &str, keys: &[Key]) -> Option<bool> {
        if !unknown.starts_with('-')
            && let Some(at) = self.doubtful.take()
        {
            // There is a word too many: that one was the unknown flag's value.
            self.words.remove(at);
            return Some(false);
        }
        let at = self.words.iter().position(|word| is_flag(word, unknown))?;
        let removed = self.words.remove(at);
        let takes_next = unknown.starts_with("--") && removed == *unknown;
        if takes_next && self.words.get(at).is_some_and(is_word) {
            if keys.iter().any(Key::is_positional) {
                self.doubtful = Some(at);
            } else {
                // What follows was meant as the unknown flag's value.
                self.words.remove(at);
            }
        }
        Some(true)
    }

    /// Takes out the last time that a flag is given, with its value. False if it is not found.
    fn take_last(&mut self, flag: &str, with_value: bool) -> bool {
        let Some(at) = self.flags().rposition(|word| is_flag(word, flag)) else { return false };
        self.take(at, with_value && self.words[at] == *flag);
        true
    }

    /// Takes out a flag that no value follows. False if it is not found.
    fn take_bare(&mut self, flag: &str) -> bool {
        let bare = |at: &usize| self.words[*at] == *flag && !self.words.get(at + 1).is_some_and(is_word);
        let Some(at) = (0..self.flags().len()).find(bare) else { return false };
        self.take(at, false);
        true
    }

    fn take(&mut self, at: usize, with_next: bool) {
        let end = self.words.len().min(at + 1 + usize::from(with_next));
        self.words.drain(at..end);
        // Places have moved.
        self.doubtful = None;
    }

    /// What is before `--`, behind which there are no flags.
    fn flags(&self) -> std::slice::Iter<'_, OsString> {
        let end = self.words.iter().position(|word| word == "--").unwrap_or(self.words.len());
        self.words[..end].iter()
    }
}

/// The same argument, which takes anything and needs nothing.
fn unjudged(arg: Arg) -> Arg {
    let arg = arg.required(false).env(None::<&'static str>).default_value(None::<&'static str>);
    if arg.get_action().takes_values() { arg.value_parser(ValueParser::os_string()) } else { arg }
}

fn collect(keys: &[Key], matches: &ArgMatches) -> Values {
    let mut values = Values::default();
    for key in keys {
        if matches.value_source(key.id()) != Some(ValueSource::CommandLine) {
            continue;
        }
        let given = if key.is_switch() {
            vec![OsString::from("true")]
        } else {
            matches.get_raw(key.id()).unwrap_or_default().map(OsString::from).collect()
        };
        let place = if key.is_positional() { Place::Word } else { Place::Flag };
        values.insert(key.id(), Raw { place, values: given });
    }
    values
}

fn help(command: &Command, arguments: &[OsString]) -> StyledStr {
    let mut command = command.clone();
    let long = arguments.iter().any(|argument| argument == "--help");
    if long { command.render_long_help() } else { command.render_help() }
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

fn is_flag(argument: &OsString, flag: &str) -> bool {
    let argument = argument.to_string_lossy();
    argument == flag || argument.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))
}

fn is_word(argument: &OsString) -> bool {
    !argument.to_string_lossy().starts_with('-')
}
