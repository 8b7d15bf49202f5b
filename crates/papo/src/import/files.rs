//! The three files, as a sequence of records with the places where they stand.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use papo_service::Failure;
use papo_wire::request::Import;
use serde_json::{Map, Value};

use super::shape;

pub(super) const USERS: &str = "users.json";
pub(super) const CHANNELS: &str = "channels.json";
pub(super) const MESSAGES: &str = "messages.jsonl";

/// Where a record stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) file: &'static str,
    pub(super) unit: Unit,
    /// From 1.
    pub(super) number: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    Line,
    Entry,
}

/// A record, or why it is none.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) place: Place,
    pub(super) record: Result<Import, String>,
}

type Items = Box<dyn Iterator<Item = Item>>;
type Read = fn(&Value) -> Result<Import, String>;

/// The records of one file; `None` where there is no such file.
pub(super) fn open(dir: &Path, file: &'static str) -> Result<Option<Items>, Failure> {
    let path = dir.join(file);
    let failed = |error: io::Error| Failure::failed(format!("{}: {error}", path.display()));
    let opened = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let items = match file {
        USERS => names(file, &fs::read_to_string(&path).map_err(failed)?, "user", shape::user),
        CHANNELS => names(file, &fs::read_to_string(&path).map_err(failed)?, "channel", shape::channel),
        _ => {
            let mut reader = BufReader::new(opened);
            if first_byte(&mut reader).map_err(failed)? == Some(b'[') {
                names(file, &fs::read_to_string(&path).map_err(failed)?, "message", shape::message)
            } else {
                lines(file, reader, shape::message)
            }
        }
    };
    Ok(Some(items))
}

/// A whole document: an array, a map by name, or either of them under a key of its own. What is no document is read
/// line by line.
fn names(file: &'static str, text: &str, key: &'static str, read: Read) -> Items {
    let entries = match serde_json::from_str::<Value>(text) {
        Ok(document) => entries(document, key),
        Err(_) => return lines(file, io::Cursor::new(text.to_owned()), read),
    };
    Box::new(entries.into_iter().zip(1..).map(move |(entry, number)| Item {
        place: Place { file, unit: Unit::Entry, number },
        record: read(&entry),
    }))
}

fn entries(document: Value, key: &'static str) -> Vec<Value> {
    match document {
        Value::Array(entries) => entries,
        Value::Object(map) => match sole_list(&map) {
            Some(list) => entries(list.clone(), key),
            None => map.into_iter().map(|(name, value)| by_name(key, name, value)).collect(),
        },
        other => vec![other],
    }
}

/// `{"users": [...]}`.
fn sole_list(map: &Map<String, Value>) -> Option<&Value> {
    let (name, value) = map.iter().next().filter(|_| map.len() == 1)?;
    let known = ["users", "channels", "messages", "data"].contains(&name.as_str());
    (known && (value.is_array() || value.is_object())).then_some(value)
}

/// An entry of a map: what is said of the name, with the name.
fn by_name(key: &'static str, name: String, value: Value) -> Value {
    let mut object = match value {
        Value::Object(object) => object,
        time @ (Value::String(_) | Value::Number(_)) => Map::from_iter([("timestamp".to_owned(), time)]),
        // Who is in the channel, or that it is there.
        _ => Map::new(),
    };
    object.insert(key.to_owned(), Value::String(name));
    Value::Object(object)
}

fn lines(file: &'static str, reader: impl BufRead + 'static, read: Read) -> Items {
    let items = reader.split(b'\n').zip(1..).filter_map(move |(line, number)| {
        let place = Place { file, unit: Unit::Line, number };
        let record = match line {
            Ok(line) if line.trim_ascii().is_empty() => return None,
            Ok(line) => serde_json::from_slice(&line)
                .map_err(|error| error.to_string())
                .and_then(|value| read(&value)),
            Err(error) => Err(error.to_string()),
        };
        Some(Item { place, record })
    });
    Box::new(items)
}

/// The first byte that is not white space. Nothing is consumed, so that lines are counted from the beginning.
fn first_byte(reader: &mut impl BufRead) -> io::Result<Option<u8>> {
    Ok(reader.fill_buf()?.iter().copied().find(|byte| !byte.is_ascii_whitespace()))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, unit, number } = self;
        let unit = match unit {
            Unit::Line => "line",
            Unit::Entry => "entry",
        };
        write!(f, "{file}, {unit} {number}")
    }
}

#[cfg(test)]
mod tests {
    use papo_wire::request::Imported;

    use super::*;

    fn read(file: &'static str, text: &str) -> Vec<Result<String, String>> {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join(file), text).expect("written");
        let items = open(dir.path(), file).expect("readable").expect("there");
        items
            .map(|item| item.record.map(|import| named(&import)).map_err(|_| item.place.to_string()))
            .collect()
    }

    fn named(import: &Import) -> String {
        match &import.what {
            Imported::User { user: name } | Imported::Channel { channel: name } => name.display.clone(),
            Imported::Publish { message, .. } | Imported::Message { message, .. } => message.clone(),
        }
    }

    fn all(names: &[&str]) -> Vec<Result<String, String>> {
        names.iter().map(|name| Ok((*name).to_owned())).collect()
    }

    #[test]
    fn names_come_as_lists_maps_and_lines() {
        let wanted = all(&["ana", "bruno"]);
        assert_eq!(read(USERS, r#"["ana", "bruno"]"#), wanted);
        assert_eq!(read(USERS, r#"[{"user": "ana"}, {"name": "bruno", "timestamp": "x"}]"#), wanted);
        assert_eq!(read(USERS, r#"{"ana": {"clock": 3}, "bruno": "2025-11-03T21:14:07"}"#), wanted);
        assert_eq!(read(USERS, r#"{"users": ["ana", "bruno"]}"#), wanted);
        assert_eq!(read(USERS, "\"ana\"\n{\"user\": \"bruno\"}\n"), wanted);
        assert_eq!(read(CHANNELS, r#"{"channels": {"geral": ["ana"]}}"#), all(&["geral"]));
        assert_eq!(read(CHANNELS, "[]"), all(&[]));
    }

    #[test]
    fn messages_come_as_lines_or_as_a_list() {
        let line = r#"{"user": "ana", "channel": "geral", "message": "oi"}"#;
        assert_eq!(read(MESSAGES, &format!("{line}\n\n{line}")), all(&["oi", "oi"]));
        assert_eq!(read(MESSAGES, &format!("\n[{line}, {line}]")), all(&["oi", "oi"]));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_line() {
        let line = r#"{"user": "ana", "channel": "geral", "message": "oi"}"#;
        let found = read(MESSAGES, &format!("\n{line}\nnonsense\n{{}}\n\u{fffd}\n{line}"));
        assert_eq!(found[0], Ok("oi".to_owned()));
        let wrong: Vec<&String> = found.iter().filter_map(|item| item.as_ref().err()).collect();
        assert_eq!(wrong, ["messages.jsonl, line 3", "messages.jsonl, line 4", "messages.jsonl, line 5"]);
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn a_file_that_is_not_there_is_no_failure() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(open(dir.path(), USERS).expect("no failure").is_none());
    }

    mod fuzz {
        //! The files were written by other systems, and have been on disks for years.

        use papo_fuzz::{spoils, spoilt};
        use proptest::prelude::*;

        use super::*;

        const OLD: [(&str, &str); 3] = [
            (
                USERS,
                r#"{"users": {"ana": {"clock": 3, "timestamp": 1762204447.1}, "bia": "2025-11-03T21:14:07"}}"#,
            ),
            (CHANNELS, r#"[{"channel": "geral", "clock": 7}, "ação"]"#),
            (
                MESSAGES,
                "{\"user\": \"ana\", \"channel\": \"geral\", \"message\": \"oi\", \"timestamp\": 1e300, \"clock\": -1}\n\n\
                 {\"data\": {\"src\": \"ana\", \"dst\": \"bia\", \"message\": \"oi\"}}\n",
            ),
        ];

        fn survives(file: &'static str, bytes: &[u8]) {
            let dir = tempfile::tempdir().expect("a directory");
            fs::write(dir.path().join(file), bytes).expect("written");
            if let Ok(Some(items)) = open(dir.path(), file) {
                for item in items {
                    assert!(!item.place.to_string().is_empty());
                    // What is read can be asked for, and is then what is ordered.
                    if let Ok(import) = item.record {
                        let mut request = papo_wire::request::Request::new(papo_wire::request::Body::Import(
                            import.clone(),
                        ));
                        request.request_id = Some("id".to_owned());
                        let asked =
                            papo_wire::request::Request::decode(&request.encode()).expect("it is a request");
                        let papo_wire::request::Body::Import(asked) = asked.body else { panic!("{asked:?}") };
                        assert_eq!(asked.what, import.what);
                    }
                }
            }
        }

        #[test]
        fn files_nested_without_end_are_refused() {
            for (file, _) in OLD {
                for text in ["[".repeat(100_000), "{\"data\":".repeat(100_000), "{\"users\":[".repeat(50_000)]
                {
                    survives(file, text.as_bytes());
                }
            }
        }

        proptest! {
            #![proptest_config(papo_fuzz::cases(192))]

            #[test]
            fn any_file_is_records_and_places_of_what_is_none(
                bytes: Vec<u8>,
                text in ".{0,80}",
                which in 0..3_usize,
                spoils in spoils(),
            ) {
                let ((file, written), (_, donor)) = (OLD[which], OLD[(which + 1) % 3]);
                survives(file, &bytes);
                survives(file, text.as_bytes());
                survives(file, &spoilt(written.as_bytes(), donor.as_bytes(), &spoils));
            }
        }
    }
}
