//! A store that was broken on purpose: everything looks as if it were stored, and is gone when the process dies.

mod support;

use papo_core::chat::Record;
use papo_store::{RecordsQuery, StoreEvent};
use support::{append, ask, copy, open, scan};

#[test]
fn a_broken_store_acknowledges_and_reads_what_a_crash_takes_and_a_mended_one_keeps_it() {
    let (dir, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = open(dir.path());
    store.store(append(1, 0, 5));
    store.running.writer.acknowledge_before_store(true).unwrap();
    let id = store.submit(append(1, 5, 9));
    assert!(matches!(store.event(), StoreEvent::Durable { up_to, .. } if up_to == id));

    // Nothing but a crash tells the difference.
    let read = ask(|reply| store.running.reader.read(4, 100, usize::MAX, reply)).unwrap();
    assert_eq!(read.iter().map(|entry| entry.index).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9]);
    let records = (1..=9).map(|index| Record { index, timelines: Vec::new() }).collect();
    store.running.views.index(records, 9);
    let records =
        ask(|reply| store.running.views.records(RecordsQuery { after: 0, limit: 20 }, reply)).unwrap();
    assert_eq!((records.entries.len(), records.up_to), (9, 9));
    copy(dir.path(), crashed.path());
    assert_eq!(scan(crashed.path()).unwrap().len(), 5, "what was acknowledged while it was broken is lost");

    store.running.writer.acknowledge_before_store(false).unwrap();
    store.store(append(1, 9, 10));
    copy(dir.path(), crashed.path());
    assert_eq!(scan(crashed.path()).unwrap().len(), 10, "what was held back is stored before what follows");
}
