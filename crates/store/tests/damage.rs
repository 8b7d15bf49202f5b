//! A damaged log is refused, whatever is wrong with it, and stays as it is.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use papo_core::log::{Entry, Promise, Write};
use papo_store::{FaultKind, OpenError, ReadError, Store, StoreEvent, set_aside};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use support::{Refused, append, copy, entry, open, scan, start};
use tempfile::TempDir;

/// A log as a crash leaves it: partly in the database, partly in the WAL.
struct Crashed {
    _all: TempDir,
    dir: PathBuf,
}

/// The size of a page of SQLite.
const PAGE: usize = 4096;

const FILES: [&str; 3] = ["log.db", "log.db-wal", "log.mark"];

/// What must be found, if anything is.
#[derive(Debug, PartialEq)]
struct Content {
    entries: Vec<Entry>,
    promise: Promise,
    disk: papo_core::members::DiskId,
    committed: u64,
}

fn crashed() -> Crashed {
    let all = tempfile::tempdir().unwrap();
    let (live, dir) = (all.path().join("live"), all.path().join("crashed"));
    open(&live).store(append(1, 0, 300));
    let started = open(&live);
    for index in 301..=340 {
        started.store(append(1, index - 1, index));
    }
    started.store(Write::Promise(Promise { epoch: 2, candidate: "servidor-1".to_owned() }));
    started.store(Write::Append { after: 290, entries: support::entries(2, 291..=350), committed: 290 });
    copy(&live, &dir);
    for file in FILES {
        assert!(fs::metadata(dir.join(file)).unwrap().len() > 0, "{file}");
    }
    Crashed { _all: all, dir }
}

fn content(dir: &Path) -> Result<Content, Refused> {
    let store = Store::open(dir)?;
    let mut entries = Vec::new();
    store.reader()?.scan(1, |entry| entries.push(entry))?;
    Ok(Content {
        entries,
        promise: store.promise().clone(),
        disk: store.disk(),
        committed: store.committed(),
    })
}

/// Either everything is as it was, also after writing on, or the damage is found and nothing was touched.
fn check(dir: &Path, expected: &Content) {
    let before = bytes(dir);
    match content(dir) {
        Err(refused) => {
            assert!(refused.is_corrupt(), "{refused:?}");
            assert!(bytes(dir) == before, "a damaged log was changed");
        }
        Ok(found) => {
            assert!(found == *expected, "what was read differs");
            write_on(dir, expected);
        }
    }
}

fn write_on(dir: &Path, expected: &Content) {
    let started = open(dir);
    let id = started.submit(append(3, 320, 600));
    match started.event() {
        StoreEvent::Durable { up_to, .. } => assert_eq!(up_to, id),
        StoreEvent::Failed { kind: FaultKind::Corrupt, .. } => return,
        event => panic!("{event:?}"),
    }
    drop(started);
    match scan(dir) {
        Err(refused) => assert!(refused.is_corrupt(), "{refused:?}"),
        Ok(found) => {
            assert!(found[..320] == expected.entries[..320], "what was there differs");
            assert!(
                found[320..].iter().cloned().eq((321..=600).map(|index| entry(3, index))),
                "what was written differs"
            );
        }
    }
}

fn bytes(dir: &Path) -> Vec<Option<Vec<u8>>> {
    ["log.db", "log.db-wal"].iter().map(|file| fs::read(dir.join(file)).ok()).collect()
}

fn cases(cases: u32) -> ProptestConfig {
    let failure_persistence = Some(Box::new(FileFailurePersistence::Off) as Box<_>);
    ProptestConfig { cases, failure_persistence, ..ProptestConfig::default() }
}

fn flip(path: &Path, place: f64, bit: u8) {
    let mut bytes = fs::read(path).unwrap();
    let at = (bytes.len() as f64 * place) as usize;
    bytes[at] ^= 1 << bit;
    fs::write(path, bytes).unwrap();
}

#[test]
fn flipped_bits_never_change_what_is_read() {
    let crashed = crashed();
    let expected = content(&crashed.dir).unwrap();
    assert_eq!(expected.entries.len(), 350);
    let flips = prop::collection::vec((0..FILES.len(), 0.0..1.0, 0_u8..8), 1..4);
    proptest!(cases(400), |(flips in flips)| {
        let copied = tempfile::tempdir().unwrap();
        copy(&crashed.dir, copied.path());
        for (file, place, bit) in flips {
            flip(&copied.path().join(FILES[file]), place, bit);
        }
        check(copied.path(), &expected);
    });
}

#[test]
fn flipped_bits_in_what_matters_most_never_change_what_is_read() {
    let crashed = crashed();
    let expected = content(&crashed.dir).unwrap();
    // The header of the database and of its first page, and the headers of the WAL and of its first frame.
    for (file, length) in [("log.db", 120), ("log.db-wal", 56), ("log.mark", 12)] {
        for bit in 0..length * 8 {
            // A bit of each byte in turn: all of them would take minutes.
            if (bit / 8 + bit) % 4 != 0 {
                continue;
            }
            let copied = tempfile::tempdir().unwrap();
            copy(&crashed.dir, copied.path());
            let path = copied.path().join(file);
            let mut bytes = fs::read(&path).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bytes).unwrap();
            check(copied.path(), &expected);
        }
    }
}

#[test]
fn free_pages_that_are_not_free_are_noticed_before_they_are_written_to() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).store(append(1, 0, 3000));
    open(dir.path()).store(append(1, 350, 350));
    let log = fs::read(dir.path().join("log.db")).unwrap();
    // The page that lists free pages, and how many it lists (SQLite's file format, sections 1.3 and 1.5).
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap()) as usize;
    let list = (number(32) - 1) * PAGE;
    let length = number(list + 4);
    assert!(length > 20);
    for page in 2..u32::try_from(log.len() / PAGE).unwrap() {
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        let mut log = log.clone();
        for listed in 0..length {
            let at = list + 8 + listed * 4;
            log[at..at + 4].copy_from_slice(&page.to_be_bytes());
        }
        fs::write(copied.path().join("log.db"), log).unwrap();
        let refused = Store::open(copied.path());
        assert!(matches!(refused, Err(OpenError::Corrupt { .. })), "page {page}: {refused:?}");
    }
}

#[test]
fn an_entry_that_was_taken_out_is_missed() {
    for index in [1, 200, 300] {
        let crashed = crashed();
        let log = rusqlite::Connection::open(crashed.dir.join("log.db")).unwrap();
        log.execute("DELETE FROM log WHERE idx = ?1", [index]).unwrap();
        drop(log);
        assert!(scan(&crashed.dir).unwrap_err().is_corrupt(), "entry {index}");
        let store = Store::open(&crashed.dir).unwrap();
        let read = store.reader().unwrap().read(index, 1, usize::MAX);
        assert!(matches!(read, Err(ReadError::Corrupt { .. })), "{read:?}");
    }
}

#[test]
fn a_truncated_log_is_refused() {
    let crashed = crashed();
    let expected = content(&crashed.dir).unwrap();
    proptest!(cases(60), |(file in 0..FILES.len(), place in 0.0..1.0)| {
        let copied = tempfile::tempdir().unwrap();
        copy(&crashed.dir, copied.path());
        let path = copied.path().join(FILES[file]);
        let length = (fs::metadata(&path).unwrap().len() as f64 * place) as u64;
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        check(copied.path(), &expected);
    });
}

#[test]
fn a_wal_that_lost_its_end_or_is_gone_is_noticed() {
    let crashed = crashed();
    let wal = crashed.dir.join("log.db-wal");
    let length = fs::metadata(&wal).unwrap().len();
    for keep in [length - 1, length / 2, 32, 0] {
        let copied = tempfile::tempdir().unwrap();
        copy(&crashed.dir, copied.path());
        fs::OpenOptions::new()
            .write(true)
            .open(copied.path().join("log.db-wal"))
            .unwrap()
            .set_len(keep)
            .unwrap();
        assert!(scan(copied.path()).unwrap_err().is_corrupt(), "{keep} of {length} bytes");
    }
    fs::remove_file(wal).unwrap();
    assert!(scan(&crashed.dir).unwrap_err().is_corrupt());
}

#[test]
fn a_database_that_is_gone_while_its_wal_is_there_is_no_new_disk() {
    let crashed = crashed();
    fs::remove_file(crashed.dir.join("log.db")).unwrap();
    assert!(matches!(Store::open(&crashed.dir), Err(OpenError::Corrupt { .. })));
}

#[test]
fn a_file_that_is_no_log_is_refused_and_left_alone() {
    for content in [&b""[..], b"x", &[0; 4096], b"users.json", &[b'S'; 100_000]] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        fs::write(&path, content).unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("papo disk set-aside --data"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), content);
        set_aside(dir.path()).unwrap();
        assert!(Store::open(dir.path()).unwrap().is_new());
    }
}

#[test]
fn another_programs_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let other = rusqlite::Connection::open(dir.path().join("log.db")).unwrap();
    other
        .execute_batch(
            "PRAGMA journal_mode = wal; CREATE TABLE log (idx); CREATE TABLE meta (key, value, crc)",
        )
        .unwrap();
    drop(other);
    assert!(matches!(Store::open(dir.path()), Err(OpenError::Corrupt { .. })));
}

#[test]
fn a_creation_that_was_cut_short_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("log.db.new"), b"SQLite form").unwrap();
    fs::write(dir.path().join("log.db.new-wal"), b"half").unwrap();
    assert!(Store::open(dir.path()).unwrap().is_new());
    assert!(!dir.path().join("log.db.new").exists());
}

#[test]
fn a_log_without_its_mark_is_opened() {
    let crashed = crashed();
    fs::remove_file(crashed.dir.join("log.mark")).unwrap();
    assert_eq!(scan(&crashed.dir).unwrap().len(), 350);
    assert!(crashed.dir.join("log.mark").exists(), "and gets a new one");
}

#[test]
fn damage_found_while_it_runs_is_reported_once() {
    let crashed = crashed();
    // The content of a row, which nothing looks at before it is read, and what SQLite left of it in unused space.
    let path = crashed.dir.join("log.db");
    let mut bytes = fs::read(&path).unwrap();
    let needle = b"message 17 of epoch 1";
    for at in 0..bytes.len() - needle.len() {
        if bytes[at..].starts_with(needle) {
            bytes[at] ^= 1;
        }
    }
    fs::write(&path, bytes).unwrap();
    let started = start(Store::open(&crashed.dir).unwrap());
    for _ in 0..3 {
        let read = support::ask(|reply| started.running.reader.read(10, 20, usize::MAX, reply));
        assert!(matches!(read, Err(ReadError::Corrupt { .. })), "{read:?}");
    }
    assert!(matches!(started.event(), StoreEvent::Failed { kind: FaultKind::Corrupt, .. }));
    let sound = support::ask(|reply| started.running.reader.read(20, 5, usize::MAX, reply)).unwrap();
    assert_eq!(sound[0], entry(1, 20));
    assert!(started.events.try_recv().is_err());
}
