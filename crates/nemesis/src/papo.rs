//! The program `papo`, as people run it.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use papo_witness::Reach;

/// What an export writes.
const FILES: [&str; 3] = ["users.json", "channels.json", "messages.jsonl"];

/// Runs it. Returns what it told, or why it failed.
pub(crate) fn run(arguments: &[&OsStr]) -> Result<String, String> {
    let program = beside().map_err(|error| format!("no papo: {error}"))?;
    let ran = Command::new(&program).args(arguments).output();
    let ran = ran.map_err(|error| format!("{}: {error}", program.display()))?;
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if ran.status.success() { Ok(told(&ran.stdout)) } else { Err(told(&ran.stderr)) }
}

/// Beside this program; a test's own executable is one folder deeper, in `deps`.
fn beside() -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own.parent().unwrap_or(Path::new("."));
    let folder = if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside };
    Ok(folder.join("papo"))
}

/// How the exports from all servidores compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exports {
    /// Byte for byte the same; what one of them told.
    Equal(String),
    /// A file that is not the same everywhere: a sentence.
    Differ(String),
    /// Somebody's could not be had: a sentence.
    Missing(String),
}

/// Exports from each servidor, and compares the files.
pub fn compare_exports(reach: &Reach, folder: &Path) -> Exports {
    let mut first: Option<(&str, Vec<Vec<u8>>, String)> = None;
    for (name, address) in &reach.servidores {
        let (files, told) = match export(*address, &folder.join(name)) {
            Ok(exported) => exported,
            Err(why) => return Exports::Missing(format!("no export from {name}: {why}")),
        };
        match &first {
            None => first = Some((name, files, told)),
            Some((other, expected, _)) => {
                if let Some(n) = (0..FILES.len()).find(|n| expected[*n] != files[*n]) {
                    let sentence = format!("{} of {other} and of {name} are not the same", FILES[n]);
                    return Exports::Differ(sentence);
                }
            }
        }
    }
    first.map_or_else(
        || Exports::Missing("there is no servidor".to_owned()),
        |(_, _, told)| Exports::Equal(told),
    )
}

fn export(from: SocketAddr, to: &Path) -> Result<(Vec<Vec<u8>>, String), String> {
    let from = format!("--from={from}");
    let told = run(&["export".as_ref(), to.as_os_str(), from.as_ref(), "--timeout=30s".as_ref()])?;
    let read = FILES.iter().map(|file| fs::read(to.join(file)).map_err(|error| format!("{file}: {error}")));
    Ok((read.collect::<Result<_, _>>()?, told))
}
