//! Ledgers in files, and histories as they come over the wire.

use papo_audit::{Event, ExportPage, HistoryDump, Ledger, LoadError, Recorder, Topic, What};

use crate::honest::Run;

#[test]
fn a_ledger_comes_back_from_its_file_as_it_was() {
    let ledger = Run::begin().ledger;
    let mut file = Vec::new();
    ledger.save(&mut file).expect("memory takes it");
    assert_eq!(Ledger::load(file.as_slice()).expect("what was saved loads"), ledger);
}

#[test]
fn a_last_line_cut_off_by_a_crash_is_left_out_and_the_rest_is_read() {
    let ledger = Run::begin().ledger;
    let mut file = Vec::new();
    ledger.save(&mut file).expect("memory takes it");
    file.truncate(file.len() - 3);
    let loaded = Ledger::load(file.as_slice()).expect("the whole lines load");
    assert_eq!(loaded.entries(), &ledger.entries()[..ledger.entries().len() - 1]);
}

#[test]
fn a_line_in_the_middle_that_is_no_entry_is_an_error_that_names_it() {
    let mut file = Vec::new();
    Run::begin().ledger.save(&mut file).expect("memory takes it");
    let second = file.iter().position(|byte| *byte == b'\n').expect("there is a line") + 1;
    file[second] = b'?';
    let error = Ledger::load(file.as_slice()).expect_err("a broken line is no entry");
    assert!(matches!(error, LoadError::Line { line: 2, .. }), "{error}");
}

#[test]
fn every_entry_is_in_the_file_before_record_returns() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("ledger.jsonl");
    let recorder = Recorder::with_journal(&path).expect("the file is new");
    for index in 1..=3 {
        recorder.clone().record("ana", Event::CaughtUp { index });
        // Read while the recorder still lives, as after a crash.
        let written = Ledger::load(std::fs::File::open(&path).expect("it exists")).expect("it loads");
        assert_eq!(written.entries().len(), usize::try_from(index).expect("small"));
    }
    let ledger = recorder.finish().expect("the disk took it");
    assert_eq!(Ledger::load(std::fs::File::open(&path).expect("it exists")).expect("it loads"), ledger);
}

#[test]
fn a_ledger_that_exists_is_never_overwritten() {
    let file = tempfile::NamedTempFile::new().expect("a file can be made");
    let error = Recorder::with_journal(file.path()).expect_err("the file exists");
    assert!(error.to_string().contains("cannot write the ledger"), "{error}");
}

#[test]
fn what_is_recalled_is_in_the_next_ledger_and_not_a_second_time_in_the_file() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("ledger.jsonl");
    let recorder = Recorder::with_journal(&path).expect("the file is new");
    recorder.record("ana", Event::CaughtUp { index: 1 });
    let first = recorder.take().expect("the disk took it");
    for entry in first.entries() {
        recorder.recall(&entry.client, entry.event.clone());
    }
    let second = recorder.finish().expect("the disk took it");
    assert_eq!(second.entries()[0].event, first.entries()[0].event);
    let written = Ledger::load(std::fs::File::open(&path).expect("it exists")).expect("it loads");
    assert_eq!(written, first);
}

#[test]
fn taking_a_ledger_out_leaves_an_empty_one_and_the_same_clock() {
    let recorder = Recorder::new();
    recorder.record("ana", Event::CaughtUp { index: 1 });
    let first = recorder.take().expect("there is no journal to fail");
    recorder.record("ana", Event::CaughtUp { index: 2 });
    let second = recorder.finish().expect("there is no journal to fail");
    assert_eq!((first.entries().len(), second.entries().len()), (1, 1));
    assert!(first.entries()[0].at <= second.entries()[0].at);
}

#[test]
fn an_export_page_is_read_from_messagepack_with_keys_known_and_unknown() {
    let data = serde_json::json!({
        "entries": [
            {"kind": "user", "index": 3, "user": "ana", "timestamp": "2025-11-03T21:14:07.123456Z", "clock": 3},
            {"kind": "publish", "index": 9, "previous": 7, "user": "ana", "channel": "geral", "message": "olá",
             "timestamp": "2025-11-03T21:14:08.000000Z", "clock": 12, "request_id": "r1"},
        ],
        "upto": 9, "more": false, "timestamp": "2025-11-03T21:14:09Z", "clock": 13, "index": 9,
    });
    let bytes = rmp_serde::to_vec_named(&data).expect("it encodes");
    let page: ExportPage = rmp_serde::from_slice(&bytes).expect("it decodes");
    assert_eq!(page.entries[0].what, What::User { user: "ana".into() });
    assert_eq!(page.entries[1].request_id.as_deref(), Some("r1"));
    assert_eq!(page.entries[1].clock, 12);
    assert_eq!(page.entries[1].rest["previous"], 7);
    let mut dump = HistoryDump::everything("servidor-1", 0);
    assert_eq!(dump.add(page), None);
    assert_eq!((dump.upto, dump.records.len()), (9, 2));
}

#[test]
fn pages_are_asked_for_from_where_the_last_one_ended() {
    let mut dump = HistoryDump::of_topics("a broker", vec![Topic::Channel("geral".into())], 5);
    assert_eq!(dump.add(ExportPage { entries: vec![], upto: 12, more: true }), Some(12));
    assert_eq!(dump.add(ExportPage { entries: vec![], upto: 20, more: false }), None);
    assert_eq!((dump.after, dump.upto), (5, 20));
}
