//! What is wrong with the settings, told all at once.

use std::fmt;

use super::Values;
use super::key::{Key, Place};
use crate::Exit;

/// One thing that is wrong, and what would be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    place: Place,
    /// The key's name.
    key: String,
    /// The key as its layer writes it, with the value if it has one.
    written: String,
    text: String,
}

impl Mistake {
    /// For [`Settings::mistakes`](crate::Settings::mistakes): what is wrong about that key, and what would be right.
    /// `key` is the name of the flag without its dashes.
    pub fn new(key: &str, text: impl Into<String>) -> Self {
        Self::at(Place::Nowhere, key, text)
    }

    pub(super) fn at(place: Place, key: &str, text: impl Into<String>) -> Self {
        Self { written: place.write(key, None), place, key: key.to_owned(), text: text.into() }
    }

    pub(super) fn about(place: Place, key: &str, value: &str, text: impl Into<String>) -> Self {
        Self { written: place.write(key, Some(value)), place, key: key.to_owned(), text: text.into() }
    }

    pub(super) fn unknown(place: Place, key: &str, near: Option<&str>) -> Self {
        match near {
            Some(near) => Self::at(place, key, format!("there is no such key; did you mean `{near}`?")),
            None => Self::at(place, key, "there is no such key"),
        }
    }

    /// The same mistake, blamed on the layer that its key came from.
    pub(super) fn located(self, keys: &[Key], values: &Values) -> Self {
        match keys.iter().find(|key| key.name() == self.key).and_then(|key| values.get(key)) {
            Some(raw) => Self::at(raw.place, &self.key, self.text),
            None => self,
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.written, self.text)
    }
}

/// Everything that is wrong.
#[derive(Debug)]
pub(crate) struct Mistakes {
    program: String,
    list: Vec<Mistake>,
}

impl Mistakes {
    pub(super) fn new(program: &str) -> Self {
        Self { program: program.to_owned(), list: Vec::new() }
    }

    pub(super) fn extend(&mut self, mistakes: impl IntoIterator<Item = Mistake>) {
        self.list.extend(mistakes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// A wrong flag is wrong usage; anything else is wrong configuration.
    pub(crate) fn exit(&self) -> Exit {
        let usage = self.list.iter().any(|mistake| matches!(mistake.place, Place::Flag | Place::Word));
        if usage { Exit::Usage } else { Exit::Config }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, list } = self;
        let number = match list.len() {
            1 => "a mistake".to_owned(),
            more => format!("{more} mistakes"),
        };
        writeln!(f, "{program}: {number} in the settings")?;
        for mistake in list {
            writeln!(f, "  {mistake}")?;
        }
        write!(f, "`{program} --help` tells every key.")
    }
}
