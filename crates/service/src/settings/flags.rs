//! The strongest layer: the command line.

use std::ffi::OsString;

use clap::builder::{StyledStr, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::key::{Key, Place, Raw};
use super::{Mistake, Mistakes, Stop, Values};

/// Takes the flags apart without judging their values. A flag that nobody knows is a mistake and is passed over, so
/// that the others are still looked at.
pub(super) fn read(
    command: &Command,
    keys: &[Key],
    arguments: &[OsString],
    mistakes: &mut Mistakes,
) -> Result<Values, Stop> {
    let raw_command = command.clone().no_binary_name(true).mut_args(unjudged);
    let mut arguments = arguments.to_vec();
    loop {
        let error = match raw_command.clone().try_get_matches_from(&arguments) {
            Ok(matches) => return Ok(collect(keys, &matches)),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::DisplayHelp => return Err(Stop::Show(help(command, &arguments))),
            ErrorKind::DisplayVersion => return Err(Stop::Show(error.render())),
            ErrorKind::UnknownArgument => {
                let unknown = text(&error, ContextKind::InvalidArg).unwrap_or_default();
                let near = text(&error, ContextKind::SuggestedArg);
                mistakes.extend([Mistake::unknown(Place::Word, &unknown, near.as_deref())]);
                let Some(at) = arguments.iter().position(|argument| is_flag(argument, &unknown)) else {
                    return Ok(Values::default());
                };
                let removed = arguments.remove(at);
                let takes_next = removed.to_string_lossy().starts_with("--") && removed == *unknown;
                if takes_next
                    && !keys.iter().any(Key::is_positional)
                    && arguments.get(at).is_some_and(is_word)
                {
                    // What follows was meant as the unknown flag's value.
                    arguments.remove(at);
                }
            }
            _ => {
                let said = error.render().to_string();
                let line = said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let flag = text(&error, ContextKind::InvalidArg).unwrap_or_default();
                mistakes.extend([Mistake::at(Place::Word, &flag, line)]);
                return Ok(Values::default());
            }
        }
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
