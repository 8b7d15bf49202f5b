use papo_core::clock::WallTime;
use papo_core::log::Name;

use super::{BadRequest, Body, Conversation, Flaw, Import, Imported, Page, Request};
use crate::Service;
use crate::letter;
use crate::limits::{self, Limits, PAGE_DEFAULT, PAGE_ITEMS, SESSION_BYTES};
use crate::msgpack::{FieldError, Map, Value};
use crate::names::{self, Named};
use crate::text;

impl Request {
    /// Reads a client's payload.
    ///
    /// # Errors
    /// What is wrong with it, and which service it asked for where that much could be read.
    pub fn decode(payload: &[u8]) -> Result<Self, BadRequest> {
        let (service, data) = open(payload)?;
        read(service, &data).map_err(|flaw| BadRequest { service: Some(service), flaw })
    }
}

/// The service that a payload asks for, without looking at the rest: enough for a broker to refuse in its name.
///
/// # Errors
/// Where the payload is out of bounds, is no request, or asks for an unknown service.
pub fn service_of(payload: &[u8]) -> Result<Service, BadRequest> {
    open(payload).map(|(service, _)| service)
}

fn open(payload: &[u8]) -> Result<(Service, Map<'_>), BadRequest> {
    let nameless = |flaw| BadRequest { service: None, flaw };
    limits::check(payload, &Limits::REQUEST).map_err(|error| nameless(error.into()))?;
    let outer = Map::parse(payload)
        .map_err(|error| nameless(error.into()))?
        .ok_or_else(|| nameless(Flaw::NotAMap))?;
    let service = service(&outer).map_err(nameless)?;
    let data = data(&outer).map_err(|flaw| BadRequest { service: Some(service), flaw })?;
    Ok((service, data))
}

fn service(outer: &Map<'_>) -> Result<Service, Flaw> {
    match outer.get("service") {
        None => Err(FieldError::Missing("service").into()),
        Some(Value::Text(name)) => Service::parse(name)
            .ok_or_else(|| Flaw::UnknownService(String::from_utf8_lossy(name).chars().take(64).collect())),
        Some(_) => Err(FieldError::Type("service").into()),
    }
}

/// Services without fields are asked for without `data` by some clients.
fn data<'a>(outer: &Map<'a>) -> Result<Map<'a>, Flaw> {
    match outer.get("data") {
        None => Ok(Map::default()),
        Some(Value::Map(bytes)) => Ok(Map::parse(bytes)?.unwrap_or_default()),
        Some(_) => Err(FieldError::Type("data").into()),
    }
}

fn read(service: Service, data: &Map<'_>) -> Result<Request, Flaw> {
    Ok(Request {
        request_id: request_id(data)?,
        seen: data.uint("seen")?.unwrap_or(0),
        clock: letter::clock(data),
        timestamp: letter::time(data),
        session: session(data)?,
        body: body(service, data)?,
    })
}

fn body(service: Service, data: &Map<'_>) -> Result<Body, Flaw> {
    Ok(match service {
        Service::Login => Body::Login { user: new_name(data, "user", Named::User)? },
        Service::Channel => Body::Channel {
            channel: new_name(data, "channel", Named::Channel)?,
            user: data.get("user").map(|_| user(data, "user")).transpose()?,
        },
        Service::Users => Body::Users,
        Service::Channels => Body::Channels,
        Service::Publish => {
            Body::Publish { user: user(data, "user")?, channel: channel(data)?, message: message(data)? }
        }
        Service::Message => {
            Body::Message { src: user(data, "src")?, dst: user(data, "dst")?, message: message(data)? }
        }
        Service::Join => Body::Join { user: user(data, "user")?, channel: channel(data)? },
        Service::Leave => Body::Leave { user: user(data, "user")?, channel: channel(data)? },
        Service::History => {
            Body::History { conversation: conversation(data)?, page: page(data)?, limit: limit(data)? }
        }
        Service::Sync => {
            Body::Sync { user: user(data, "user")?, since: data.required_uint("since")?, limit: limit(data)? }
        }
        Service::Status => Body::Status,
        Service::Export => Body::Export { after: data.uint("after")?.unwrap_or(0), limit: limit(data)? },
        Service::Import => Body::Import(import(data)?),
    })
}

fn conversation(data: &Map<'_>) -> Result<Conversation, Flaw> {
    if data.get("channel").is_some() {
        Ok(Conversation::Channel(channel(data)?))
    } else if data.get("with").is_some() {
        Ok(Conversation::Private { user: user(data, "user")?, with: user(data, "with")? })
    } else {
        Err(FieldError::Missing("channel").into())
    }
}

fn page(data: &Map<'_>) -> Result<Page, Flaw> {
    Ok(match (data.uint("after")?, data.uint("before")?) {
        (None, None) => Page::Newest,
        (None, Some(before)) => Page::Before(before),
        (Some(after), None) => Page::After(after),
        (Some(after), Some(before)) => Page::Between { after, before },
    })
}

fn limit(data: &Map<'_>) -> Result<usize, Flaw> {
    let Some(limit) = data.uint("limit")? else { return Ok(PAGE_DEFAULT) };
    Ok(usize::try_from(limit).unwrap_or(usize::MAX).clamp(1, PAGE_ITEMS))
}

fn import(data: &Map<'_>) -> Result<Import, Flaw> {
    if data.get("request_id").is_none() {
        return Err(FieldError::Missing("request_id").into());
    }
    let record = match data.get("record") {
        None => return Err(FieldError::Missing("record").into()),
        Some(Value::Map(bytes)) => Map::parse(bytes)?.unwrap_or_default(),
        Some(_) => return Err(FieldError::Type("record").into()),
    };
    Ok(Import {
        time: letter::time(&record).unwrap_or(WallTime::EPOCH),
        clock: letter::clock(&record),
        what: imported(&record)?,
    })
}

fn imported(record: &Map<'_>) -> Result<Imported, Flaw> {
    Ok(match record.required_text("kind")? {
        "user" => Imported::User { user: new_name(record, "user", Named::User)? },
        "channel" => Imported::Channel { channel: new_name(record, "channel", Named::Channel)? },
        "publish" => Imported::Publish {
            user: user(record, "user")?,
            channel: channel(record)?,
            message: imported_message(record)?,
        },
        "message" => Imported::Message {
            src: user(record, "src")?,
            dst: user(record, "dst")?,
            message: imported_message(record)?,
        },
        _ => return Err(FieldError::Range("kind").into()),
    })
}

fn new_name(data: &Map<'_>, key: &'static str, named: Named) -> Result<Name, Flaw> {
    names::parse(data.required_text(key)?).map_err(|error| Flaw::Name { named, error })
}

fn user(data: &Map<'_>, key: &'static str) -> Result<String, Flaw> {
    names::refer(data.required_text(key)?).map_err(|error| Flaw::Name { named: Named::User, error })
}

fn channel(data: &Map<'_>) -> Result<String, Flaw> {
    names::refer(data.required_text("channel")?).map_err(|error| Flaw::Name { named: Named::Channel, error })
}

fn message(data: &Map<'_>) -> Result<String, Flaw> {
    let message = data.required_text("message")?;
    text::check_message(message)?;
    Ok(message.to_owned())
}

fn imported_message(record: &Map<'_>) -> Result<String, Flaw> {
    let message = record.required_text("message")?;
    text::check_imported(message)?;
    Ok(message.to_owned())
}

fn request_id(data: &Map<'_>) -> Result<Option<String>, Flaw> {
    match data.text("request_id")? {
        None => Ok(None),
        Some(id) if text::is_request_id(id) => Ok(Some(id.to_owned())),
        Some(_) => Err(Flaw::RequestId),
    }
}

fn session(data: &Map<'_>) -> Result<Option<String>, Flaw> {
    match data.text("session")? {
        Some(session) if session.len() > SESSION_BYTES => Err(Flaw::Session),
        session => Ok(session.map(str::to_owned)),
    }
}
