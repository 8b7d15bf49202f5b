//! The weakest layer: a YAML file of `key: value` lines.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use super::key::{Key, Place, Raw};
use super::{CONFIG, Mistake, Mistakes};

/// What the file says, by the keys' names.
#[derive(Debug, Default)]
pub(super) struct FromFile {
    path: PathBuf,
    values: Vec<(String, Vec<OsString>)>,
}

impl FromFile {
    pub(super) fn get(&self, key: &Key) -> Option<Raw> {
        let (_, values) = self.values.iter().find(|(name, _)| name == key.name())?;
        Some(Raw { place: Place::File(self.path.clone()), values: values.clone() })
    }
}

/// Reads the file. What it says wrongly is told and left out.
pub(super) fn read(path: &Path, keys: &[Key], mistakes: &mut Mistakes) -> FromFile {
    let mut found = FromFile { path: path.to_owned(), values: Vec::new() };
    let mapping = match load(path) {
        Ok(mapping) => mapping,
        Err(text) => {
            mistakes.extend([Mistake::at(Place::File(path.to_owned()), CONFIG, text)]);
            return found;
        }
    };
    let known: Vec<&str> =
        keys.iter().filter(|key| !key.is_positional() && key.name() != CONFIG).map(Key::name).collect();
    for (name, value) in mapping {
        let place = || Place::File(path.to_owned());
        let Some(name) = scalar(&name) else {
            mistakes.extend([Mistake::at(place(), "?", "a key must be a plain word".to_owned())]);
            continue;
        };
        if !known.contains(&name.as_str()) {
            mistakes.extend([Mistake::unknown(place(), &name, nearest(&name, &known))]);
            continue;
        }
        match plain(&value) {
            // `key:` with nothing after it.
            Some(values) if values.is_empty() => {}
            Some(values) => found.values.push((name, values)),
            None => {
                let text = "it takes a plain value, or a list of them".to_owned();
                mistakes.extend([Mistake::at(place(), &name, text)]);
            }
        }
    }
    found
}

fn load(path: &Path) -> Result<Mapping, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    match serde_yaml::from_str(&text) {
        Ok(Value::Null) => Ok(Mapping::new()),
        Ok(Value::Mapping(mapping)) => Ok(mapping),
        Ok(_) => Err("it must be lines of `key: value`".to_owned()),
        Err(error) => Err(format!("not YAML: {error}")),
    }
}

fn plain(value: &Value) -> Option<Vec<OsString>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Sequence(items) => items.iter().map(|item| scalar(item).map(OsString::from)).collect(),
        other => scalar(other).map(|text| vec![text.into()]),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(switch) => Some(switch.to_string()),
        _ => None,
    }
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = |known: &&str| strsim::jaro(name, known);
    known
        .iter()
        .copied()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|near| likeness(near) > 0.7)
}
