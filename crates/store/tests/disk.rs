//! A disk that is full, read-only, or fails.
//!
//! Full and read-only disks are small file systems in memory, which only root may mount: elsewhere those tests do nothing, and say so where
//! the test runner does not hide it. What a full disk does to a transaction is tested everywhere, beside the code of the writer.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use papo_core::chat::{Record, TimelineKey};
use papo_core::log::{Index, Write};
use papo_store::{FaultKind, OpenError, PageQuery, ReadError, Store, StoreEvent};
use support::{Started, append, ask, entry, open, scan, sized_entry, wait_until};
use tempfile::TempDir;

/// A file system of its own.
struct Disk(TempDir);

impl Disk {
    /// `None`, with a word about it, where that is not allowed.
    fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        if mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], dir.path()) {
            Some(Self(dir))
        } else {
            // `eprintln!` would be shown only if the test failed.
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            writeln!(std::io::stderr(), "SKIPPED: {test}: only root may mount the small disk that it fills")
                .expect("there is somebody to tell");
            None
        }
    }

    fn remount(&self, option: &str) {
        assert!(mount(&["-o", &format!("remount,{option}")], self.path()));
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file until there is no room left for a single page.
    fn fill(&self) {
        let mut filler = fs::File::create(self.path().join("filler")).unwrap();
        while filler.write_all(&[1; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let status = Command::new("mount").args(arguments).arg(at).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.path().display());
        }
    }
}

/// 80 KB in ten entries.
fn big(after: Index) -> Write {
    let entries = (after + 1..=after + 10).map(|index| Arc::new(sized_entry(1, index, 8000))).collect();
    Write::Append { after, entries, committed: 0 }
}

fn expect_stalled(started: &Started) {
    let event = started.event();
    assert!(matches!(event, StoreEvent::Stalled { .. }), "{event:?}");
}

#[test]
fn a_full_disk_holds_up_what_was_not_reported_until_there_is_room() {
    let Some(disk) = Disk::mount("4m") else { return };
    let store = Store::open(disk.path()).unwrap();
    let log = store.reader().unwrap();
    let started = support::start(store);
    started.store(append(1, 0, 10));
    disk.fill();
    let first = started.submit(big(10));
    expect_stalled(&started);
    let last = started.submit(big(20));
    // For longer than it takes to try again.
    let silence = started.events.recv_timeout(Duration::from_millis(500));
    assert!(silence.is_err(), "{silence:?}");
    assert_eq!(log.last().unwrap().index, 10);

    disk.make_room();
    assert_eq!(started.event(), StoreEvent::Recovered);
    assert!(matches!(started.event(), StoreEvent::Durable { up_to, .. } if up_to == first));
    started.wait_durable(last);
    assert_eq!(log.last().unwrap().index, 30);
    drop((started, log));
    assert_eq!(scan(disk.path()).unwrap().len(), 30);
}

#[test]
fn a_store_that_is_dropped_while_the_disk_is_full_ends_at_once_and_loses_nothing_reported() {
    let Some(disk) = Disk::mount("4m") else { return };
    let started = open(disk.path());
    started.store(append(1, 0, 10));
    disk.fill();
    started.submit(big(10));
    expect_stalled(&started);
    let begin = Instant::now();
    drop(started);
    assert!(begin.elapsed() < support::PATIENCE);
    disk.make_room();
    assert_eq!(scan(disk.path()).unwrap(), (1..=10).map(|index| entry(1, index)).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_cannot_be_opened_and_nothing_is_lost_by_trying() {
    let Some(disk) = Disk::mount("4m") else { return };
    disk.fill();
    for _ in 0..2 {
        let error = Store::open(disk.path().join("data")).unwrap_err();
        assert!(matches!(error, OpenError::Full { .. }), "{error}");
    }
    disk.make_room();
    let dir = disk.path().join("data");
    open(&dir).store(append(1, 0, 10));
    disk.fill();
    let error = Store::open(&dir).unwrap_err();
    assert!(matches!(error, OpenError::Full { .. }), "{error}");
    disk.make_room();
    assert_eq!(scan(&dir).unwrap().len(), 10);
}

#[test]
fn views_that_found_no_room_are_completed_when_there_is_some() {
    let Some(disk) = Disk::mount("6m") else { return };
    let started = open(disk.path());
    let messages: Index = 10_000;
    started.store(append(1, 0, messages));
    let key = TimelineKey::Channel("channel".to_owned());
    let page = || {
        let query = PageQuery { key: key.clone(), before: None, after: None, limit: 1 };
        ask(|reply| started.running.views.page(query, reply))
    };
    disk.fill();
    let records = (1..=messages).map(|index| Record { index, timelines: vec![key.clone()] }).collect();
    started.running.views.index(records, messages);
    assert_eq!(page().unwrap_err(), ReadError::Full);
    disk.make_room();
    let mut answer = page();
    wait_until("the views catch up", || {
        answer = page();
        answer.is_ok()
    });
    assert_eq!(answer.unwrap().entries, [entry(1, messages)]);
}

#[test]
fn a_read_only_disk_is_refused() {
    let Some(disk) = Disk::mount("4m") else { return };
    let dir = disk.path().join("data");
    open(&dir).store(append(1, 0, 10));
    disk.remount("ro");
    for dir in [dir.clone(), disk.path().join("new")] {
        let error = Store::open(dir).unwrap_err();
        assert!(matches!(error, OpenError::NotWritable { .. }), "{error}");
    }
    disk.remount("rw");
    assert_eq!(scan(&dir).unwrap().len(), 10);
}

const DIR: &str = "PAPO_STORE_FAILING_DIR";

#[test]
fn a_write_that_fails_ends_the_store_for_good() {
    let dir = tempfile::tempdir().unwrap();
    // A limit on the size of files is the one failure of a disk that can be had everywhere: writes beyond it end in EFBIG.
    let mut child = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 2000; exec \"$0\" --exact the_process_whose_disk_fails --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told: Vec<String> =
        BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).collect();
    assert!(child.wait().unwrap().success());
    let reported = told.iter().filter_map(|line| line.strip_prefix("durable ")?.parse::<Index>().ok()).max();
    let reported = reported.expect("it went well for a while");
    let failures = told.iter().filter(|line| *line == "failed").count();
    assert_eq!(failures, 1);
    assert!(scan(dir.path()).unwrap().len() as Index >= reported * 10);
}

#[test]
fn the_process_whose_disk_fails() {
    // Not a test of its own: on its own it does nothing.
    let Ok(dir) = std::env::var(DIR) else { return };
    let started = open(Path::new(&dir));
    let mut after = 0;
    loop {
        started.submit(big(after));
        after += 10;
        match started.event() {
            StoreEvent::Durable { up_to, .. } => println!("\ndurable {up_to}"),
            StoreEvent::Failed { kind: FaultKind::Io, .. } => break,
            event => panic!("{event:?}"),
        }
    }
    println!("\nfailed");
    started.submit(big(after));
    let silence = started.events.recv_timeout(Duration::from_millis(500));
    assert!(silence.is_err(), "{silence:?}");
}
