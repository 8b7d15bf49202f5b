//! Plans that once broke a promise, made short and kept as files: each is run by the tests for ever.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::run::Broken;

/// A plan that once broke a promise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Regression {
    /// The seed that it was found with.
    pub seed: u64,
    /// What was broken.
    pub broke: String,
    /// What was wrong, for whoever reads it later.
    #[serde(default)]
    pub cause: String,
    /// The plan, made short.
    pub plan: Plan,
}

/// Where they are kept.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions")
}

/// All that are kept, by path.
///
/// # Errors
/// Where the directory or a file cannot be read.
pub fn all() -> io::Result<Vec<(PathBuf, Regression)>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.into_iter().map(|path| load(&path).map(|regression| (path, regression))).collect()
}

/// Reads one.
///
/// # Errors
/// Where it cannot be read, or is none.
pub fn load(path: &Path) -> io::Result<Regression> {
    serde_json::from_slice(&std::fs::read(path)?).map_err(io::Error::other)
}

/// Writes one down; tells where.
///
/// # Errors
/// Where it cannot be written.
pub fn keep(seed: u64, plan: &Plan, broken: &Broken) -> io::Result<PathBuf> {
    let path = directory().join(format!("seed-{seed}.json"));
    let regression =
        Regression { seed, broke: broken.headline().to_owned(), cause: String::new(), plan: plan.clone() };
    let mut text = serde_json::to_string_pretty(&regression).map_err(io::Error::other)?;
    text.push('\n');
    std::fs::create_dir_all(directory())?;
    std::fs::write(&path, text)?;
    Ok(path)
}

/// A plan as people read it: one line a fault.
pub fn readable(plan: &Plan) -> String {
    let mut text = format!(
        "{} servidores, {} clients with {} wishes, chaos for {:.1} s, {:?}, syncs of {:?} us, seed {}\n",
        plan.servidores.len(),
        plan.clients.len(),
        plan.clients.iter().map(|client| client.wishes).sum::<usize>(),
        plan.chaos as f64 / 1e6,
        plan.network,
        plan.sync,
        plan.seed,
    );
    for (number, servidor) in plan.servidores.iter().enumerate() {
        text += &format!("  s{} {servidor:?}\n", number + 1);
    }
    for planned in &plan.faults {
        text += &format!("  {:>11.3} ms  {:?}\n", planned.at as f64 / 1e3, planned.fault);
    }
    text + &format!(
        "  then s{:?} are healed, in this order, until they are a majority\n",
        plan.healing.iter().map(|node| node + 1).collect::<Vec<_>>()
    )
}
