use super::Ticket;
use super::header::{BadEnvelope, Header, VERSION, split, with_body, without_body};

const DISPATCH: u8 = 1;
const WELCOME: u8 = 2;

/// What a broker says to a servidor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToServidor {
    /// Answer this request of a client.
    Dispatch {
        /// What the broker knows about it.
        dispatch: Dispatch,
        /// The client's request, untouched.
        payload: Vec<u8>,
    },
    /// Your beacon arrived: the link is alive both ways.
    Welcome {
        /// The incarnation of the servidor that the beacon named.
        incarnation: u64,
    },
}

/// What a broker adds to a client's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dispatch {
    /// What to answer to.
    pub ticket: Ticket,
    /// With `counter`, the id of a request that carries none: the same for every attempt. Random for each start of a broker.
    pub incarnation: u64,
    /// Counts the requests of that incarnation.
    pub counter: u64,
    /// The highest index that this client's connection has been answered; 0 for none.
    pub seen: u64,
    /// Milliseconds that are left to answer in.
    pub deadline_ms: u32,
}

impl ToServidor {
    /// The frames to send.
    pub fn encode(self) -> Vec<Vec<u8>> {
        let mut frames = Vec::with_capacity(2);
        self.append_to(&mut frames);
        frames
    }

    /// Adds the frames to those already there: the identity that a ROUTER sends to.
    pub fn append_to(self, frames: &mut Vec<Vec<u8>>) {
        match self {
            Self::Dispatch { dispatch, payload } => frames.extend([dispatch.header(), payload]),
            Self::Welcome { incarnation } => {
                let mut header = vec![VERSION, WELCOME];
                header.extend(incarnation.to_le_bytes());
                frames.push(header);
            }
        }
    }

    /// Reads what a broker sent.
    ///
    /// # Errors
    /// Where it is no envelope that this release knows.
    pub fn decode(frames: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, BadEnvelope> {
        let (header, body) = split(frames)?;
        let (kind, mut header) = Header::open(&header)?;
        match kind {
            DISPATCH => {
                Ok(Self::Dispatch { dispatch: Dispatch::read(&mut header)?, payload: with_body(body)? })
            }
            WELCOME => {
                without_body(body.as_ref())?;
                Ok(Self::Welcome { incarnation: header.u64()? })
            }
            _ => Err(BadEnvelope::Kind(kind)),
        }
    }
}

impl Dispatch {
    fn header(self) -> Vec<u8> {
        let mut header = Vec::with_capacity(38);
        header.extend([VERSION, DISPATCH]);
        header.extend(self.ticket.to_le_bytes());
        header.extend(self.incarnation.to_le_bytes());
        header.extend(self.counter.to_le_bytes());
        header.extend(self.seen.to_le_bytes());
        header.extend(self.deadline_ms.to_le_bytes());
        header
    }

    fn read(header: &mut Header<'_>) -> Result<Self, BadEnvelope> {
        Ok(Self {
            ticket: header.u64()?,
            incarnation: header.u64()?,
            counter: header.u64()?,
            seen: header.u64()?,
            deadline_ms: header.u32()?,
        })
    }
}
