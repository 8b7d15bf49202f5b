use super::curve::Curve;
use super::frame::{Frame, Violation, command_body, message, split_command};
use crate::net::Frames;

/// How a peer and this side agree on who they are, and what frames look like afterwards.
pub(super) enum Mechanism {
    /// In the clear.
    Null,
    /// Encrypted, under the system's key.
    Curve(Box<Curve>),
}

/// What a handshake command of the peer leads to.
pub(super) enum Step {
    /// This is the answer; more is to come.
    Reply(Vec<u8>),
    /// This is the answer, and the handshake is over.
    Done(Vec<u8>),
}

/// A frame after the handshake, deciphered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) more: bool,
    pub(super) command: bool,
    pub(super) body: Vec<u8>,
}

impl Mechanism {
    /// As the greeting spells it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Curve(_) => "CURVE",
        }
    }

    /// Takes the body of one handshake command, gives the body of the answer.
    pub(super) fn handshake(&mut self, body: &[u8]) -> Result<Step, Violation> {
        match self {
            Self::Null => match split_command(body)? {
                (b"READY", metadata) => {
                    check_subscriber(metadata)?;
                    Ok(Step::Done(command_body("READY", &own_metadata())))
                }
                _ => Err(Violation("expected READY")),
            },
            Self::Curve(curve) => curve.handshake(body),
        }
    }

    /// How much longer than its content a frame may be.
    pub(super) fn overhead(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Curve(_) => super::curve::OVERHEAD,
        }
    }

    /// Reads a frame that came after the handshake.
    pub(super) fn open(&mut self, frame: &Frame<'_>) -> Result<Plain, Violation> {
        match self {
            Self::Null => Ok(Plain { more: frame.more, command: frame.command, body: frame.body.to_vec() }),
            Self::Curve(curve) => curve.open(frame.body),
        }
    }

    /// Whether every peer gets the same bytes for the same message.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A message as it goes over the wire to this peer.
    pub(super) fn seal_message(&mut self, frames: &Frames) -> Vec<u8> {
        match self {
            Self::Null => message(frames),
            Self::Curve(curve) => curve.seal_message(frames),
        }
    }

    /// A command as it goes over the wire to this peer.
    pub(super) fn seal_command(&mut self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Null => super::frame::command(body),
            Self::Curve(curve) => curve.seal_command(body),
        }
    }
}

/// What this side says of itself.
pub(super) fn own_metadata() -> Vec<u8> {
    property("Socket-Type", b"XPUB")
}

/// Refuses a peer that is not a subscriber.
pub(super) fn check_subscriber(metadata: &[u8]) -> Result<(), Violation> {
    let mut rest = metadata;
    while !rest.is_empty() {
        let (name, value, after) = first_property(rest).ok_or(Violation("malformed metadata"))?;
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            let subscriber = matches!(value, b"SUB" | b"XSUB");
            return if subscriber { Ok(()) } else { Err(Violation("not a subscriber")) };
        }
        rest = after;
    }
    Err(Violation("no Socket-Type"))
}

fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).expect("our own properties are short");
    [command_body(name, &length.to_be_bytes()).as_slice(), value].concat()
}

fn first_property(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = split_command(bytes).ok()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some((name, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_subscribers_are_let_in_wherever_the_property_stands() {
        let with = |kind: &[u8]| [property("Identity", b""), property("socket-type", kind)].concat();
        assert_eq!(check_subscriber(&with(b"SUB")), Ok(()));
        assert_eq!(check_subscriber(&with(b"XSUB")), Ok(()));
        assert!(check_subscriber(&with(b"REQ")).is_err());
        assert!(check_subscriber(&property("Identity", b"x")).is_err());
        assert!(check_subscriber(&[]).is_err());
    }

    #[test]
    fn metadata_cut_short_anywhere_is_refused() {
        let whole = property("Socket-Type", b"SUB");
        for cut in 1..whole.len() {
            assert!(check_subscriber(&whole[..cut]).is_err(), "cut at {cut}");
        }
    }
}
