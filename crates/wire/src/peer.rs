//! The maps of the old system that a servidor's port 5570 answers besides this project's own protocol.
//!
//! Own frames begin with a version byte, which no MessagePack map does: [`is_map`] tells the two apart.

use papo_core::clock::{Lamport, WallTime};

use crate::letter;

pub use crate::letter::BadMessage;

/// What another servidor, or a tool, asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Is there somebody with a higher rank than mine who could coordinate?
    Election {
        /// The rank of whoever asks.
        rank: u64,
    },
    /// What is the time? (Cristian)
    Clock,
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// There is: me.
    Election,
    /// Not me: the rank is no lower, or this servidor cannot coordinate.
    NoElection,
    /// The agreed time.
    Clock {
        /// Nanoseconds since the Unix epoch.
        time: WallTime,
    },
}

/// Whether a frame is a MessagePack map, and so one of these.
pub fn is_map(frame: &[u8]) -> bool {
    matches!(frame.first(), Some(0x80..=0x8f | 0xde | 0xdf))
}

impl Request {
    /// The payload to send.
    pub fn encode(self, now: WallTime, clock: Lamport) -> Vec<u8> {
        match self {
            Self::Election { rank } => {
                letter::write("election", 1, 0, now, clock, |writer| writer.uint_entry("rank", rank))
            }
            Self::Clock => letter::write("clock", 0, 0, now, clock, |_| {}),
        }
    }

    /// Reads what was asked, and the sender's Lamport clock.
    ///
    /// # Errors
    /// What is wrong with it; [`BadMessage::encode_refusal`] is the answer.
    pub fn decode(payload: &[u8]) -> Result<(Self, Lamport), BadMessage> {
        let (service, data) = letter::open(payload)?;
        let request = match service {
            "election" => Self::Election { rank: data.required_uint("rank")? },
            "clock" => Self::Clock,
            _ => return Err(BadMessage::UnknownService),
        };
        Ok((request, letter::clock(&data)))
    }
}

impl Reply {
    /// The payload to send.
    pub fn encode(self, now: WallTime, clock: Lamport) -> Vec<u8> {
        match self {
            Self::Election => {
                letter::write("election", 1, 0, now, clock, |writer| writer.str_entry("election", "OK"))
            }
            Self::NoElection => {
                letter::write("election", 1, 0, now, clock, |writer| writer.str_entry("status", "erro"))
            }
            Self::Clock { time } => letter::write("clock", 1, 0, now, clock, |writer| {
                writer.str("time");
                writer.int(time.as_nanos());
            }),
        }
    }

    /// Reads what was answered, and the sender's Lamport clock.
    ///
    /// # Errors
    /// Where it is no answer to an [`Request`].
    pub fn decode(payload: &[u8]) -> Result<(Self, Lamport), BadMessage> {
        let (service, data) = letter::open(payload)?;
        let reply = match service {
            "election" if data.text("election")? == Some("OK") => Self::Election,
            "election" => Self::NoElection,
            "clock" => {
                let nanos = data.required_uint("time")?;
                Self::Clock { time: WallTime::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)) }
            }
            _ => return Err(BadMessage::UnknownService),
        };
        Ok((reply, letter::clock(&data)))
    }
}
