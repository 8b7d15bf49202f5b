//! What is read in pages is what was said, in order, each once; and the views may be lost at any time.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use papo_core::chat::{Record, TimelineKey};
use papo_core::log::{Entry, Index, Operation, Write};
use papo_store::{Page, PageQuery, ReadError, RecordsQuery, Since, SinceQuery, Store, StoreEvent, Views};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use support::{append, ask, copy, open, said, start};

const CHANNELS: [&str; 3] = ["geral", "channel 1 ", "ação"];
const PEOPLE: [&str; 4] = ["ana", "bia", "ana bia", "zé"];

/// What is said at an index: mostly in channels, some of it in private, some of it refused.
fn speak(index: Index) -> Entry {
    let channel = CHANNELS[(index % 7 % 3) as usize].to_owned();
    let (src, dst) =
        (PEOPLE[(index / 3 % 4) as usize].to_owned(), PEOPLE[(index / 5 % 4) as usize].to_owned());
    let message = format!("message {index}");
    let operation = match index % 5 {
        0 => Operation::Empty,
        1 | 2 => Operation::Message { src, dst, message },
        _ => Operation::Publish { channel, user: src, message },
    };
    said(1, index, operation)
}

fn record(index: Index) -> Option<Record> {
    let timelines = match speak(index).operation {
        Operation::Publish { channel, .. } => vec![TimelineKey::Channel(channel)],
        Operation::Message { src, dst, .. } => {
            let pair = TimelineKey::Pair(src.clone().min(dst.clone()), src.clone().max(dst.clone()));
            let mut all = vec![pair, TimelineKey::Mailbox(src.clone())];
            if src != dst {
                all.push(TimelineKey::Mailbox(dst));
            }
            all
        }
        _ if index.is_multiple_of(10) => return None,
        _ => Vec::new(),
    };
    Some(Record { index, timelines })
}

fn records(range: impl IntoIterator<Item = Index>) -> Vec<Record> {
    range.into_iter().filter_map(record).collect()
}

fn keys() -> Vec<TimelineKey> {
    let channels = CHANNELS.iter().map(|name| TimelineKey::Channel((*name).to_owned()));
    let mailboxes = PEOPLE.iter().map(|name| TimelineKey::Mailbox((*name).to_owned()));
    let pairs = PEOPLE.iter().flat_map(|one| {
        PEOPLE
            .iter()
            .filter(move |other| *one <= **other)
            .map(|other| TimelineKey::Pair((*one).to_owned(), (*other).to_owned()))
    });
    let nowhere = [TimelineKey::Channel("nowhere".to_owned()), TimelineKey::Mailbox("geral".to_owned())];
    channels.chain(mailboxes).chain(pairs).chain(nowhere).collect()
}

/// The indices in a timeline up to `last`, by looking at everything.
fn timeline(key: &TimelineKey, last: Index) -> Vec<Index> {
    records(1..=last)
        .into_iter()
        .filter(|record| record.timelines.contains(key))
        .map(|record| record.index)
        .collect()
}

fn store_all(dir: &Path, last: Index) {
    let started = open(dir);
    let entries = (1..=last).map(|index| Arc::new(speak(index))).collect();
    started.store(Write::Append { after: 0, entries, committed: 0 });
    for index in 1..=last {
        started.running.views.index(records([index]), index);
    }
}

fn page(views: &Views, query: PageQuery) -> Result<Page, ReadError> {
    ask(|reply| views.page(query, reply))
}

fn since(views: &Views, query: SinceQuery) -> Result<Since, ReadError> {
    ask(|reply| views.since(query, reply))
}

fn indices(entries: &[Entry]) -> Vec<Index> {
    assert!(entries.iter().all(|entry| *entry == speak(entry.index)));
    entries.iter().map(|entry| entry.index).collect()
}

/// Everything in a timeline, by paging back from its end.
fn page_through(views: &Views, key: &TimelineKey) -> Result<Vec<Index>, ReadError> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let page = page(views, PageQuery { key: key.clone(), before, after: None, limit: 7 })?;
        let mut found = indices(&page.entries);
        before = found.first().copied();
        found.extend(all);
        all = found;
        if !page.more {
            return Ok(all);
        }
    }
}

const LAST: Index = 200;

#[test]
fn pages_are_what_a_look_at_everything_would_find() {
    let dir = tempfile::tempdir().unwrap();
    store_all(dir.path(), LAST);
    let views = open(dir.path()).running.views;
    let bound = || prop::option::of(0..LAST + 20);
    proptest!(cases(500), |(key in prop::sample::select(keys()), before in bound(), after in bound(), limit in 0_usize..40)| {
        let all = timeline(&key, LAST);
        let page = page(&views, PageQuery { key, before, after, limit }).unwrap();
        let range: Vec<_> = all
            .iter()
            .copied()
            .filter(|&index| before.is_none_or(|before| index < before) && after.is_none_or(|after| index > after))
            .collect();
        let kept = range.len().min(limit);
        let expected = if after.is_some() { &range[..kept] } else { &range[range.len() - kept..] };
        prop_assert_eq!(indices(&page.entries), expected);
        prop_assert_eq!(page.more, range.len() > limit);
        prop_assert_eq!(page.applied, LAST);
        let previous = expected.first().and_then(|&first| all.iter().copied().rfind(|&index| index < first));
        prop_assert_eq!(page.previous, previous.unwrap_or(0));
    });
}

#[test]
fn what_was_missed_is_merged_in_order_and_each_once() {
    let dir = tempfile::tempdir().unwrap();
    store_all(dir.path(), LAST);
    let views = open(dir.path()).running.views;
    let some = prop::sample::subsequence(keys(), 0..6);
    proptest!(cases(300), |(keys in some, from in 0..LAST + 20, limit in 1_usize..40)| {
        let all: BTreeSet<Index> = keys.iter().flat_map(|key| timeline(key, LAST)).filter(|&index| index > from).collect();
        let mut collected = Vec::new();
        let mut reached = from;
        loop {
            let answer = since(&views, SinceQuery { keys: keys.clone(), since: reached, limit }).unwrap();
            prop_assert!(answer.entries.len() <= limit);
            collected.extend(indices(&answer.entries));
            prop_assert!(answer.up_to >= reached);
            reached = answer.up_to;
            if !answer.more {
                break;
            }
            prop_assert_eq!(Some(&reached), collected.last());
        }
        prop_assert_eq!(collected, all.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(reached, from.max(LAST));
    });
}

#[test]
fn an_export_holds_every_accepted_operation_in_the_order_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    store_all(dir.path(), LAST);
    let views = open(dir.path()).running.views;
    let mut collected = Vec::new();
    let mut after = 0;
    loop {
        let answer = ask(|reply| views.records(RecordsQuery { after, limit: 9 }, reply)).unwrap();
        collected.extend(indices(&answer.entries));
        after = answer.up_to;
        if !answer.more {
            break;
        }
    }
    assert_eq!(collected, records(1..=LAST).iter().map(|record| record.index).collect::<Vec<_>>());
    assert_eq!(after, LAST);
}

#[test]
fn a_read_sees_every_operation_submitted_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(dir.path());
    let key = TimelineKey::Mailbox("ana".to_owned());
    for index in 1..=100 {
        started.store(Write::Append {
            after: index - 1,
            entries: vec![Arc::new(speak(index))],
            committed: 0,
        });
        started.running.views.index(records([index]), index);
        assert_eq!(page_through(&started.running.views, &key).unwrap(), timeline(&key, index));
    }
}

#[test]
fn a_replay_may_begin_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    store_all(dir.path(), 100);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.indexed(), 100);
    let views = start(store).running.views;
    views.index(records(1..=100), 100);
    views.index(records(51..=60), 60);
    for key in keys() {
        assert_eq!(page_through(&views, &key).unwrap(), timeline(&key, 100));
    }
}

#[test]
fn views_that_were_deleted_are_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    store_all(dir.path(), LAST);
    fs::remove_file(dir.path().join("views.db")).unwrap();
    expect_rebuilt(dir.path());
}

#[test]
fn views_that_are_no_database_are_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    store_all(dir.path(), LAST);
    for garbage in [&b""[..], b"garbage", &[7; 10_000]] {
        fs::write(dir.path().join("views.db"), garbage).unwrap();
        expect_rebuilt(dir.path());
    }
}

#[test]
fn views_of_another_log_are_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    store_all(dir.path(), LAST);
    let other = tempfile::tempdir().unwrap();
    open(other.path()).store(append(1, 0, LAST));
    fs::copy(dir.path().join("views.db"), other.path().join("views.db")).unwrap();
    assert_eq!(Store::open(other.path()).unwrap().indexed(), 0);
    assert_eq!(Store::open(dir.path()).unwrap().indexed(), LAST);
}

#[test]
fn views_of_a_longer_log_are_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    store_all(dir.path(), LAST);
    open(dir.path()).store(append(1, LAST - 10, LAST - 10));
    assert_eq!(Store::open(dir.path()).unwrap().indexed(), 0);
}

#[test]
fn what_was_applied_counts_as_committed() {
    let dir = tempfile::tempdir().unwrap();
    store_all(dir.path(), LAST);
    assert_eq!(Store::open(dir.path()).unwrap().committed(), LAST);
}

fn expect_rebuilt(dir: &Path) {
    let store = Store::open(dir).unwrap();
    assert!(!store.is_new());
    assert_eq!(store.indexed(), 0);
    assert_eq!(store.last().index, LAST);
    let views = start(store).running.views;
    views.index(records(1..=LAST), LAST);
    for key in keys() {
        assert_eq!(page_through(&views, &key).unwrap(), timeline(&key, LAST));
    }
}

#[test]
fn flipped_bits_never_show_a_message_where_it_was_not_said() {
    let dir = tempfile::tempdir().unwrap();
    store_all(dir.path(), LAST);
    proptest!(cases(300), |(place in 0.0..1.0, bit in 0_u8..8)| {
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        let path = copied.path().join("views.db");
        let mut bytes = fs::read(&path).unwrap();
        let at = (bytes.len() as f64 * place) as usize;
        bytes[at] ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        let store = Store::open(copied.path()).unwrap();
        let indexed = store.indexed();
        let started = start(store);
        started.running.views.index(records(indexed + 1..=LAST), LAST);
        let mut refused = false;
        for key in keys() {
            match page_through(&started.running.views, &key) {
                Ok(found) => {
                    let expected = timeline(&key, LAST);
                    prop_assert!(found.iter().all(|index| expected.contains(index)));
                }
                Err(ReadError::Corrupt { .. } | ReadError::Stopped) => refused = true,
                Err(error) => panic!("{error}"),
            }
        }
        if refused {
            prop_assert!(matches!(started.event(), StoreEvent::Failed { .. }), "it was reported");
            drop(started);
            expect_rebuilt(copied.path());
        }
    });
}

fn cases(cases: u32) -> ProptestConfig {
    let failure_persistence = Some(Box::new(FileFailurePersistence::Off) as Box<_>);
    ProptestConfig { cases, failure_persistence, ..ProptestConfig::default() }
}
