//! `papo disk`: what a person decides about a servidor's data, because no program should.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;

use papo_core::log::Write;
use papo_core::members::DiskId;
use papo_service::{Boot, Failure, Settings};
use papo_store::{OpenError, SetAsideError, Store, StoreEvent};

use crate::programs::{self, Program};

/// Moves a servidor's data into a directory of its own inside the data directory, and says where.
///
/// For data that the servidor refuses to read (exit code 74). It then starts with a new disk: it is a learner until
/// it has caught up with the others, and counts again when their log says so. With a majority of the servidores
/// gone this loses data: their disks are the data.
#[derive(clap::Parser)]
#[command(name = "papo disk set-aside", version)]
struct SetAside {
    /// The servidor's data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Settings for SetAside {}

/// Gives a servidor's disk a new identity, because its content was restored.
///
/// A disk that was set back has forgotten what it promised, and a majority that counts on it could lose what was
/// acknowledged. With a new identity it is a learner until it has caught up with the others, and counts again when
/// their log says so. Do this after restoring a snapshot or a copy, before the servidor starts; never with a majority
/// of the servidores at once.
#[derive(clap::Parser)]
#[command(name = "papo disk renew", version)]
struct Renew {
    /// The servidor's data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Settings for Renew {}

const PROGRAMS: [Program; 2] = [
    Program {
        name: "set-aside",
        about: "Move unreadable data into a directory of its own; the servidor then starts with a new, empty disk, and learns \
                everything from the others",
        run: |arguments| papo_service::run_tool_from(arguments, set_aside),
    },
    Program {
        name: "renew",
        about: "Say that the data was restored from a snapshot or a copy, and may be older than what the servidor once promised; \
                it then counts only after it has learned from the others what is missing",
        run: |arguments| papo_service::run_tool_from(arguments, renew),
    },
];

pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let command = clap::Command::new("papo disk")
        .about("What a person decides about a servidor's data. The servidor must be stopped");
    programs::run(command, &PROGRAMS, arguments)
}

fn set_aside(boot: Boot<SetAside>) -> Result<(), Failure> {
    let Boot { settings, .. } = boot;
    match papo_store::set_aside(&settings.data) {
        Ok(place) => {
            println!("moved to {}", place.display());
            Ok(())
        }
        Err(error @ SetAsideError::Io { .. }) => Err(Failure::disk(error)),
        Err(SetAsideError::Claim(error)) => Err(unopened(error)),
        Err(error) => Err(Failure::failed(error)),
    }
}

fn renew(boot: Boot<Renew>) -> Result<(), Failure> {
    let Boot { settings, .. } = boot;
    let (old, new) = renew_disk(&settings.data)?;
    println!("disk {old} is disk {new} from now on");
    Ok(())
}

fn renew_disk(data: &Path) -> Result<(DiskId, DiskId), Failure> {
    let empty = || Failure::failed(format!("{} holds no database", data.display()));
    if !data.is_dir() {
        return Err(empty());
    }
    let store = Store::open(data).map_err(unopened)?;
    if store.is_new() {
        return Err(empty());
    }
    let old = store.disk();
    let new = DiskId(fastrand::u64(1..));
    let (sender, events) = mpsc::channel();
    let running = store.start(move |event| drop(sender.send(event))).map_err(unopened)?;
    running.writer.submit(1, Write::RenewDisk(new));
    loop {
        match events.recv() {
            Ok(StoreEvent::Durable { up_to: 1.., .. }) => return Ok((old, new)),
            Ok(StoreEvent::Failed { error, .. } | StoreEvent::Stalled { error }) => {
                return Err(Failure::disk(error));
            }
            Ok(_) => {}
            Err(mpsc::RecvError) => {
                return Err(Failure::disk("the database was closed before it was written"));
            }
        }
    }
}

fn unopened(error: OpenError) -> Failure {
    match error {
        OpenError::AlreadyInUse { .. } => Failure::failed(error),
        error => Failure::disk(error),
    }
}

#[cfg(test)]
mod tests {
    use papo_service::Exit;

    use super::*;

    #[test]
    fn a_renewed_disk_is_another_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Store::open(dir.path()).expect("made").disk();
        let (old, new) = renew_disk(dir.path()).expect("renewed");
        assert_eq!(old, first);
        assert_ne!(new, first);
        assert_eq!(Store::open(dir.path()).expect("opened").disk(), new);
    }

    #[test]
    fn a_disk_in_use_or_without_data_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(renew_disk(&dir.path().join("nowhere")).expect_err("refused").exit(), Exit::Failed);
        let held = Store::open(dir.path()).expect("made");
        assert_eq!(renew_disk(dir.path()).expect_err("refused").exit(), Exit::Failed);
        drop(held);
        renew_disk(dir.path()).expect("free");
    }
}
