use thiserror::Error;

/// The version that this release speaks.
pub(super) const VERSION: u8 = 1;

/// Frames that are no envelope, or one of a later release. Nothing was done with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadEnvelope {
    /// Another number of frames than its kind has.
    #[error("expected {expected} frames, got {got}")]
    Frames {
        /// How many its kind has.
        expected: usize,
        /// How many came; of more than three, three.
        got: usize,
    },
    /// A header too short for its kind.
    #[error("the header of {0} bytes is too short")]
    Short(usize),
    /// A version this release does not speak.
    #[error("unknown version {0}")]
    Version(u8),
    /// A kind this release does not know.
    #[error("unknown kind {0}")]
    Kind(u8),
    /// A field with a value that it cannot have.
    #[error("`{0}` has an impossible value")]
    Field(&'static str),
}

impl BadEnvelope {
    /// A label for metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Frames { .. } => "frames",
            Self::Short(_) => "short",
            Self::Version(_) => "version",
            Self::Kind(_) => "kind",
            Self::Field(_) => "field",
        }
    }
}

/// Reads a header's fields in order.
pub(super) struct Header<'a> {
    whole: usize,
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    /// The kind, and the fields after it.
    pub(super) fn open(frame: &'a [u8]) -> Result<(u8, Self), BadEnvelope> {
        match *frame {
            [VERSION, kind, ref rest @ ..] => Ok((kind, Self { whole: frame.len(), rest })),
            [version, _, ..] => Err(BadEnvelope::Version(version)),
            _ => Err(BadEnvelope::Short(frame.len())),
        }
    }

    pub(super) fn u8(&mut self) -> Result<u8, BadEnvelope> {
        Ok(u8::from_le_bytes(self.take()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, BadEnvelope> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, BadEnvelope> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], BadEnvelope> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(BadEnvelope::Short(self.whole))?;
        self.rest = rest;
        Ok(*taken)
    }
}

/// Takes the frames of an envelope apart: the header, and the second frame where there is one.
pub(super) fn split(
    frames: impl IntoIterator<Item = Vec<u8>>,
) -> Result<(Vec<u8>, Option<Vec<u8>>), BadEnvelope> {
    let mut frames = frames.into_iter();
    let header = frames.next().ok_or(BadEnvelope::Frames { expected: 1, got: 0 })?;
    let body = frames.next();
    if frames.next().is_some() {
        return Err(BadEnvelope::Frames { expected: 2, got: 3 });
    }
    Ok((header, body))
}

/// The second frame, of a kind that has one.
pub(super) fn with_body(body: Option<Vec<u8>>) -> Result<Vec<u8>, BadEnvelope> {
    body.ok_or(BadEnvelope::Frames { expected: 2, got: 1 })
}

/// Of a kind that has no second frame.
pub(super) fn without_body(body: Option<&Vec<u8>>) -> Result<(), BadEnvelope> {
    if body.is_some() { Err(BadEnvelope::Frames { expected: 1, got: 2 }) } else { Ok(()) }
}
