use thiserror::Error;

use crate::net::Frames;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// A peer broke the protocol: it is disconnected.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{0}")]
pub(super) struct Violation(pub(super) &'static str);

/// One frame, borrowed from the bytes it came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) more: bool,
    pub(super) command: bool,
    pub(super) body: &'a [u8],
}

/// The first frame of `bytes` and how long it is, or `None` while it is not all there. A frame longer than
/// `limit` is refused as soon as its length is.
pub(super) fn first(bytes: &[u8], limit: usize) -> Result<Option<(Frame<'_>, usize)>, Violation> {
    let Some((&flags, rest)) = bytes.split_first() else { return Ok(None) };
    if flags & !(MORE | LONG | COMMAND) != 0 {
        return Err(Violation("unknown frame flags"));
    }
    let (length, head) = if flags & LONG == 0 {
        let Some(&length) = rest.first() else { return Ok(None) };
        (u64::from(length), 2)
    } else {
        let Some(length) = rest.first_chunk::<8>() else { return Ok(None) };
        (u64::from_be_bytes(*length), 9)
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= limit);
    let length = length.ok_or(Violation("frame longer than allowed"))?;
    let Some(body) = bytes[head..].get(..length) else { return Ok(None) };
    let frame = Frame { more: flags & MORE != 0, command: flags & COMMAND != 0, body };
    Ok(Some((frame, head + length)))
}

/// A message as it goes over the wire in the clear.
pub(super) fn message(frames: &Frames) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frames.iter().map(|frame| frame.len() + 9).sum());
    let last = frames.len().saturating_sub(1);
    for (at, body) in frames.iter().enumerate() {
        push(&mut bytes, if at < last { MORE } else { 0 }, body);
    }
    bytes
}

/// A frame that is part of no message.
pub(super) fn command(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 9);
    push(&mut bytes, COMMAND, body);
    bytes
}

/// Appends one frame.
pub(super) fn push(bytes: &mut Vec<u8>, flags: u8, body: &[u8]) {
    match u8::try_from(body.len()) {
        Ok(length) => bytes.extend([flags, length]),
        Err(_) => {
            bytes.push(flags | LONG);
            bytes.extend((body.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(body);
}

/// The name and the rest of a command's body.
pub(super) fn split_command(body: &[u8]) -> Result<(&[u8], &[u8]), Violation> {
    let parts = body.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)));
    parts.ok_or(Violation("command without a name"))
}

/// A command's body from its name and the rest.
pub(super) fn command_body(name: &str, rest: &[u8]) -> Vec<u8> {
    let length = u8::try_from(name.len()).expect("names of commands are short constants");
    [&[length], name.as_bytes(), rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back_frame_by_frame_whatever_the_lengths() {
        let frames: Frames = [0, 1, 255, 256, 70_000].map(|length| vec![7; length]).to_vec();
        let bytes = message(&frames);
        let mut rest = bytes.as_slice();
        for (at, expected) in frames.iter().enumerate() {
            let (frame, length) = first(rest, 1 << 20).unwrap().unwrap();
            assert_eq!(frame, Frame { more: at < 4, command: false, body: expected });
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn a_frame_that_is_cut_short_anywhere_is_waited_for() {
        for length in [3, 300] {
            let bytes = message(&vec![vec![1; length]]);
            for cut in 0..bytes.len() {
                assert_eq!(first(&bytes[..cut], 1000), Ok(None));
            }
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_the_body_arrives() {
        let bytes = message(&vec![vec![1; 300]]);
        assert!(first(&bytes[..9], 299).is_err());
        assert!(first(&[LONG, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], usize::MAX).is_ok());
        assert!(first(&[LONG, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1 << 40).is_err());
    }

    #[test]
    fn reserved_flags_are_refused() {
        assert!(first(&[8, 0], 10).is_err());
    }

    #[test]
    fn a_command_splits_into_name_and_rest() {
        assert_eq!(split_command(&command_body("PING", b"xy")), Ok((&b"PING"[..], &b"xy"[..])));
        assert!(split_command(&[]).is_err());
        assert!(split_command(&[5, b'P']).is_err());
    }
}
