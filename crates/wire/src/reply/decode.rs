use papo_core::chat::{Said, To};
use papo_core::clock::WallTime;
use thiserror::Error;

use super::encode::ERRO;
use super::{
    Answer, Event, ExportPage, Failure, HistoryPage, Message, Reason, Record, Reply, Status, SyncPage,
};
use crate::Service;
use crate::letter;
use crate::limits::{self, Exceeded, Limits};
use crate::msgpack::{FieldError, Malformed, Map, Value, array};

/// A payload that is no reply: whoever sent it does not speak this protocol, or was cut off.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadReply {
    /// Out of bounds, or not MessagePack.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// MessagePack, but no map with `service` and `data`.
    #[error("not a map of `service` and `data`")]
    NotAReply,
    /// A service that this release does not know.
    #[error("unknown service {0:?}")]
    UnknownService(String),
    /// A key of `data` that cannot be used.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A status that cannot be read.
    #[error("unreadable status: {0}")]
    Status(String),
}

impl From<Malformed> for BadReply {
    fn from(error: Malformed) -> Self {
        Self::Exceeded(error.into())
    }
}

impl Reply {
    /// Reads a reply. Keys that are missing read as zero or empty where a client can live with that.
    ///
    /// # Errors
    /// Where it is no reply.
    pub fn decode(payload: &[u8]) -> Result<Self, BadReply> {
        limits::check(payload, &Limits::REPLY)?;
        let outer = Map::parse(payload)?.ok_or(BadReply::NotAReply)?;
        let (Some(name), Some(Value::Map(bytes))) = (outer.text("service")?, outer.get("data")) else {
            return Err(BadReply::NotAReply);
        };
        let data = Map::parse(bytes)?.ok_or(BadReply::NotAReply)?;
        let service = Service::parse(name.as_bytes());
        let answer = if name == ERRO || is_failure(&data, service)? {
            Err(failure(service, &data)?)
        } else {
            let service = service.ok_or_else(|| BadReply::UnknownService(name.chars().take(64).collect()))?;
            Ok(answer(service, &data, bytes)?)
        };
        Ok(Self {
            time: letter::time(&data).unwrap_or(WallTime::EPOCH),
            clock: letter::clock(&data),
            index: data.uint("index")?.unwrap_or(0),
            answer,
        })
    }
}

fn is_failure(data: &Map<'_>, service: Option<Service>) -> Result<bool, BadReply> {
    Ok(match data.text("status")? {
        Some(status) => status == ERRO,
        // The old lists carry no status, only what was asked for.
        None => service.is_none(),
    })
}

fn failure(service: Option<Service>, data: &Map<'_>) -> Result<Failure, BadReply> {
    let reason = match (data.text("outcome")?, data.text("reason")?) {
        (Some("unknown"), _) => Reason::Unknown,
        (_, Some(word)) => Reason::parse(word),
        (_, None) => Reason::Other,
    };
    let description = match data.text("description")? {
        None => data.text("message")?,
        description => description,
    };
    Ok(match description {
        Some(text) => Failure::explained(service, reason, text.to_owned()),
        None => Failure::new(service, reason),
    })
}

fn answer(service: Service, data: &Map<'_>, bytes: &[u8]) -> Result<Answer, BadReply> {
    Ok(match service {
        Service::Login => Answer::Login {
            user: data.text("user")?.unwrap_or_default().to_owned(),
            session: data.text("session")?.unwrap_or_default().to_owned(),
        },
        Service::Channel => Answer::Channel,
        Service::Users => Answer::Users(names(data, "users")?),
        Service::Channels => Answer::Channels(names(data, "channels")?),
        Service::Publish => Answer::Publish,
        Service::Message => Answer::Message,
        Service::Join => Answer::Join,
        Service::Leave => Answer::Leave,
        Service::Import => Answer::Import,
        Service::History => Answer::History(HistoryPage {
            messages: maps(data, "messages", message)?,
            more: data.flag("more")?.unwrap_or(false),
        }),
        Service::Sync => Answer::Sync(SyncPage {
            messages: maps(data, "messages", message)?,
            more: data.flag("more")?.unwrap_or(false),
            upto: data.required_uint("upto")?,
            channels: names(data, "channels")?,
        }),
        Service::Export => Answer::Export(ExportPage {
            entries: maps(data, "entries", record)?,
            more: data.flag("more")?.unwrap_or(false),
            upto: data.required_uint("upto")?,
        }),
        Service::Status => Answer::Status(Box::new(status(bytes)?)),
    })
}

fn status(bytes: &[u8]) -> Result<Status, BadReply> {
    rmp_serde::from_slice(bytes).map_err(|error| BadReply::Status(error.to_string()))
}

fn names(data: &Map<'_>, key: &'static str) -> Result<Vec<String>, BadReply> {
    let Some(Value::Array(bytes)) = data.get(key) else { return Err(FieldError::Type(key).into()) };
    let mut names = Vec::new();
    for value in array(bytes)? {
        let Value::Text(name) = value else { return Err(FieldError::Type(key).into()) };
        names.push(std::str::from_utf8(name).map_err(|_| FieldError::NotUtf8(key))?.to_owned());
    }
    Ok(names)
}

fn maps<T>(
    data: &Map<'_>,
    key: &'static str,
    read: fn(&Map<'_>) -> Result<T, BadReply>,
) -> Result<Vec<T>, BadReply> {
    let Some(Value::Array(bytes)) = data.get(key) else { return Err(FieldError::Type(key).into()) };
    let mut items = Vec::new();
    for value in array(bytes)? {
        let Value::Map(bytes) = value else { return Err(FieldError::Type(key).into()) };
        items.push(read(&Map::parse(bytes)?.unwrap_or_default())?);
    }
    Ok(items)
}

fn message(map: &Map<'_>) -> Result<Message, BadReply> {
    let (from, to) = match map.text("channel")? {
        Some(channel) => (map.required_text("user")?, To::Channel(channel.to_owned())),
        None => (map.required_text("src")?, To::User(map.required_text("dst")?.to_owned())),
    };
    let said = Said {
        index: map.required_uint("index")?,
        time: letter::time(map).unwrap_or(WallTime::EPOCH),
        clock: letter::clock(map),
        from: from.to_owned(),
        to,
        message: map.required_text("message")?.to_owned(),
        request_id: map.text("request_id")?.map(str::to_owned),
    };
    Ok(Message { said, previous: map.uint("previous")? })
}

fn record(map: &Map<'_>) -> Result<Record, BadReply> {
    let text = |key| map.required_text(key).map(str::to_owned);
    let event = match map.required_text("kind")? {
        "user" => Event::User { user: text("user")? },
        "channel" => Event::Channel { channel: text("channel")? },
        "publish" => {
            Event::Publish { user: text("user")?, channel: text("channel")?, message: text("message")? }
        }
        "message" => Event::Message { src: text("src")?, dst: text("dst")?, message: text("message")? },
        "join" => Event::Join { user: text("user")?, channel: text("channel")? },
        "leave" => Event::Leave { user: text("user")?, channel: text("channel")? },
        _ => return Err(FieldError::Range("kind").into()),
    };
    Ok(Record {
        index: map.required_uint("index")?,
        time: letter::time(map).unwrap_or(WallTime::EPOCH),
        clock: letter::clock(map),
        request_id: map.text("request_id")?.map(str::to_owned),
        event,
    })
}
