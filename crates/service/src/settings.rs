//! Settings: flags over environment over a YAML file, each key declared once, all mistakes told at once.
//!
//! A key is a field of a `clap` struct with `#[arg(long)]`. Its flag is `--some-key`, its environment variable
//! `PAPO_SOME_KEY`, its name in the file `some-key`. Whatever layer a value comes from, the same parser reads it, and
//! the default is the same. Keys with several values take them separated by `value_delimiter` anywhere, and as a
//! list in the file. Positional arguments are keys of the command line only.
//!
//! An empty environment variable counts as absent, because Compose writes `${X:-}` that way.
//!
//! Not done here: flags that count (`-vvv`), keys that take several values per occurrence (`num_args`), and rules
//! between keys in `clap`'s own words (`requires`, `conflicts_with`): those belong in [`Settings::mistakes`].

mod file;
mod flags;
mod key;
mod mistake;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::{ArgMatches, Command};

pub use mistake::Mistake;
pub(crate) use mistake::Mistakes;

use key::{Key, Place, Raw};

/// What a binary can be told, declared as a `clap` struct.
pub trait Settings: clap::Parser {
    /// What is wrong although each key alone is right (two ports that are equal). Empty when all is well.
    fn mistakes(&self) -> Vec<Mistake> {
        Vec::new()
    }

    /// Where this process serves its [drill hooks](crate::drill): by having them, a service lets whoever reaches that address crash it,
    /// freeze it, and more. Without an address it has none.
    fn drill_hooks(&self) -> Option<SocketAddr> {
        None
    }
}

/// Where settings come from, apart from the file that they name.
pub(crate) struct Sources<'a> {
    /// The command line, without the program's name.
    pub(crate) arguments: Vec<OsString>,
    /// The environment.
    pub(crate) environment: &'a dyn Fn(&str) -> Option<OsString>,
}

/// Why there are no settings.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Somebody asked for `--help` or `--version`: this is it.
    Show(StyledStr),
    /// Something is wrong.
    Mistaken(Mistakes),
}

/// The id of the key that names the file.
pub(crate) const CONFIG: &str = "config";

/// Reads every key of `command` from its layers. `judge` makes the settings of the matches, and tells what is wrong
/// between keys.
pub(crate) fn read<T>(
    command: Command,
    sources: &Sources<'_>,
    judge: impl FnOnce(&ArgMatches) -> Result<(T, Vec<Mistake>), clap::Error>,
) -> Result<T, Stop> {
    let keys: Vec<Key> = command.get_arguments().cloned().map(Key::new).collect();
    let mut mistakes = Mistakes::new(command.get_name());

    let given =
        flags::read(&with_environment_names(command.clone()), &keys, &sources.arguments, &mut mistakes)?;
    let flags::Given { values: given, mistaken } = given;
    let mut values = given.merge(&keys, |key| key.in_environment(sources.environment));
    if let Some(path) = values.first(CONFIG).map(PathBuf::from) {
        let from_file = file::read(&path, &keys, &mut mistakes);
        values = values.merge(&keys, |key| from_file.get(key));
    }

    for key in &keys {
        match values.get(key) {
            Some(raw) => mistakes.extend(key.check(&raw)),
            None if mistaken.iter().any(|id| id == key.id()) => {}
            None => mistakes.extend(key.missing()),
        }
    }
    if !mistakes.is_empty() {
        return Err(Stop::Mistaken(mistakes));
    }

    let judged = command.try_get_matches_from(values.command_line(&keys)).and_then(|matches| judge(&matches));
    match judged {
        Ok((settings, wrong)) => {
            mistakes.extend(wrong.into_iter().map(|mistake| mistake.located(&keys, &values)));
            if mistakes.is_empty() { Ok(settings) } else { Err(Stop::Mistaken(mistakes)) }
        }
        Err(error) => {
            mistakes.extend([Mistake::at(Place::Word, "settings", error.render().to_string())]);
            Err(Stop::Mistaken(mistakes))
        }
    }
}

/// Gives every flag its `PAPO_` name, so that `--help` shows it.
fn with_environment_names(command: Command) -> Command {
    command.mut_args(|arg| match key::environment_name(&arg) {
        // `clap` keeps names for as long as the process lives; a few dozen short strings, made once.
        Some(name) => arg.env(name.leak() as &'static str),
        None => arg,
    })
}

/// The raw values found so far, each from the strongest layer that has it.
#[derive(Debug, Default)]
struct Values(Vec<(String, Raw)>);

impl Values {
    fn insert(&mut self, id: &str, raw: Raw) {
        self.0.push((id.to_owned(), raw));
    }

    fn get(&self, key: &Key) -> Option<Raw> {
        self.by_id(key.id()).cloned()
    }

    fn by_id(&self, id: &str) -> Option<&Raw> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, raw)| raw)
    }

    fn first(&self, id: &str) -> Option<OsString> {
        self.by_id(id).and_then(|raw| raw.values.first().cloned())
    }

    /// Adds what a weaker layer has for keys that no stronger one has.
    fn merge(mut self, keys: &[Key], weaker: impl Fn(&Key) -> Option<Raw>) -> Self {
        for key in keys {
            if self.by_id(key.id()).is_none()
                && let Some(raw) = weaker(key)
            {
                self.insert(key.id(), raw);
            }
        }
        self
    }

    /// The command line that says all this in flags.
    fn command_line(&self, keys: &[Key]) -> Vec<OsString> {
        let of = |positional: bool| {
            let chosen = keys.iter().filter(move |key| key.is_positional() == positional);
            chosen.filter_map(|key| self.by_id(key.id()).map(|raw| key.as_arguments(raw))).flatten()
        };
        let program = std::iter::once(OsString::from("program"));
        program.chain(of(false)).chain([OsString::from("--")]).chain(of(true)).collect()
    }
}

#[cfg(test)]
mod tests;
