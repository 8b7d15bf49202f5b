use papo_core::clock::{Lamport, WallTime};

use super::BadMessage;
use crate::letter;
use crate::limits::NAME_BYTES;
use crate::msgpack::{FieldError, Map};

/// Longest address that is listed: a host name of 253 bytes and a port.
const ADDRESS_BYTES: usize = 264;

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

impl Request {
    /// The payload to send.
    pub fn encode(&self, time: WallTime, clock: Lamport) -> Vec<u8> {
        match self {
            Self::Rank { user, p2p_address, rank } => {
                let entries = 2 + usize::from(rank.is_some());
                letter::write("rank", entries, 0, time, clock, |writer| {
                    writer.str_entry("user", user);
                    writer.str_entry("p2p_address", p2p_address);
                    if let Some(rank) = rank {
                        writer.uint_entry("rank", *rank);
                    }
                })
            }
            Self::Heartbeat { user } => {
                letter::write("heartbeat", 1, 0, time, clock, |writer| writer.str_entry("user", user))
            }
            Self::List => letter::write("list", 0, 0, time, clock, |_| {}),
        }
    }

    /// Reads what a servidor asked, and its Lamport clock.
    ///
    /// # Errors
    /// What is wrong with it; [`BadMessage::encode_refusal`] is the answer.
    pub fn decode(payload: &[u8]) -> Result<(Self, Lamport), BadMessage> {
        let (service, data) = letter::open(payload)?;
        let request = match service {
            "rank" => Self::Rank {
                user: bounded(&data, "user", NAME_BYTES)?,
                p2p_address: bounded(&data, "p2p_address", ADDRESS_BYTES)?,
                rank: data.uint("rank")?,
            },
            "heartbeat" => Self::Heartbeat { user: bounded(&data, "user", NAME_BYTES)? },
            "list" => Self::List,
            _ => return Err(BadMessage::UnknownService),
        };
        Ok((request, letter::clock(&data)))
    }
}

fn bounded(data: &Map<'_>, key: &'static str, most: usize) -> Result<String, FieldError> {
    let text = data.required_text(key)?;
    let fits = (1..=most).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(FieldError::Range(key)) }
}
