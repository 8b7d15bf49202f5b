//! The third frame of what servidores publish: it tells the proxy whether it forwarded this already.
//!
//! A servidor sends `[topic, payload, stamp]`, the proxy forwards `[topic, payload]`. More than one servidor may publish the
//! same message (a successor goes on where the beacons said its predecessor was); subscribers are to see it once, and in
//! the log's order, so the proxy lets only growing indices through.

use thiserror::Error;

const VERSION: u8 = 1;
const LENGTH: usize = 10;

/// Says when to forward what it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stamp {
    /// Always: repeating it does no harm.
    Unordered,
    /// If the index is greater than of anything forwarded with an index before.
    Index(u64),
    /// If the epoch is greater than of anything forwarded with an epoch before.
    Epoch(u64),
}

/// A frame that is not a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadStamp {
    /// Not ten bytes.
    #[error("a stamp has {LENGTH} bytes, not {0}")]
    Length(usize),
    /// Of a version this release does not know.
    #[error("stamp of unknown version {0}")]
    Version(u8),
    /// Of a kind this release does not know.
    #[error("stamp of unknown kind {0}")]
    Kind(u8),
}

impl Stamp {
    /// The frame: version, kind, and the number in little endian.
    pub fn encode(self) -> Vec<u8> {
        let (kind, number) = match self {
            Self::Unordered => (0, 0),
            Self::Index(index) => (1, index),
            Self::Epoch(epoch) => (2, epoch),
        };
        let mut frame = Vec::with_capacity(LENGTH);
        frame.extend([VERSION, kind]);
        frame.extend(u64::to_le_bytes(number));
        frame
    }

    /// Reads the frame.
    ///
    /// # Errors
    /// Where it is not a stamp, or one of a later release.
    pub fn decode(frame: &[u8]) -> Result<Self, BadStamp> {
        let &[version, kind, ref number @ ..] = frame else { return Err(BadStamp::Length(frame.len())) };
        if version != VERSION {
            return Err(BadStamp::Version(version));
        }
        let number = <[u8; 8]>::try_from(number).map_err(|_| BadStamp::Length(frame.len()))?;
        match kind {
            0 => Ok(Self::Unordered),
            1 => Ok(Self::Index(u64::from_le_bytes(number))),
            2 => Ok(Self::Epoch(u64::from_le_bytes(number))),
            _ => Err(BadStamp::Kind(kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_fixed() {
        assert_eq!(Stamp::Unordered.encode(), b"\x01\x00\0\0\0\0\0\0\0\0");
        assert_eq!(Stamp::Index(258).encode(), b"\x01\x01\x02\x01\0\0\0\0\0\0");
        assert_eq!(Stamp::Epoch(7).encode(), b"\x01\x02\x07\0\0\0\0\0\0\0");
    }

    #[test]
    fn each_stamp_is_read_as_it_is_written() {
        for stamp in [Stamp::Unordered, Stamp::Index(0), Stamp::Index(u64::MAX), Stamp::Epoch(1 << 40)] {
            assert_eq!(Stamp::decode(&stamp.encode()), Ok(stamp));
        }
    }

    #[test]
    fn other_frames_are_told_apart() {
        assert_eq!(Stamp::decode(b""), Err(BadStamp::Length(0)));
        assert_eq!(Stamp::decode(b"\x01\x01\x02"), Err(BadStamp::Length(3)));
        assert_eq!(Stamp::decode(b"\x01\x01\0\0\0\0\0\0\0\0\0"), Err(BadStamp::Length(11)));
        assert_eq!(Stamp::decode(b"\x02\x01\0\0\0\0\0\0\0\0"), Err(BadStamp::Version(2)));
        assert_eq!(Stamp::decode(b"\x01\x09\0\0\0\0\0\0\0\0"), Err(BadStamp::Kind(9)));
    }
}
