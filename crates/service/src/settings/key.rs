//! One key: its names, its raw value, and whether that value would do.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, Id};

use super::Mistake;

/// The layer that a value came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// The command line, as `--key`.
    Flag,
    /// The command line, as it stands there: a positional argument, or something nobody knows.
    Word,
    Environment(String),
    File(PathBuf),
    /// No layer has it.
    Nowhere,
}

impl Place {
    /// A key, and its value, as this layer writes them.
    pub(super) fn write(&self, key: &str, value: Option<&str>) -> String {
        let (name, separator) = match self {
            Self::Flag => (format!("--{key}"), " "),
            Self::Word | Self::Nowhere => (key.to_owned(), " "),
            Self::Environment(variable) => (variable.clone(), "="),
            Self::File(path) => (format!("{}: {key}", path.display()), ": "),
        };
        match value {
            Some(value) => name + separator + value,
            None => name,
        }
    }
}

/// A value as some layer wrote it.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) place: Place,
    pub(super) values: Vec<OsString>,
}

#[derive(Debug)]
pub(super) struct Key {
    arg: Arg,
}

/// `PAPO_SOME_KEY` for `--some-key`; nothing for a positional argument.
pub(super) fn environment_name(arg: &Arg) -> Option<String> {
    arg.get_long().map(|long| format!("PAPO_{}", long.replace('-', "_").to_uppercase()))
}

impl Key {
    pub(super) fn new(arg: Arg) -> Self {
        Self { arg }
    }

    pub(super) fn id(&self) -> &str {
        self.arg.get_id().as_str()
    }

    /// The name in the file, and of the flag.
    pub(super) fn name(&self) -> &str {
        self.arg.get_long().unwrap_or_else(|| self.id())
    }

    pub(super) fn is_positional(&self) -> bool {
        self.arg.is_positional()
    }

    /// A flag without a value: there or not there.
    pub(super) fn is_switch(&self) -> bool {
        !self.arg.get_action().takes_values()
    }

    pub(super) fn in_environment(&self, environment: &dyn Fn(&str) -> Option<OsString>) -> Option<Raw> {
        let name = environment_name(&self.arg)?;
        let value = environment(&name).filter(|value| !value.is_empty())?;
        Some(Raw { place: Place::Environment(name), values: vec![value] })
    }

    /// What is wrong with the value, if anything.
    pub(super) fn check(&self, raw: &Raw) -> Option<Mistake> {
        let wrong = if self.is_switch() {
            let value = raw.values.first()?;
            switch(value).is_none().then(|| "it is either true or false".to_owned())
        } else if raw.values.len() > 1 && !matches!(self.arg.get_action(), ArgAction::Append) {
            Some("it takes one value only".to_owned())
        } else {
            self.parse_alone(raw)
        };
        let wrong = wrong?;
        let shown = if self.arg.is_hide_env_values_set() {
            "<secret>".to_owned()
        } else {
            raw.values.iter().map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(",")
        };
        Some(Mistake::about(raw.place.clone(), self.name(), &shown, wrong))
    }

    /// What is wrong with there being no value, if anything.
    pub(super) fn missing(&self) -> Option<Mistake> {
        let needed = self.arg.is_required_set() && self.arg.get_default_values().is_empty();
        let right = self.right();
        let text = match environment_name(&self.arg) {
            Some(variable) => {
                let name = self.name();
                format!("missing: give --{name}, {variable} or `{name}:` in the file: {right}")
            }
            None => format!("missing: {right}"),
        };
        // What only the command line can say is missing there.
        let place = if self.is_positional() { Place::Word } else { Place::Nowhere };
        needed.then(|| Mistake::at(place, self.name(), text))
    }

    /// The flags that say the same.
    pub(super) fn as_arguments(&self, raw: &Raw) -> Vec<OsString> {
        if self.is_positional() {
            return raw.values.clone();
        }
        if self.is_switch() {
            let on = raw.values.first().and_then(|value| switch(value)).unwrap_or(false);
            return if on { vec![format!("--{}", self.name()).into()] } else { Vec::new() };
        }
        let flag = |value: &OsString| {
            let mut flag = OsString::from(format!("--{}=", self.name()));
            flag.push(value);
            flag
        };
        raw.values.iter().map(flag).collect()
    }

    /// Has `clap` read this key and nothing else.
    fn parse_alone(&self, raw: &Raw) -> Option<String> {
        let none = || Resettable::<Id>::Reset;
        let alone = self.arg.clone().required(false).requires(none()).conflicts_with(none());
        let command = Command::new("key").no_binary_name(true).disable_help_flag(true).arg(alone);
        let mut line = self.as_arguments(raw);
        if self.is_positional() {
            line.insert(0, "--".into());
        }
        let error = command.try_get_matches_from(line).err()?;
        let right = self.right();
        Some(match error.kind() {
            // The parser's own error says what is wrong; the key's help says what it is for.
            ErrorKind::ValueValidation => match std::error::Error::source(&error) {
                Some(cause) => format!("{cause} (it takes {right})"),
                None => format!("it takes {right}"),
            },
            _ => match error.get(ContextKind::SuggestedValue) {
                Some(ContextValue::String(near)) => format!("did you mean `{near}`? It takes {right}"),
                _ => format!("it takes {right}"),
            },
        })
    }

    /// What would be right, in a few words.
    pub(super) fn right(&self) -> String {
        let values: Vec<String> =
            self.arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        if !values.is_empty() {
            return values.join(" or ");
        }
        let value = self
            .arg
            .get_value_names()
            .and_then(|names| names.first())
            .map_or("a value", |name| name.as_str());
        match self.arg.get_help() {
            Some(help) => format!("<{value}>: {}", help.to_string().trim_end_matches('.')),
            None => format!("<{value}>"),
        }
    }
}

/// Reads the value of a switch where it is written out.
fn switch(value: &OsStr) -> Option<bool> {
    match value.to_str()?.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}
