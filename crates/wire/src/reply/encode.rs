use papo_core::chat::{Said, To};
use papo_core::clock::{Lamport, WallTime};
use papo_core::log::Index;
use serde::Serialize;

use super::{
    Answer, Event, ExportPage, Failure, HistoryPage, Message, Reason, Record, Reply, Status, SyncPage,
};
use crate::Service;
use crate::letter;
use crate::msgpack::Writer;
use crate::timestamp;

/// What a reply names as its service where it cannot name the request's.
pub(super) const ERRO: &str = "erro";
const SUCESSO: &str = "sucesso";
const OK: &str = "OK";

impl Reply {
    /// The payload to send.
    pub fn encode(&self) -> Vec<u8> {
        let answer = match &self.answer {
            Ok(answer) => answer,
            Err(failure) => return self.encode_failure(failure),
        };
        match answer {
            Answer::Login { user, session } => self.encode_with(answer, 3, 96 + session.len(), |writer| {
                writer.str_entry("status", SUCESSO);
                writer.str_entry("user", user);
                writer.str_entry("session", session);
            }),
            Answer::Channel | Answer::Join | Answer::Leave | Answer::Import => {
                self.encode_with(answer, 1, 0, |writer| writer.str_entry("status", SUCESSO))
            }
            Answer::Publish => self.encode_said(answer, "Mensagem publicada."),
            Answer::Message => self.encode_said(answer, "Mensagem privada enviada."),
            Answer::Users(names) => encode_names(
                Service::Users,
                names.iter().map(String::as_str),
                self.time,
                self.clock,
                self.index,
            ),
            Answer::Channels(names) => encode_names(
                Service::Channels,
                names.iter().map(String::as_str),
                self.time,
                self.clock,
                self.index,
            ),
            Answer::History(page) => self.encode_history(answer, page),
            Answer::Sync(page) => self.encode_sync(answer, page),
            Answer::Status(status) => self.encode_status(status),
            Answer::Export(page) => self.encode_export(answer, page),
        }
    }

    fn encode_failure(&self, failure: &Failure) -> Vec<u8> {
        let unknown = failure.reason == Reason::Unknown;
        let service = failure.service.map_or(ERRO, Service::as_str);
        let room = 2 * failure.description.len();
        encode(service, (self.time, self.clock, self.index), 4 + usize::from(unknown), room, |writer| {
            writer.str_entry("status", ERRO);
            writer.str_entry("description", &failure.description);
            writer.str_entry("message", &failure.description);
            writer.str_entry("reason", failure.reason.as_str());
            if unknown {
                writer.str_entry("outcome", "unknown");
            }
        })
    }

    fn encode_said(&self, answer: &Answer, message: &str) -> Vec<u8> {
        self.encode_with(answer, 2, 0, |writer| {
            writer.str_entry("status", OK);
            writer.str_entry("message", message);
        })
    }

    fn encode_history(&self, answer: &Answer, page: &HistoryPage) -> Vec<u8> {
        let room = page.messages.iter().map(Message::size_bound).sum();
        self.encode_with(answer, 3, room, |writer| {
            writer.str_entry("status", OK);
            write_messages(writer, &page.messages);
            writer.bool_entry("more", page.more);
        })
    }

    fn encode_sync(&self, answer: &Answer, page: &SyncPage) -> Vec<u8> {
        let room = page.messages.iter().map(Message::size_bound).sum();
        self.encode_with(answer, 5, room, |writer| {
            writer.str_entry("status", OK);
            write_messages(writer, &page.messages);
            writer.bool_entry("more", page.more);
            writer.uint_entry("upto", page.upto);
            writer.str("channels");
            writer.array(page.channels.len());
            page.channels.iter().for_each(|channel| writer.str(channel));
        })
    }

    fn encode_export(&self, answer: &Answer, page: &ExportPage) -> Vec<u8> {
        let room = page.entries.iter().map(Record::size_bound).sum();
        self.encode_with(answer, 4, room, |writer| {
            writer.str_entry("status", OK);
            writer.str("entries");
            writer.array(page.entries.len());
            page.entries.iter().for_each(|record| write_record(writer, record));
            writer.bool_entry("more", page.more);
            writer.uint_entry("upto", page.upto);
        })
    }

    fn encode_status(&self, status: &Status) -> Vec<u8> {
        #[derive(Serialize)]
        struct Envelope<'a> {
            service: &'static str,
            data: Data<'a>,
        }
        #[derive(Serialize)]
        struct Data<'a> {
            status: &'static str,
            #[serde(flatten)]
            fields: &'a Status,
            timestamp: String,
            clock: u64,
            index: u64,
        }
        let data = Data {
            status: OK,
            fields: status,
            timestamp: timestamp::format(self.time),
            clock: self.clock.get(),
            index: self.index,
        };
        rmp_serde::to_vec_named(&Envelope { service: Service::Status.as_str(), data })
            .expect("a status is made of texts and numbers")
    }

    fn encode_with(
        &self,
        answer: &Answer,
        entries: usize,
        room: usize,
        write: impl FnOnce(&mut Writer),
    ) -> Vec<u8> {
        encode(answer.service().as_str(), (self.time, self.clock, self.index), entries, room, write)
    }
}

/// A reply of `users` or `channels`, from names that need not be copied first.
pub fn encode_names<'a>(
    service: Service,
    names: impl ExactSizeIterator<Item = &'a str>,
    time: WallTime,
    clock: Lamport,
    index: Index,
) -> Vec<u8> {
    encode(service.as_str(), (time, clock, index), 1, 16 * names.len(), |writer| {
        writer.str(service.as_str());
        writer.array(names.len());
        names.for_each(|name| writer.str(name));
    })
}

/// `write` must write `entries` keys with their values.
fn encode(
    service: &str,
    (time, clock, index): (WallTime, Lamport, Index),
    entries: usize,
    room: usize,
    write: impl FnOnce(&mut Writer),
) -> Vec<u8> {
    letter::write(service, entries + 1, room, time, clock, |writer| {
        write(writer);
        writer.uint_entry("index", index);
    })
}

fn write_messages(writer: &mut Writer, messages: &[Message]) {
    writer.str("messages");
    writer.array(messages.len());
    messages.iter().for_each(|message| write_message(writer, message));
}

fn write_message(writer: &mut Writer, Message { said, previous }: &Message) {
    let Said { index, time, clock, from, to, message, request_id } = said;
    writer.map(6 + usize::from(previous.is_some()) + usize::from(request_id.is_some()));
    writer.uint_entry("index", *index);
    if let Some(previous) = previous {
        writer.uint_entry("previous", *previous);
    }
    match to {
        To::Channel(channel) => {
            writer.str_entry("user", from);
            writer.str_entry("channel", channel);
        }
        To::User(dst) => {
            writer.str_entry("src", from);
            writer.str_entry("dst", dst);
        }
    }
    writer.str_entry("message", message);
    writer.str_entry("timestamp", &timestamp::format(*time));
    writer.uint_entry("clock", clock.get());
    if let Some(id) = request_id {
        writer.str_entry("request_id", id);
    }
}

fn write_record(writer: &mut Writer, record: &Record) {
    let fields: &[(&str, &str)] = match &record.event {
        Event::User { user } => &[("kind", "user"), ("user", user)],
        Event::Channel { channel } => &[("kind", "channel"), ("channel", channel)],
        Event::Publish { user, channel, message } => {
            &[("kind", "publish"), ("user", user), ("channel", channel), ("message", message)]
        }
        Event::Message { src, dst, message } => {
            &[("kind", "message"), ("src", src), ("dst", dst), ("message", message)]
        }
        Event::Join { user, channel } => &[("kind", "join"), ("user", user), ("channel", channel)],
        Event::Leave { user, channel } => &[("kind", "leave"), ("user", user), ("channel", channel)],
    };
    writer.map(fields.len() + 3 + usize::from(record.request_id.is_some()));
    fields.iter().for_each(|(key, text)| writer.str_entry(key, text));
    writer.uint_entry("index", record.index);
    writer.str_entry("timestamp", &timestamp::format(record.time));
    writer.uint_entry("clock", record.clock.get());
    if let Some(id) = &record.request_id {
        writer.str_entry("request_id", id);
    }
}
