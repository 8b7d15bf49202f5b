use super::Ticket;
use super::header::{BadEnvelope, Header, VERSION, split, with_body, without_body};
use crate::limits::NAME_BYTES;

const BEACON: u8 = 1;
const ANSWER: u8 = 2;
const ELSEWHERE: u8 = 3;

/// What a servidor says to a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToBroker {
    /// I am here. Sent every 100 ms, and at once when the state changes.
    Beacon(Beacon),
    /// The answer to a request.
    Answer {
        /// The attempt that is answered.
        ticket: Ticket,
        /// The index of the log that the reply reflects.
        index: u64,
        /// The reply for the client.
        payload: Vec<u8>,
    },
    /// This servidor cannot answer: try another one, with the same id.
    Elsewhere {
        /// The attempt that is given back.
        ticket: Ticket,
        /// What is known about whether it was ordered.
        ordered: Ordered,
    },
}

/// How a servidor is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Beacon {
    /// Whether it takes requests.
    pub state: State,
    /// Random, drawn when its process started.
    pub incarnation: u64,
    /// The index up to which it has applied the log.
    pub index: u64,
    /// Its name, as configured.
    pub name: String,
}

/// Whether a servidor takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It does.
    Serving,
    /// It is about to stop: it answers what it has, and takes nothing new.
    Draining,
    /// It cannot serve now: it lost the coordinator, or is not ready yet.
    Withdrawn,
}

impl State {
    /// A label for logs; the broker's metrics have the same.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Draining => "draining",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What a servidor that gives a request back knows about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ordered {
    /// It was certainly not handed to any coordinator from here.
    No,
    /// It may have been, and may yet take effect.
    Unknown,
}

impl ToBroker {
    /// The frames to send.
    pub fn encode(self) -> Vec<Vec<u8>> {
        match self {
            Self::Beacon(beacon) => {
                let header = beacon.header();
                vec![header, beacon.name.into_bytes()]
            }
            Self::Answer { ticket, index, payload } => {
                let mut header = Vec::with_capacity(18);
                header.extend([VERSION, ANSWER]);
                header.extend(ticket.to_le_bytes());
                header.extend(index.to_le_bytes());
                vec![header, payload]
            }
            Self::Elsewhere { ticket, ordered } => {
                let mut header = Vec::with_capacity(11);
                header.extend([VERSION, ELSEWHERE]);
                header.extend(ticket.to_le_bytes());
                header.push(ordered.to_byte());
                vec![header]
            }
        }
    }

    /// Reads what a servidor sent: the frames after its identity.
    ///
    /// # Errors
    /// Where it is no envelope that this release knows.
    pub fn decode(frames: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, BadEnvelope> {
        let (header, body) = split(frames)?;
        let (kind, mut header) = Header::open(&header)?;
        match kind {
            BEACON => Ok(Self::Beacon(Beacon::read(&mut header, with_body(body)?)?)),
            ANSWER => {
                Ok(Self::Answer { ticket: header.u64()?, index: header.u64()?, payload: with_body(body)? })
            }
            ELSEWHERE => {
                without_body(body.as_ref())?;
                Ok(Self::Elsewhere { ticket: header.u64()?, ordered: Ordered::from_byte(header.u8()?)? })
            }
            _ => Err(BadEnvelope::Kind(kind)),
        }
    }
}

impl Beacon {
    fn header(&self) -> Vec<u8> {
        let mut header = Vec::with_capacity(19);
        header.extend([VERSION, BEACON, self.state.to_byte()]);
        header.extend(self.incarnation.to_le_bytes());
        header.extend(self.index.to_le_bytes());
        header
    }

    fn read(header: &mut Header<'_>, name: Vec<u8>) -> Result<Self, BadEnvelope> {
        if name.is_empty() || name.len() > NAME_BYTES {
            return Err(BadEnvelope::Field("name"));
        }
        Ok(Self {
            state: State::from_byte(header.u8()?)?,
            incarnation: header.u64()?,
            index: header.u64()?,
            name: String::from_utf8(name).map_err(|_| BadEnvelope::Field("name"))?,
        })
    }
}

impl State {
    const fn to_byte(self) -> u8 {
        match self {
            Self::Serving => 0,
            Self::Draining => 1,
            Self::Withdrawn => 2,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, BadEnvelope> {
        match byte {
            0 => Ok(Self::Serving),
            1 => Ok(Self::Draining),
            2 => Ok(Self::Withdrawn),
            _ => Err(BadEnvelope::Field("state")),
        }
    }
}

impl Ordered {
    const fn to_byte(self) -> u8 {
        match self {
            Self::No => 0,
            Self::Unknown => 1,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, BadEnvelope> {
        match byte {
            0 => Ok(Self::No),
            1 => Ok(Self::Unknown),
            _ => Err(BadEnvelope::Field("ordered")),
        }
    }
}
