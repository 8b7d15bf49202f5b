//! What subscribers are sent: `[topic, payload]`, exactly two frames.

use papo_core::chat::{Delivery, Said, To};
use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{Epoch, Index};
use thiserror::Error;

use crate::letter;
use crate::limits::{self, Exceeded, Limits};
use crate::msgpack::{FieldError, Malformed, Map, Value, Writer};
use crate::timestamp;
use crate::topic::Topic;

/// One publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publication {
    /// Something was said, in a channel or in private.
    Said(Delivery),
    /// The last thing that was said on a topic, in case the message itself was lost.
    Tip(Tip),
    /// There is a new coordinator.
    Coordinator(Announcement),
}

/// The last index of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The channel, or the user, that it was said to.
    pub of: To,
    /// Index of the last message.
    pub index: Index,
    /// The servidor's time.
    pub time: WallTime,
    /// The servidor's Lamport clock.
    pub clock: Lamport,
}

/// Who coordinates from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Name of the servidor.
    pub coordinator: String,
    /// The epoch in which it does; 0 from a system that has none.
    pub epoch: Epoch,
    /// Its time.
    pub time: WallTime,
    /// Its Lamport clock.
    pub clock: Lamport,
}

/// Frames that are no publication.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadPublication {
    /// Out of bounds, or not MessagePack.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// A topic that nothing of this system is published on.
    #[error("unknown topic")]
    Topic,
    /// MessagePack, but not the map that belongs to the topic.
    #[error("not a publication's map")]
    NotAMap,
    /// A key that cannot be used.
    #[error(transparent)]
    Field(#[from] FieldError),
}

impl From<Malformed> for BadPublication {
    fn from(error: Malformed) -> Self {
        Self::Exceeded(error.into())
    }
}

impl Publication {
    /// The topic that it appears on.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Said(delivery) => Topic::from(&delivery.said.to),
            Self::Tip(tip) => match &tip.of {
                To::Channel(channel) => Topic::ChannelTip(channel.clone()),
                To::User(user) => Topic::UserTip(user.clone()),
            },
            Self::Coordinator(_) => Topic::Servers,
        }
    }

    /// The topic's frame and the payload's.
    pub fn encode(&self) -> (Vec<u8>, Vec<u8>) {
        let payload = match self {
            Self::Said(delivery) => encode_said(delivery),
            Self::Tip(tip) => encode_tip(tip),
            Self::Coordinator(announcement) => encode_announcement(announcement),
        };
        (self.topic().to_bytes(), payload)
    }

    /// Reads a publication. `index` and `previous` are 0 where they are missing.
    ///
    /// # Errors
    /// Where the frames are none.
    pub fn decode(topic: &[u8], payload: &[u8]) -> Result<Self, BadPublication> {
        let topic = Topic::parse(topic).ok_or(BadPublication::Topic)?;
        limits::check(payload, &Limits::SMALL)?;
        let map = Map::parse(payload)?.ok_or(BadPublication::NotAMap)?;
        Ok(match topic {
            Topic::Channel(channel) => Self::Said(decode_said(&map, "user", To::Channel(channel))?),
            Topic::User(user) => Self::Said(decode_said(&map, "src", To::User(user))?),
            Topic::ChannelTip(channel) => Self::Tip(decode_tip(&map, To::Channel(channel))?),
            Topic::UserTip(user) => Self::Tip(decode_tip(&map, To::User(user))?),
            Topic::Servers => Self::Coordinator(decode_announcement(&map)?),
        })
    }
}

fn encode_said(Delivery { said, previous }: &Delivery) -> Vec<u8> {
    let mut writer = Writer::with_capacity(160 + said.message.len());
    writer.map(6 + usize::from(said.request_id.is_some()));
    let from = match said.to {
        To::Channel(_) => "user",
        To::User(_) => "src",
    };
    writer.str_entry(from, &said.from);
    writer.str_entry("message", &said.message);
    writer.str_entry("timestamp", &timestamp::format(said.time));
    writer.uint_entry("clock", said.clock.get());
    writer.uint_entry("index", said.index);
    writer.uint_entry("previous", *previous);
    if let Some(id) = &said.request_id {
        writer.str_entry("request_id", id);
    }
    writer.into_bytes()
}

fn encode_tip(tip: &Tip) -> Vec<u8> {
    let mut writer = Writer::with_capacity(96);
    writer.map(4);
    writer.uint_entry("index", tip.index);
    writer.uint_entry("previous", 0);
    writer.str_entry("timestamp", &timestamp::format(tip.time));
    writer.uint_entry("clock", tip.clock.get());
    writer.into_bytes()
}

fn encode_announcement(announcement: &Announcement) -> Vec<u8> {
    letter::write("election", 2, 0, announcement.time, announcement.clock, |writer| {
        writer.str_entry("coordinator", &announcement.coordinator);
        writer.uint_entry("epoch", announcement.epoch);
    })
}

fn decode_said(map: &Map<'_>, from: &'static str, to: To) -> Result<Delivery, BadPublication> {
    let said = Said {
        index: map.uint("index")?.unwrap_or(0),
        time: letter::time(map).unwrap_or(WallTime::EPOCH),
        clock: letter::clock(map),
        from: map.required_text(from)?.to_owned(),
        to,
        message: map.required_text("message")?.to_owned(),
        request_id: map.text("request_id")?.map(str::to_owned),
    };
    Ok(Delivery { said, previous: map.uint("previous")?.unwrap_or(0) })
}

fn decode_tip(map: &Map<'_>, of: To) -> Result<Tip, BadPublication> {
    Ok(Tip {
        of,
        index: map.required_uint("index")?,
        time: letter::time(map).unwrap_or(WallTime::EPOCH),
        clock: letter::clock(map),
    })
}

fn decode_announcement(map: &Map<'_>) -> Result<Announcement, BadPublication> {
    let Some(Value::Map(bytes)) = map.get("data") else { return Err(BadPublication::NotAMap) };
    let data = Map::parse(bytes)?.unwrap_or_default();
    Ok(Announcement {
        coordinator: data.required_text("coordinator")?.to_owned(),
        epoch: data.uint("epoch")?.unwrap_or(0),
        time: letter::time(&data).unwrap_or(WallTime::EPOCH),
        clock: letter::clock(&data),
    })
}
