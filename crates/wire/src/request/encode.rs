use super::{Body, Conversation, Import, Imported, Page, Request};
use crate::msgpack::Writer;
use crate::timestamp;

impl Request {
    /// The payload to send: what clients of ours ask with.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256);
        writer.map(2);
        writer.str_entry("service", self.service().as_str());
        writer.str("data");
        // The head of the map needs the number of entries first: one walk to count them, one to write.
        let mut count = 0;
        self.each_entry(&mut |_, _| count += 1);
        writer.map(count);
        self.each_entry(&mut |key, entry| {
            writer.str(key);
            match entry {
                Entry::Text(text) => writer.str(text),
                Entry::Number(number) => writer.uint(number),
                Entry::Record(import) => write_record(&mut writer, import),
            }
        });
        writer.into_bytes()
    }

    fn each_entry(&self, entry: &mut dyn FnMut(&str, Entry<'_>)) {
        each_field(&self.body, entry);
        if let Some(id) = &self.request_id {
            entry("request_id", Entry::Text(id));
        }
        if let Some(session) = &self.session {
            entry("session", Entry::Text(session));
        }
        if self.seen > 0 {
            entry("seen", Entry::Number(self.seen));
        }
        if let Some(time) = self.timestamp {
            entry("timestamp", Entry::Text(&timestamp::format(time)));
        }
        entry("clock", Entry::Number(self.clock.get()));
    }
}

enum Entry<'a> {
    Text(&'a str),
    Number(u64),
    Record(&'a Import),
}

fn each_field(body: &Body, entry: &mut dyn FnMut(&str, Entry<'_>)) {
    match body {
        Body::Users | Body::Channels | Body::Status => {}
        Body::Login { user } => entry("user", Entry::Text(&user.display)),
        Body::Channel { channel, user } => {
            entry("channel", Entry::Text(&channel.display));
            if let Some(user) = user {
                entry("user", Entry::Text(user));
            }
        }
        Body::Publish { user, channel, message } => {
            entry("user", Entry::Text(user));
            entry("channel", Entry::Text(channel));
            entry("message", Entry::Text(message));
        }
        Body::Message { src, dst, message } => {
            entry("src", Entry::Text(src));
            entry("dst", Entry::Text(dst));
            entry("message", Entry::Text(message));
        }
        Body::Join { user, channel } | Body::Leave { user, channel } => {
            entry("user", Entry::Text(user));
            entry("channel", Entry::Text(channel));
        }
        Body::History { conversation, page, limit } => {
            match conversation {
                Conversation::Channel(channel) => entry("channel", Entry::Text(channel)),
                Conversation::Private { user, with } => {
                    entry("user", Entry::Text(user));
                    entry("with", Entry::Text(with));
                }
            }
            if let Page::After(after) | Page::Between { after, .. } = page {
                entry("after", Entry::Number(*after));
            }
            if let Page::Before(before) | Page::Between { before, .. } = page {
                entry("before", Entry::Number(*before));
            }
            entry("limit", Entry::Number(*limit as u64));
        }
        Body::Sync { user, since, limit } => {
            entry("user", Entry::Text(user));
            entry("since", Entry::Number(*since));
            entry("limit", Entry::Number(*limit as u64));
        }
        Body::Export { after, limit } => {
            entry("after", Entry::Number(*after));
            entry("limit", Entry::Number(*limit as u64));
        }
        Body::Import(import) => entry("record", Entry::Record(import)),
    }
}

fn write_record(writer: &mut Writer, import: &Import) {
    match &import.what {
        Imported::User { user } => {
            writer.map(4);
            writer.str_entry("kind", "user");
            writer.str_entry("user", &user.display);
        }
        Imported::Channel { channel } => {
            writer.map(4);
            writer.str_entry("kind", "channel");
            writer.str_entry("channel", &channel.display);
        }
        Imported::Publish { user, channel, message } => {
            writer.map(6);
            writer.str_entry("kind", "publish");
            writer.str_entry("user", user);
            writer.str_entry("channel", channel);
            writer.str_entry("message", message);
        }
        Imported::Message { src, dst, message } => {
            writer.map(6);
            writer.str_entry("kind", "message");
            writer.str_entry("src", src);
            writer.str_entry("dst", dst);
            writer.str_entry("message", message);
        }
    }
    writer.str_entry("timestamp", &timestamp::format(import.time));
    writer.uint_entry("clock", import.clock.get());
}
