//! What servidores and the referencia say to each other, on port 5560.

use papo_core::clock::{Lamport, WallTime};
use thiserror::Error;

use crate::limits::{self, Exceeded, Limits, NAME_BYTES};
use crate::msgpack::{FieldError, Malformed, Map, Value, Writer, array};
use crate::timestamp;

/// What a servidor asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Which rank is mine?
    Rank {
        /// Name of the servidor.
        user: String,
        /// Where other servidores reach it, as `host:port`.
        p2p_address: String,
        /// The rank that it was given before: a referencia that lost its memory is told again.
        rank: Option<u64>,
    },
    /// I am alive.
    Heartbeat {
        /// Name of the servidor.
        user: String,
    },
    /// Who is alive?
    List,
}

/// What the referencia answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The rank of whoever asked, for good.
    Rank(u64),
    /// The heartbeat was noted.
    Heartbeat,
    /// The servidores that are alive.
    List(Vec<Listed>),
    /// Nothing was done.
    Refused {
        /// The service that was asked for; `erro` where there is none such.
        service: String,
        /// Whether asking for a rank (again) helps: the heartbeat was of a servidor that the referencia does not know.
        unknown_servidor: bool,
        /// Why, in Portuguese.
        description: String,
    },
}

/// A servidor that is alive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its rank.
    pub rank: u64,
    /// Where other servidores reach it, as `host:port`.
    pub address: String,
}

/// A payload that is none of these.
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
    /// The refusal to answer with.
    pub fn refusal(&self) -> Reply {
        let description = match self {
            Self::Exceeded(_) | Self::NotAMap => "Pedido inválido.".to_owned(),
            Self::UnknownService => "Serviço não encontrado".to_owned(),
            Self::Field(error) => format!("Campo inválido: `{}`.", error.field()),
        };
        Reply::Refused { service: "erro".to_owned(), unknown_servidor: false, description }
    }
}

impl From<Malformed> for BadMessage {
    fn from(error: Malformed) -> Self {
        Self::Exceeded(error.into())
    }
}

impl Request {
    /// The payload to send.
    pub fn encode(&self, time: WallTime, clock: Lamport) -> Vec<u8> {
        match self {
            Self::Rank { user, p2p_address, rank } => {
                let entries = 2 + usize::from(rank.is_some());
                encode("rank", entries, time, clock, |writer| {
                    writer.str_entry("user", user);
                    writer.str_entry("p2p_address", p2p_address);
                    if let Some(rank) = rank {
                        writer.uint_entry("rank", *rank);
                    }
                })
            }
            Self::Heartbeat { user } => {
                encode("heartbeat", 1, time, clock, |writer| writer.str_entry("user", user))
            }
            Self::List => encode("list", 0, time, clock, |_| {}),
        }
    }

    /// Reads what a servidor asked, and its Lamport clock.
    ///
    /// # Errors
    /// What is wrong with it; [`BadMessage::refusal`] is the answer.
    pub fn decode(payload: &[u8]) -> Result<(Self, Lamport), BadMessage> {
        let (service, data) = open(payload)?;
        let request = match service {
            "rank" => Self::Rank {
                user: name(&data)?,
                p2p_address: data.required_text("p2p_address")?.to_owned(),
                rank: data.uint("rank")?,
            },
            "heartbeat" => Self::Heartbeat { user: name(&data)? },
            "list" => Self::List,
            _ => return Err(BadMessage::UnknownService),
        };
        Ok((request, clock(&data)))
    }
}

impl Reply {
    /// The payload to send.
    pub fn encode(&self, time: WallTime, clock: Lamport) -> Vec<u8> {
        match self {
            Self::Rank(rank) => encode("rank", 1, time, clock, |writer| writer.uint_entry("rank", *rank)),
            Self::Heartbeat => encode("heartbeat", 1, time, clock, |writer| writer.str_entry("status", "OK")),
            Self::List(listed) => encode("list", 1, time, clock, |writer| {
                writer.str("list");
                writer.array(listed.len());
                for Listed { name, rank, address } in listed {
                    writer.map(3);
                    writer.str_entry("name", name);
                    writer.uint_entry("rank", *rank);
                    writer.str_entry("address", address);
                }
            }),
            Self::Refused { service, unknown_servidor, description } => {
                encode(service, 4, time, clock, |writer| {
                    writer.str_entry("status", "erro");
                    writer.str_entry("description", description);
                    writer.str_entry("message", description);
                    writer.bool_entry("unknown", *unknown_servidor);
                })
            }
        }
    }

    /// Reads what the referencia answered, and its Lamport clock.
    ///
    /// # Errors
    /// Where it is no answer of a referencia.
    pub fn decode(payload: &[u8]) -> Result<(Self, Lamport), BadMessage> {
        let (service, data) = open(payload)?;
        let reply = match service {
            _ if data.text("status")? == Some("erro") => Self::Refused {
                service: service.to_owned(),
                unknown_servidor: data.flag("unknown")?.unwrap_or(false),
                description: data.text("description")?.unwrap_or_default().to_owned(),
            },
            "rank" => Self::Rank(data.required_uint("rank")?),
            "heartbeat" => Self::Heartbeat,
            "list" => Self::List(list(&data)?),
            _ => return Err(BadMessage::UnknownService),
        };
        Ok((reply, clock(&data)))
    }
}

fn list(data: &Map<'_>) -> Result<Vec<Listed>, BadMessage> {
    let Some(Value::Array(bytes)) = data.get("list") else { return Err(FieldError::Type("list").into()) };
    array(bytes)?
        .into_iter()
        .map(|value| {
            let Value::Map(bytes) = value else { return Err(FieldError::Type("list").into()) };
            let map = Map::parse(bytes)?.unwrap_or_default();
            Ok(Listed {
                name: map.required_text("name")?.to_owned(),
                rank: map.required_uint("rank")?,
                address: map.required_text("address")?.to_owned(),
            })
        })
        .collect()
}

fn name(data: &Map<'_>) -> Result<String, BadMessage> {
    let name = data.required_text("user")?;
    if name.is_empty() || name.len() > NAME_BYTES {
        return Err(FieldError::Range("user").into());
    }
    Ok(name.to_owned())
}

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

pub(crate) fn encode(
    service: &str,
    entries: usize,
    time: WallTime,
    clock: Lamport,
    write: impl FnOnce(&mut Writer),
) -> Vec<u8> {
    let mut writer = Writer::with_capacity(160);
    writer.map(2);
    writer.str_entry("service", service);
    writer.str("data");
    writer.map(entries + 2);
    write(&mut writer);
    writer.str_entry("timestamp", &timestamp::format(time));
    writer.uint_entry("clock", clock.get());
    writer.into_bytes()
}

pub(crate) fn clock(data: &Map<'_>) -> Lamport {
    let sent = data.uint("clock").ok().flatten();
    Lamport::new(sent.filter(|clock| *clock < Lamport::LIMIT).unwrap_or(0))
}
