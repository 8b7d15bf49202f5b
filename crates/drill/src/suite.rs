//! Which drills are held one after another, and with what options: a YAML file, or everything that may be held here.
//!
//! ```yaml
//! seed: 42
//! defaults: {duration: 15s}
//! drills:
//!   - follower-kill
//!   - name: leader-kill
//!     budgets: {pause: 1s, coordinator: 1s}
//! ```
//!
//! `docs/drills/suite.example.yaml` has all of it. Whatever is wrong with a file is told at once, each mistake with its key, and
//! nothing is begun.
//!
//! What is *not* done here: holding them. Whether an install offers what a drill needs is for [`survey`] to find out.

mod file;
pub mod survey;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::faults::{DRILLS, Drill};
use crate::options::Options;
use crate::stop::Stop;

/// Drills in the order in which they are held.
#[derive(Clone, Debug)]
pub struct Suite {
    /// What random choices are made from; each drill has a seed of its own, made from it. `None`: whoever holds the suite chooses.
    pub seed: Option<u64>,
    /// What is held.
    pub drills: Vec<SuiteDrill>,
    /// What of everything is not held, and why; only of the built-in suite.
    pub not_held: Vec<NotHeld>,
}

/// One drill of a suite.
#[derive(Clone)]
pub struct SuiteDrill {
    /// Which.
    pub drill: &'static Drill,
    /// Options that the file gives it, checked: keys as in [`Options::set`].
    settings: Vec<(String, Value)>,
}

/// A drill that the built-in suite has to do without. That is no failure: nobody asked for it by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotHeld {
    /// Its name.
    pub drill: &'static str,
    /// What is missing for it, in one clause.
    pub needs: String,
}

/// Everything that is wrong with a suite's file, a sentence each that begins with the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<String>);

impl Suite {
    /// Every drill there is, but for those that need something that `base` does not allow or have.
    pub fn built_in(base: &Options) -> Self {
        let (mut drills, mut not_held) = (Vec::new(), Vec::new());
        for drill in DRILLS {
            match lacks(drill.name, base) {
                Some(needs) => not_held.push(NotHeld { drill: drill.name, needs: needs.to_owned() }),
                None => drills.push(SuiteDrill { drill, settings: Vec::new() }),
            }
        }
        Self { seed: None, drills, not_held }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Stop::Usage`] where it cannot be read, or with everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, Stop> {
        let wrong = |error: &dyn fmt::Display| Stop::Usage(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
        Self::parse(&text).map_err(|mistakes| wrong(&mistakes))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// Every mistake there is.
    pub fn parse(text: &str) -> Result<Self, Mistakes> {
        file::read(text)
    }

    /// The seed of the drill at this position, from the seed of the suite: `drill run NAME --seed` with it makes the same choices.
    pub const fn seed_of(position: usize, seed: u64) -> u64 {
        seed.wrapping_add(position as u64)
    }
}

impl SuiteDrill {
    /// How it is held: as `base` says, but for what the file says.
    pub fn options(&self, base: &Options) -> Options {
        let mut options = base.clone();
        for (key, value) in &self.settings {
            options.set(key, value).expect("it was tried when the file was read");
        }
        options
    }
}

/// `not held: freeze (needs: ...)`
impl fmt::Display for NotHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not held: {} (needs: {})", self.drill, self.needs)
    }
}

impl fmt::Debug for SuiteDrill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SuiteDrill")
            .field("drill", &self.drill.name)
            .field("settings", &self.settings)
            .finish()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Mistakes {}

/// What this drill needs from the command line and is not given.
fn lacks(drill: &str, base: &Options) -> Option<&'static str> {
    let commands = base.nodes.off.is_some() && base.nodes.on.is_some();
    match drill {
        "majority-kill" => (!base.allow_majority_loss).then_some("--allow-majority-loss"),
        "control-broken" => (!base.allow_majority_loss || !base.allow_message_loss)
            .then_some("--allow-majority-loss and --allow-message-loss"),
        "node-power" | "node-cable" => (!commands).then_some("--node-off and --node-on"),
        _ => None,
    }
}
