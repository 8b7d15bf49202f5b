//! Reading a suite's file, with all its mistakes.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use super::{Mistakes, Suite, SuiteDrill};
use crate::faults::{DRILLS, Drill};
use crate::options::Options;

/// What a suite has in hand by itself: a drill's seed is made from the suite's.
const NOT_AN_OPTION: &str = "seed";
/// Options that are limits to what is measured.
const BUDGETS: [&str; 3] = ["pause", "coordinator", "patience"];

type Settings = Vec<(String, Value)>;

pub(super) fn read(text: &str) -> Result<Suite, Mistakes> {
    // First as YAML's own kind of value, which refuses a key that stands there twice.
    let yaml: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| unreadable(&error))?;
    let file = serde_json::to_value(yaml).map_err(|error| unreadable(&error))?;
    let mut reader = Reader::default();
    let suite = reader.suite(&file);
    if reader.mistakes.is_empty() { Ok(suite) } else { Err(Mistakes(reader.mistakes)) }
}

fn unreadable(error: &dyn fmt::Display) -> Mistakes {
    Mistakes(vec![format!("not YAML: {error}")])
}

#[derive(Default)]
struct Reader {
    mistakes: Vec<String>,
}

impl Reader {
    fn suite(&mut self, file: &Value) -> Suite {
        let empty = Map::new();
        let file = self.map(file, "the file").unwrap_or(&empty);
        self.refuse_unknown(file, "", &["seed", "defaults", "drills"]);
        let seed = file.get("seed").and_then(|seed| self.seed(seed));
        let defaults =
            file.get("defaults").map_or_else(Vec::new, |value| self.settings(value, "defaults", None));
        let drills = match file.get("drills") {
            Some(Value::Array(drills)) if !drills.is_empty() => {
                drills.iter().enumerate().filter_map(|(i, drill)| self.drill(drill, i, &defaults)).collect()
            }
            Some(_) => self.wrong("drills", "a list with at least one drill is needed"),
            None => self.wrong("drills", "is missing"),
        };
        Suite { seed, drills, not_held: Vec::new() }
    }

    fn seed(&mut self, value: &Value) -> Option<u64> {
        let seed = value.as_u64();
        if seed.is_none() {
            self.mistakes.push(format!("seed: {value} is not a whole number from 0"));
        }
        seed
    }

    /// A drill is a name, or a map with the name and what is particular about it.
    fn drill(&mut self, value: &Value, position: usize, defaults: &Settings) -> Option<SuiteDrill> {
        let at = format!("drills[{position}]");
        if let Value::String(name) = value {
            return Some(SuiteDrill { drill: self.find(name, &at)?, settings: defaults.clone() });
        }
        let map = self.map(value, &at)?;
        self.refuse_unknown(map, &at, &["name", "budgets", "options"]);
        let drill = match map.get("name") {
            Some(Value::String(name)) => self.find(name, &format!("{at}.name")),
            Some(other) => self.wrong(&format!("{at}.name"), &format!("{other} is not the name of a drill")),
            None => self.wrong(&format!("{at}.name"), "is missing"),
        };
        let mut settings = defaults.clone();
        for (key, budgets) in [("options", false), ("budgets", true)] {
            if let Some(value) = map.get(key) {
                settings.extend(self.settings(value, &format!("{at}.{key}"), Some(budgets)));
            }
        }
        Some(SuiteDrill { drill: drill?, settings })
    }

    /// Options, tried. `budgets` says whether only limits may stand here, or none; `None` where both may.
    fn settings(&mut self, value: &Value, at: &str, budgets: Option<bool>) -> Settings {
        let Some(map) = self.map(value, at) else { return Vec::new() };
        for (key, value) in map {
            if let Some(mistake) = mistake(key, value, at, budgets) {
                self.mistakes.push(mistake);
            }
        }
        map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn find(&mut self, name: &str, at: &str) -> Option<&'static Drill> {
        let found = DRILLS.iter().find(|drill| drill.name == name);
        if found.is_none() {
            self.mistakes.push(format!("{at}: there is no drill {name}; `drill list` tells which there are"));
        }
        found
    }

    fn map<'a>(&mut self, value: &'a Value, at: &str) -> Option<&'a Map<String, Value>> {
        let map = value.as_object();
        if map.is_none() {
            self.mistakes.push(format!("{at}: keys with values are needed"));
        }
        map
    }

    fn refuse_unknown(&mut self, map: &Map<String, Value>, at: &str, known: &[&str]) {
        let known: BTreeSet<&str> = known.iter().copied().collect();
        for key in map.keys().filter(|key| !known.contains(key.as_str())) {
            let known: Vec<&str> = known.iter().copied().collect();
            let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            self.mistakes.push(format!("{at}: no such key; there are {}", known.join(", ")));
        }
    }

    /// Tells a mistake where something was to be read.
    fn wrong<T: Default>(&mut self, at: &str, what: &str) -> T {
        self.mistakes.push(format!("{at}: {what}"));
        T::default()
    }
}

/// What is wrong with one option. Trying it is the way to find out: no list of options is kept twice.
fn mistake(key: &str, value: &Value, at: &str, budgets: Option<bool>) -> Option<String> {
    let is_budget = BUDGETS.contains(&key);
    if key == NOT_AN_OPTION {
        return Some(format!("{at}.seed: it is the suite that has a seed; each drill's is made from it"));
    }
    match budgets {
        Some(true) if !is_budget => {
            return Some(format!("{at}.{key}: no such budget; there are {}", BUDGETS.join(", ")));
        }
        Some(false) if is_budget => return Some(format!("{at}.{key}: it belongs under budgets")),
        _ => {}
    }
    Options::default().set(key, value).err().map(|stop| format!("{at}.{stop}"))
}
