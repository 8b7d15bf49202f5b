use std::fs;
use std::io;
use std::path::Path;

use papo_witness::evidence::Evidence;

use crate::suite::NotHeld;

use super::{html, human, json, junit, suite_html, suite_human, suite_json};

/// Writes `report.txt`, `.json`, `.xml` and `.html` into `dir`, which is made if it is not there.
///
/// # Errors
///
/// Where the directory cannot be made or a file cannot be written; the error names it.
pub fn write(dir: &Path, evidence: &Evidence) -> io::Result<()> {
    make(dir)?;
    put(dir, "report.txt", &human(evidence))?;
    put(dir, "report.json", &json(evidence))?;
    put(dir, "report.xml", &junit(std::slice::from_ref(evidence), &[]))?;
    put(dir, "report.html", &html(evidence))
}

/// Writes the same of many drills: `index.html`, `suite.txt`, `suite.json` and `suite.xml`.
///
/// The page holds every drill, so that it can be sent to somebody as it is.
///
/// # Errors
///
/// As [`write`](fn@write).
pub fn write_suite(dir: &Path, drills: &[Evidence], not_held: &[NotHeld]) -> io::Result<()> {
    make(dir)?;
    put(dir, "suite.txt", &suite_human(drills, not_held))?;
    put(dir, "suite.json", &suite_json(drills, not_held))?;
    put(dir, "suite.xml", &junit(drills, not_held))?;
    put(dir, "index.html", &suite_html(drills, not_held))
}

fn make(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir).map_err(|error| named(dir, &error))
}

fn put(dir: &Path, name: &str, content: &str) -> io::Result<()> {
    let path = dir.join(name);
    fs::write(&path, content).map_err(|error| named(&path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
