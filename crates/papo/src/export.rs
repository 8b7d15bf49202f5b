//! `papo export`: the chat's records as three files, the same bytes from every servidor.
//!
//! `users.json` and `channels.json` are arrays with one object a line; `messages.jsonl` has one object a line. All
//! are in the order of the log, so that equal logs give equal files. Who follows which channel is not exported: the
//! old files had no place for it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use papo_service::{Boot, Failure, Settings};
use papo_transport::HostPort;
use papo_wire::limits::PAGE_ITEMS;
use papo_wire::reply::{Answer, Event, ExportPage, Record};
use papo_wire::request::{Body, Request};
use papo_wire::timestamp;
use serde::Serialize;

use crate::ask::Asker;

/// Writes users.json, channels.json and messages.jsonl.
///
/// They hold everything up to one point of the log, in its order: exported from any servidor, they are the same byte
/// for byte, once all have applied the same. `papo import` takes them.
#[derive(clap::Parser)]
#[command(name = "papo export", version)]
struct Export {
    /// Where the files go; made if it is not there, and files of those names are replaced
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Brokers' client side
    #[arg(long, value_name = "HOST:PORT,...", default_value = "127.0.0.1:5557", value_delimiter = ',')]
    broker: Vec<HostPort>,
    /// Read this servidor, directly, instead of any through a broker
    #[arg(long, value_name = "HOST:PORT")]
    from: Option<HostPort>,
    /// How long one answer may take
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = papo_service::duration)]
    timeout: Duration,
}

impl Settings for Export {}

pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    papo_service::run_tool_from(arguments, export)
}

fn export(boot: Boot<Export>) -> Result<(), Failure> {
    let Export { dir, broker, from, timeout } = boot.settings;
    let targets = from.map_or(broker, |servidor| vec![servidor]);
    let mut asker = Asker::new(&targets, timeout)?;
    let mut files = Files::create(&dir).map_err(|error| on_disk(&dir, &error))?;
    let written =
        each_record(&mut asker, |record| files.write(record).map_err(|error| on_disk(&dir, &error)));
    let upto = match written {
        Ok(upto) => upto,
        Err(failure) => {
            files.discard();
            return Err(failure);
        }
    };
    let (users, channels, messages) = files.counts();
    files.finish().map_err(|error| on_disk(&dir, &error))?;
    println!(
        "{users} users, {channels} channels and {messages} messages up to index {upto}, in {}",
        dir.display()
    );
    Ok(())
}

/// Reads all records of the log, page by page. Returns the index up to which they are complete.
pub(crate) fn each_record(
    asker: &mut Asker,
    mut take: impl FnMut(&Record) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut after = 0;
    loop {
        let mut request = Request::new(Body::Export { after, limit: PAGE_ITEMS });
        // The next page may come from a servidor that is behind the one before.
        request.seen = after;
        let Answer::Export(ExportPage { entries, more, upto }) = asker.ask(request)? else {
            return Err(Failure::failed("the answer is no page of records"));
        };
        entries.iter().try_for_each(&mut take)?;
        if !more {
            return Ok(upto.max(after));
        }
        if upto <= after {
            return Err(Failure::broken_invariant(format!("the page after {after} ends at {upto}")));
        }
        after = upto;
    }
}

fn on_disk(dir: &Path, error: &io::Error) -> Failure {
    Failure::disk(format!("{}: {error}", dir.display()))
}

/// A line of `users.json` or `channels.json`.
#[derive(Serialize)]
struct NameLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    timestamp: String,
    clock: u64,
    index: u64,
}

/// A line of `messages.jsonl`.
#[derive(Serialize)]
struct MessageLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dst: Option<&'a str>,
    message: &'a str,
    timestamp: String,
    clock: u64,
    index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// The three files, under other names until they are whole.
struct Files {
    users: Output,
    channels: Output,
    messages: Output,
}

impl Files {
    fn create(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self {
            users: Output::create(dir, "users.json", Shape::Array)?,
            channels: Output::create(dir, "channels.json", Shape::Array)?,
            messages: Output::create(dir, "messages.jsonl", Shape::Lines)?,
        })
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        let name = |user, channel| NameLine {
            user,
            channel,
            timestamp: timestamp::format(record.time),
            clock: record.clock.get(),
            index: record.index,
        };
        let blank = MessageLine {
            user: None,
            channel: None,
            src: None,
            dst: None,
            message: "",
            timestamp: timestamp::format(record.time),
            clock: record.clock.get(),
            index: record.index,
            request_id: record.request_id.as_deref(),
        };
        match &record.event {
            Event::User { user } => self.users.line(&name(Some(user), None)),
            Event::Channel { channel } => self.channels.line(&name(None, Some(channel))),
            Event::Publish { user, channel, message } => self.messages.line(&MessageLine {
                user: Some(user),
                channel: Some(channel),
                message,
                ..blank
            }),
            Event::Message { src, dst, message } => {
                self.messages.line(&MessageLine { src: Some(src), dst: Some(dst), message, ..blank })
            }
            Event::Join { .. } | Event::Leave { .. } => Ok(()),
        }
    }

    fn counts(&self) -> (u64, u64, u64) {
        (self.users.count, self.channels.count, self.messages.count)
    }

    fn finish(self) -> io::Result<()> {
        // The file that tells the most comes last: where it is new, all are.
        [self.users, self.channels, self.messages].into_iter().try_for_each(Output::finish)
    }

    fn discard(self) {
        [self.users, self.channels, self.messages].into_iter().for_each(Output::discard);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Array,
    Lines,
}

struct Output {
    file: BufWriter<File>,
    shape: Shape,
    unfinished: PathBuf,
    path: PathBuf,
    count: u64,
}

impl Output {
    fn create(dir: &Path, name: &str, shape: Shape) -> io::Result<Self> {
        let unfinished = dir.join(format!("{name}.unfinished"));
        let file = BufWriter::new(File::create(&unfinished)?);
        Ok(Self { file, shape, unfinished, path: dir.join(name), count: 0 })
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let before = match (self.shape, self.count) {
            (Shape::Array, 0) => "[\n",
            (Shape::Array, _) => ",\n",
            (Shape::Lines, _) => "",
        };
        self.file.write_all(before.as_bytes())?;
        serde_json::to_writer(&mut self.file, line)?;
        if self.shape == Shape::Lines {
            self.file.write_all(b"\n")?;
        }
        self.count += 1;
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        if self.shape == Shape::Array {
            self.file.write_all(if self.count == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&self.unfinished, &self.path)
    }

    fn discard(self) {
        if let Err(error) = fs::remove_file(&self.unfinished) {
            tracing::warn!("{} stays: {error}", self.unfinished.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use papo_core::clock::{Lamport, WallTime};

    use super::*;

    fn record(index: u64, event: Event) -> Record {
        let time = WallTime::from_nanos(1_762_204_447_000_000_000);
        let request_id = (index == 4).then(|| "x".to_owned());
        Record { index, time, clock: Lamport::new(index), request_id, event }
    }

    #[test]
    fn each_record_is_a_line_of_its_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut files = Files::create(dir.path()).expect("files");
        let text = |text: &str| text.to_owned();
        let events = [
            Event::User { user: text("ana") },
            Event::User { user: text("bruno") },
            Event::Channel { channel: text("geral") },
            Event::Publish { user: text("ana"), channel: text("geral"), message: text("oi\n\"você\"") },
            Event::Join { user: text("ana"), channel: text("geral") },
            Event::Message { src: text("ana"), dst: text("bruno"), message: text("olá") },
        ];
        for (index, event) in (1..).zip(events) {
            files.write(&record(index, event)).expect("written");
        }
        assert_eq!(files.counts(), (2, 1, 2));
        files.finish().expect("finished");
        let read = |name| fs::read_to_string(dir.path().join(name)).expect("a file");
        let t = "2025-11-03T21:14:07.000000Z";
        assert_eq!(
            read("users.json"),
            format!(
                "[\n{{\"user\":\"ana\",\"timestamp\":\"{t}\",\"clock\":1,\"index\":1}},\n\
                 {{\"user\":\"bruno\",\"timestamp\":\"{t}\",\"clock\":2,\"index\":2}}\n]\n"
            )
        );
        assert_eq!(
            read("messages.jsonl"),
            format!(
                "{{\"user\":\"ana\",\"channel\":\"geral\",\"message\":\"oi\\n\\\"você\\\"\",\"timestamp\":\"{t}\",\
                 \"clock\":4,\"index\":4,\"request_id\":\"x\"}}\n\
                 {{\"src\":\"ana\",\"dst\":\"bruno\",\"message\":\"olá\",\"timestamp\":\"{t}\",\"clock\":6,\"index\":6}}\n"
            )
        );
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 3);
    }

    #[test]
    fn nothing_is_three_empty_files() {
        let dir = tempfile::tempdir().expect("a directory");
        Files::create(dir.path()).expect("files").finish().expect("finished");
        assert_eq!(fs::read_to_string(dir.path().join("users.json")).expect("a file"), "[]\n");
        assert_eq!(fs::read_to_string(dir.path().join("messages.jsonl")).expect("a file"), "");
    }
}
