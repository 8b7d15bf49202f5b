//! The log of an earlier release is read by this one, and that of this one by the earlier.
//!
//! `golden/log-N.sql` is a whole `log.db` of version N of the tables, with one entry of every kind. What to do when this goes red is in
//! `docs/formats.md`.

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use papo_core::log::{Promise, Write};
use papo_core::members::DiskId;
use papo_fuzz::samples;
use papo_store::Store;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use support::open;

/// The version of the tables that this release writes.
const VERSION: u32 = 1;
const DISK: DiskId = DiskId(0xd15c);
/// Up to where the samples are known to be committed.
const COMMITTED: u64 = 12;
/// What `log.mark` says beside the samples: batch 4, and the checksum of that.
const MARK: [u8; 12] = [4, 0, 0, 0, 0, 0, 0, 0, 0x93, 0xd1, 0x68, 0xe1];

fn promise() -> Promise {
    Promise { epoch: 4, candidate: "servidor-2".to_owned() }
}

fn peers() -> Vec<(String, String)> {
    vec![("servidor-2".to_owned(), "servidor-2:5570".to_owned())]
}

fn golden(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/log-{version}.sql"))
}

/// Writes the samples as this release does.
fn write(dir: &Path) {
    let started = open(dir);
    started.store(Write::RenewDisk(DISK));
    let entries = samples::entries();
    let (first, rest) = entries.split_at(5);
    started.store(Write::Append { after: 0, entries: first.to_vec(), committed: 0 });
    started.store(Write::Append { after: 5, entries: rest.to_vec(), committed: COMMITTED });
    started.running.writer.remember_peers(peers());
    started.store(Write::Promise(promise()));
}

fn dump(path: &Path) -> String {
    let connection = Connection::open(path).expect("it is there");
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).expect("it has one");
    let mut text = format!("PRAGMA application_id = {application};\n");
    let mut schema =
        connection.prepare("SELECT sql FROM sqlite_schema ORDER BY name").expect("it has tables");
    let tables = schema.query_map([], |row| row.get::<_, String>(0)).expect("they can be listed");
    for table in tables {
        let table = table.expect("it can be read").split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(text, "{table};").expect("memory takes it");
    }
    for (table, order) in [("log", "idx"), ("meta", "key")] {
        dump_rows(&connection, table, order, &mut text);
    }
    text
}

fn dump_rows(connection: &Connection, table: &str, order: &str, text: &mut String) {
    let mut select =
        connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order}")).expect("it is there");
    let columns = select.column_count();
    let mut rows = select.query([]).expect("it can be read");
    while let Some(row) = rows.next().expect("it can be read") {
        let values: Vec<String> =
            (0..columns).map(|at| literal(row.get_ref(at).expect("it is there"))).collect();
        writeln!(text, "INSERT INTO {table} VALUES ({});", values.join(", ")).expect("memory takes it");
    }
}

fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Text(text) => format!("'{}'", String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => {
            format!("X'{}'", bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
        }
        other => panic!("{other:?} is in no table"),
    }
}

#[test]
fn the_log_is_written_as_in_earlier_releases() {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path());
    let today = dump(&dir.path().join("log.db"));
    if std::env::var("PAPO_GOLDEN").as_deref() == Ok("write") {
        fs::create_dir_all(golden(VERSION).parent().expect("it is in a directory")).expect("it can be made");
        fs::write(golden(VERSION), &today).expect("it can be written");
    }
    let sample = fs::read_to_string(golden(VERSION)).expect("the sample is checked in");
    for (today, sample) in today.lines().zip(sample.lines()) {
        assert_eq!(today, sample, "see docs/formats.md");
    }
    assert_eq!(today.lines().count(), sample.lines().count(), "see docs/formats.md");
    assert_eq!(fs::read(dir.path().join("log.mark")).expect("it is there"), MARK, "see docs/formats.md");
}

#[test]
fn logs_of_every_version_so_far_are_read() {
    for version in 1..=VERSION {
        let dir = tempfile::tempdir().expect("a directory");
        let connection = Connection::open(dir.path().join("log.db")).expect("it can be made");
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).expect("it can");
        connection
            .execute_batch(&fs::read_to_string(golden(version)).expect("the sample is checked in"))
            .expect("it is SQL");
        drop(connection);
        fs::write(dir.path().join("log.mark"), MARK).expect("it can be written");

        let store = Store::open(dir.path()).unwrap_or_else(|error| panic!("version {version}: {error}"));
        assert!(!store.is_new());
        assert_eq!((store.disk(), store.promise(), store.committed()), (DISK, &promise(), COMMITTED));
        assert_eq!(store.peers(), peers());
        let mut entries = Vec::new();
        store.reader().expect("it can be read").scan(1, |entry| entries.push(entry)).expect("all of it can");
        let expected: Vec<_> = samples::entries().into_iter().map(|entry| (*entry).clone()).collect();
        assert_eq!(entries, expected, "version {version}");
    }
}
