//! What the log promises while everything is well.

mod support;

use std::sync::Arc;

use papo_core::log::{Epoch, Index, Position, Promise, Write};
use papo_core::members::DiskId;
use papo_store::{OpenError, Store, StoreEvent, disk_usage, set_aside};
use support::{append, ask, entries, entry, open, scan, sized_entry, start};

#[test]
fn a_new_disk_has_an_identity_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("made/on/the/way")).unwrap();
    assert!(store.is_new());
    assert_eq!((store.last(), store.committed(), store.indexed()), (Position::default(), 0, 0));
    assert_eq!(store.promise(), &Promise::default());
    assert!(store.peers().is_empty());
    let other = Store::open(dir.path().join("other")).unwrap();
    assert_ne!(store.disk(), other.disk());
}

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let promise = Promise { epoch: 9, candidate: "servidor-2".to_owned() };
    let peers = vec![("servidor-2".to_owned(), "10.0.0.2:5570".to_owned())];
    let disk = {
        let store = Store::open(dir.path()).unwrap();
        let disk = store.disk();
        let started = start(store);
        started.running.writer.remember_peers(peers.clone());
        started.store(Write::Append { after: 0, entries: entries(1, 1..=10), committed: 7 });
        started.store(Write::Promise(promise.clone()));
        disk
    };
    let store = Store::open(dir.path()).unwrap();
    assert!(!store.is_new());
    assert_eq!(store.disk(), disk);
    assert_eq!(store.promise(), &promise);
    assert_eq!(store.last(), Position { epoch: 1, index: 10 });
    assert_eq!(store.committed(), 7);
    assert_eq!(store.peers(), peers);
    drop(store);
    assert_eq!(scan(dir.path()).unwrap(), (1..=10).map(|index| entry(1, index)).collect::<Vec<_>>());
}

#[test]
fn an_append_replaces_what_was_beyond_it() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(dir.path());
    started.submit(append(1, 0, 10));
    started.submit(append(2, 6, 8));
    started.submit(append(3, 8, 8));
    started.store(append(3, 7, 12));
    let expected: Vec<_> = (1..=6)
        .map(|index| entry(1, index))
        .chain([entry(2, 7)])
        .chain((8..=12).map(|index| entry(3, index)))
        .collect();
    drop(started);
    assert_eq!(scan(dir.path()).unwrap(), expected);
}

#[test]
fn an_append_of_nothing_only_drops() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(dir.path());
    started.store(append(1, 0, 10));
    started.store(append(1, 4, 4));
    drop(started);
    assert_eq!(Store::open(dir.path()).unwrap().last(), Position { epoch: 1, index: 4 });
    let started = open(dir.path());
    started.store(append(2, 0, 0));
    drop(started);
    assert_eq!(Store::open(dir.path()).unwrap().last(), Position::default());
}

#[test]
fn a_new_identity_of_the_disk_is_stored_in_order() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).store(Write::RenewDisk(DiskId(42)));
    assert_eq!(Store::open(dir.path()).unwrap().disk(), DiskId(42));
}

#[test]
fn addresses_are_stored_without_a_write_to_travel_with() {
    let dir = tempfile::tempdir().unwrap();
    let peers = vec![("servidor-3".to_owned(), "10.0.0.3:5570".to_owned())];
    open(dir.path()).running.writer.remember_peers(peers.clone());
    assert_eq!(Store::open(dir.path()).unwrap().peers(), peers);
}

#[test]
fn everything_submitted_is_stored_when_the_store_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(dir.path());
    for index in 1..=500 {
        started.submit(append(1, index - 1, index));
    }
    drop(started);
    assert_eq!(Store::open(dir.path()).unwrap().last().index, 500);
}

#[test]
fn ids_are_reported_in_order_and_up_to_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(dir.path());
    for index in 1..=300 {
        started.submit(append(1, index - 1, index));
    }
    let mut reported = 0;
    while reported < 300 {
        let StoreEvent::Durable { up_to, .. } = started.event() else {
            panic!("only durability is reported")
        };
        assert!(up_to > reported, "{up_to} after {reported}");
        reported = up_to;
    }
    assert_eq!(reported, 300);
}

#[test]
fn a_reader_sees_a_write_as_soon_as_it_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let log = store.reader().unwrap();
    let started = start(store);
    for index in 1..=50 {
        started.store(append(1, index - 1, index));
        assert_eq!(log.last().unwrap().index, index);
    }
}

#[test]
fn a_read_is_bounded_by_entries_and_by_bytes_but_never_empty() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(dir.path());
    let big = (1..=10).map(|index| Arc::new(sized_entry(1, index, 1000))).collect();
    started.store(Write::Append { after: 0, entries: big, committed: 0 });
    let read = |from: Index, max_entries, max_bytes| -> Vec<Index> {
        let read = ask(|reply| started.running.reader.read(from, max_entries, max_bytes, reply)).unwrap();
        assert!(read.iter().all(|read| *read == sized_entry(1, read.index, 1000)));
        read.iter().map(|entry| entry.index).collect()
    };
    assert_eq!(read(1, 3, usize::MAX), [1, 2, 3]);
    assert_eq!(read(4, 100, 3500), [4, 5, 6]);
    assert_eq!(read(4, 100, 1), [4], "the one that is asked for, however big");
    assert_eq!(read(9, 100, usize::MAX), [9, 10]);
    assert_eq!(read(11, 100, usize::MAX), [] as [Index; 0]);
    assert_eq!(read(0, 1, usize::MAX), [1]);
    assert_eq!(read(3, 0, usize::MAX), [] as [Index; 0]);
}

#[test]
fn the_epoch_of_each_position_can_be_asked() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let log = store.reader().unwrap();
    let started = start(store);
    started.store(append(1, 0, 3));
    started.store(append(4, 3, 5));
    let epochs: Vec<Option<Epoch>> = (0..=6).map(|index| log.entry_epoch(index).unwrap()).collect();
    assert_eq!(epochs, [Some(0), Some(1), Some(1), Some(1), Some(4), Some(4), None]);
    assert_eq!(log.last().unwrap(), Position { epoch: 4, index: 5 });
}

#[test]
fn a_second_process_is_kept_out_until_the_first_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let log = store.reader().unwrap();
    assert!(matches!(Store::open(dir.path()), Err(OpenError::AlreadyInUse { .. })));
    let started = start(store);
    assert!(matches!(Store::open(dir.path()), Err(OpenError::AlreadyInUse { .. })));
    assert!(set_aside(dir.path()).is_err());
    drop(started);
    assert!(matches!(Store::open(dir.path()), Err(OpenError::AlreadyInUse { .. })), "a reader is left");
    drop(log);
    Store::open(dir.path()).unwrap();
}

#[test]
fn what_is_set_aside_can_be_opened_there_and_leaves_a_new_disk_behind() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(dir.path());
    started.store(append(1, 0, 10));
    drop(started);
    let disk = Store::open(dir.path()).unwrap().disk();
    let aside = set_aside(dir.path()).unwrap();
    assert!(aside.starts_with(dir.path()));
    let store = Store::open(dir.path()).unwrap();
    assert!(store.is_new());
    assert_ne!(store.disk(), disk);
    assert_eq!(Store::open(&aside).unwrap().last().index, 10);
    drop(store);
    assert_ne!(set_aside(dir.path()).unwrap(), aside);
    assert!(set_aside(dir.path()).is_err(), "there is nothing left to set aside");
}

#[test]
fn a_clean_end_leaves_no_wal() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(dir.path());
    started.store(append(1, 0, 100));
    drop(started);
    for file in ["log.db-wal", "views.db-wal"] {
        assert!(!dir.path().join(file).exists(), "{file}");
    }
}

#[test]
fn the_disk_usage_grows_with_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(dir.path());
    let before = disk_usage(dir.path()).unwrap();
    assert!(before.free > 0);
    let big = (1..=100).map(|index| Arc::new(sized_entry(1, index, 8000))).collect();
    started.store(Write::Append { after: 0, entries: big, committed: 0 });
    let after = disk_usage(dir.path()).unwrap();
    assert!(after.used >= before.used + 800_000, "{before:?} {after:?}");
}

#[test]
fn the_wal_stops_growing_under_constant_load() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(dir.path());
    let mut longest = 0;
    // 100 MiB in all, with never an idle moment: the next write is queued before the last is reported.
    for index in 1..=12_800 {
        started.submit(Write::Append {
            after: index - 1,
            entries: vec![Arc::new(sized_entry(1, index, 8000))],
            committed: 0,
        });
        if index % 64 == 0 {
            started.wait_durable(index - 32);
            let wal = std::fs::metadata(dir.path().join("log.db-wal")).unwrap().len();
            longest = longest.max(wal);
        }
    }
    assert!(longest < 64 << 20, "{longest} bytes");
}
