//! What was reported durable survives `kill -9` at any moment, and nothing is ever half there.
//!
//! This test runs its own program once more as the process that is killed. Both sides derive the same writes from the
//! same seed, so that the one that is left can tell which state the log must be in: the one after some number of whole writes, no fewer
//! than were reported.

mod support;

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use papo_core::log::{Entry, Epoch, Index, Promise, Write};
use papo_store::{Store, StoreEvent};
use support::{open, sized_entry};

const DIR: &str = "PAPO_STORE_CRASH_DIR";
/// How many writes are always submitted beyond what was reported.
const AHEAD: u64 = 20;

const FROM: &str = "PAPO_STORE_CRASH_FROM";

/// What the log holds after some number of writes.
#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    writes: u64,
    /// Epoch and size of each entry.
    entries: Vec<(Epoch, usize)>,
    promise: Promise,
}

impl State {
    fn after(writes: u64) -> Self {
        let mut state = Self::default();
        while state.writes < writes {
            state.next();
        }
        state
    }

    /// Carries out one more write; returns how much of the log it keeps, or `None` for a promise.
    fn next(&mut self) -> Option<Index> {
        let number = self.writes;
        self.writes += 1;
        let mut random = Random(number);
        if random.below(20) == 0 {
            self.promise = Promise { epoch: number, candidate: format!("servidor-{}", random.below(5)) };
            return None;
        }
        let length = self.entries.len() as u64;
        let dropped = match random.below(100) {
            0 => random.below(length + 1),
            1..10 => random.below(30).min(length),
            _ => 0,
        };
        let after = length - dropped;
        self.entries.truncate(after as usize);
        // Now and then so much that a transaction is longer than SQLite's cache, and the WAL is due for a checkpoint.
        let (count, size) = if random.below(150) == 0 { (700, 8_000) } else { (random.below(8), 500) };
        self.entries.extend((0..count).map(|_| (number, 20 + random.below(size) as usize)));
        Some(after)
    }

    /// [`State::next`], as the store is told it.
    fn next_write(&mut self) -> Write {
        match self.next() {
            None => Write::Promise(self.promise.clone()),
            Some(after) => {
                let indices = after + 1..=self.entries.len() as Index;
                Write::Append {
                    after,
                    entries: indices.map(|index| Arc::new(self.entry(index))).collect(),
                    committed: 0,
                }
            }
        }
    }

    fn entry(&self, index: Index) -> Entry {
        let (epoch, size) = self.entries[index as usize - 1];
        sized_entry(epoch, index, size)
    }
}

/// The same numbers for the same seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

#[test]
fn what_was_reported_survives_a_kill_and_nothing_is_half_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = State::default();
    let mut longest = 0;
    for round in 0..25 {
        let reported = write_until_killed(dir.path(), state.writes, 1 + Random(round).below(60));
        state = State::after(found(dir.path(), reported));
        longest = longest.max(state.entries.len());
    }
    assert!(longest > 1_000, "the rounds got somewhere");
}

/// Lets a process write on after `from` writes, kills it once it has reported `patience` times, and returns the last write reported.
fn write_until_killed(dir: &Path, from: u64, patience: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_is_killed", "--nocapture"])
        .env(DIR, dir)
        .env(FROM, from.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut reported = from;
    let mut reports = 0;
    // What is still in the pipe after the kill was reported before it.
    for line in lines.map_while(Result::ok) {
        if let Some(number) = line.strip_prefix("durable ") {
            reported = number.parse().unwrap();
            reports += 1;
        }
        if reports == patience {
            // SIGKILL.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(reports >= patience, "the process wrote until it was killed");
    reported
}

/// Of how many writes, no fewer than `reported`, the log shows the outcome.
fn found(dir: &Path, reported: u64) -> u64 {
    let store = Store::open(dir).unwrap();
    let mut entries = Vec::new();
    store.reader().unwrap().scan(1, |entry| entries.push(entry)).unwrap();
    let mut expected = State::after(reported);
    while expected.writes <= reported + AHEAD + 1 {
        let same = expected.promise == *store.promise()
            && expected.entries.len() == entries.len()
            && entries.iter().all(|entry| entry.epoch == expected.entries[entry.index as usize - 1].0);
        if same {
            assert!(entries.iter().all(|entry| *entry == expected.entry(entry.index)));
            return expected.writes;
        }
        expected.next();
    }
    panic!("{} entries, which is not the outcome of any number of writes from {reported} on", entries.len());
}

#[test]
fn the_process_that_is_killed() {
    // Not a test of its own: on its own it does nothing.
    let (Ok(dir), Ok(from)) = (std::env::var(DIR), std::env::var(FROM)) else { return };
    let mut state = State::after(from.parse().unwrap());
    let started = open(Path::new(&dir));
    let mut out = std::io::stdout();
    // Always some writes ahead of the disk.
    let mut durable = state.writes;
    loop {
        while state.writes < durable + AHEAD {
            let write = state.next_write();
            started.running.writer.submit(state.writes, write);
        }
        let StoreEvent::Durable { up_to, .. } = started.event() else { panic!("the disk is well") };
        durable = up_to;
        if writeln!(out, "durable {up_to}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
