use papo_core::clock::{Lamport, WallTime};

use super::BadMessage;
use crate::letter;
use crate::msgpack::{FieldError, Map, Value, array};

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

impl Reply {
    /// The payload to send.
    pub fn encode(&self, time: WallTime, clock: Lamport) -> Vec<u8> {
        match self {
            Self::Rank(rank) => {
                letter::write("rank", 1, 0, time, clock, |writer| writer.uint_entry("rank", *rank))
            }
            Self::Heartbeat => {
                letter::write("heartbeat", 1, 0, time, clock, |writer| writer.str_entry("status", "OK"))
            }
            Self::List(listed) => letter::write("list", 1, 64 * listed.len(), time, clock, |writer| {
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
                letter::write(service, 4, 0, time, clock, |writer| {
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
        let (service, data) = letter::open(payload)?;
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
        Ok((reply, letter::clock(&data)))
    }
}

fn list(data: &Map<'_>) -> Result<Vec<Listed>, BadMessage> {
    let Some(Value::Array(bytes)) = data.get("list") else { return Err(FieldError::Type("list").into()) };
    let mut listed = Vec::new();
    for value in array(bytes)? {
        let Value::Map(bytes) = value else { return Err(FieldError::Type("list").into()) };
        let map = Map::parse(bytes)?.unwrap_or_default();
        listed.push(Listed {
            name: map.required_text("name")?.to_owned(),
            rank: map.required_uint("rank")?,
            address: map.required_text("address")?.to_owned(),
        });
    }
    Ok(listed)
}
