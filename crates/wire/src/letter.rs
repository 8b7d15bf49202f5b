//! The shape that all maps with a service share: `{"service": ..., "data": {..., "timestamp": ..., "clock": ...}}`.

use papo_core::clock::{Lamport, WallTime};
use thiserror::Error;

use crate::limits::{self, Exceeded, Limits};
use crate::msgpack::{FieldError, Malformed, Map, Value, Writer};
use crate::timestamp;

/// A payload that servidores and the referencia do not understand. Nothing was done with it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadMessage {
    /// Out of bounds, or not MessagePack.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// MessagePack, but no map with `service`.
    #[error("not a map with `service`")]
    NotAMap,
    /// A service that there is none of.
    #[error("unknown service")]
    UnknownService,
    /// A key of `data` that cannot be used.
    #[error(transparent)]
    Field(#[from] FieldError),
}

impl BadMessage {
    /// A label for metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Exceeded(_) => "not_msgpack",
            Self::NotAMap => "not_a_map",
            Self::UnknownService => "unknown_service",
            Self::Field(_) => "field",
        }
    }

    /// The sentence for whoever sent it, in Portuguese.
    pub fn description(&self) -> String {
        match self {
            Self::Exceeded(_) | Self::NotAMap => "Pedido inválido.".to_owned(),
            Self::UnknownService => "Serviço não encontrado".to_owned(),
            Self::Field(error) => format!("Campo inválido: `{}`.", error.field()),
        }
    }

    /// The payload to answer with.
    pub fn encode_refusal(&self, time: WallTime, clock: Lamport) -> Vec<u8> {
        let description = self.description();
        write("erro", 3, 0, time, clock, |writer| {
            writer.str_entry("status", "erro");
            writer.str_entry("description", &description);
            writer.str_entry("message", &description);
        })
    }
}

impl From<Malformed> for BadMessage {
    fn from(error: Malformed) -> Self {
        Self::Exceeded(error.into())
    }
}

/// The name of the service, and `data`.
pub(crate) fn open(payload: &[u8]) -> Result<(&str, Map<'_>), BadMessage> {
    limits::check(payload, &Limits::SMALL)?;
    let outer = Map::parse(payload)?.ok_or(BadMessage::NotAMap)?;
    let service = outer.text("service")?.ok_or(BadMessage::NotAMap)?;
    let data = match outer.get("data") {
        None => Map::default(),
        Some(Value::Map(bytes)) => Map::parse(bytes)?.unwrap_or_default(),
        Some(_) => return Err(FieldError::Type("data").into()),
    };
    Ok((service, data))
}

/// Writes the map; `entries` must write that many keys with their values, which take about `room` bytes.
pub(crate) fn write(
    service: &str,
    entries: usize,
    room: usize,
    time: WallTime,
    clock: Lamport,
    write_entries: impl FnOnce(&mut Writer),
) -> Vec<u8> {
    let mut writer = Writer::with_capacity(160 + room);
    writer.map(2);
    writer.str_entry("service", service);
    writer.str("data");
    writer.map(entries + 2);
    write_entries(&mut writer);
    writer.str_entry("timestamp", &timestamp::format(time));
    writer.uint_entry("clock", clock.get());
    writer.into_bytes()
}

/// The sender's Lamport clock. It is merged, never relied on: one that makes no sense is one that was not sent.
pub(crate) fn clock(data: &Map<'_>) -> Lamport {
    let sent = data.uint("clock").ok().flatten();
    Lamport::new(sent.filter(|clock| *clock < Lamport::LIMIT).unwrap_or(0))
}

/// The sender's time, if it sent one that can be read.
pub(crate) fn time(data: &Map<'_>) -> Option<WallTime> {
    data.text("timestamp").ok().flatten().and_then(timestamp::parse)
}
