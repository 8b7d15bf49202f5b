//! Bounds on what comes in, checked by walking the bytes once before anything is built from them.

use thiserror::Error;

use crate::msgpack::{Malformed, Reader, Token};

/// Bytes of a client's request.
pub const REQUEST_BYTES: usize = 64 * 1024;
/// Bytes of a name of a user or channel.
pub const NAME_BYTES: usize = 64;
/// Bytes of the text of a message.
pub const MESSAGE_BYTES: usize = 8192;
/// Bytes of a request id.
pub const REQUEST_ID_BYTES: usize = 64;
/// Bytes of a session.
pub const SESSION_BYTES: usize = 1024;
/// The most messages or records in one page.
pub const PAGE_ITEMS: usize = 200;
/// How many messages or records a page has when the request does not say.
pub const PAGE_DEFAULT: usize = 50;
/// Where a page ends though more was asked for, in bytes of its items; keeps replies below the 1 MiB that a bound socket takes.
pub const PAGE_BYTES: usize = 512 * 1024;

/// How deep arrays and maps may be nested. A request needs three.
pub const DEPTH: usize = 8;

/// Bounds on one MessagePack value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all.
    pub bytes: usize,
    /// Values in all, keys and containers counted.
    pub items: usize,
    /// Containers inside one another, at most [`DEPTH`].
    pub depth: usize,
}

impl Limits {
    /// For what clients ask.
    pub const REQUEST: Self = Self { bytes: REQUEST_BYTES, items: 1024, depth: DEPTH };
    /// For publications, and the small maps between servidores and the referencia.
    pub const SMALL: Self = Self { bytes: REQUEST_BYTES, items: 16 * 1024, depth: DEPTH };
    /// For what clients are answered: lists of all users may be long.
    pub const REPLY: Self = Self { bytes: 64 * 1024 * 1024, items: 4 * 1024 * 1024, depth: DEPTH };
}

/// Bytes that are not looked at any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Exceeded {
    /// More bytes than allowed.
    #[error("{0} bytes are too many")]
    Bytes(usize),
    /// Containers nested too deeply.
    #[error("nested too deeply")]
    Depth,
    /// More values than allowed, or a container that claims more than could follow.
    #[error("too many values")]
    Items,
    /// Not one MessagePack value.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Checks that `bytes` are exactly one MessagePack value within `limits`. Allocates nothing, and reads each byte at most once.
///
/// # Errors
/// The first bound that is exceeded, or why it is not MessagePack.
pub fn check(bytes: &[u8], limits: &Limits) -> Result<(), Exceeded> {
    if bytes.len() > limits.bytes {
        return Err(Exceeded::Bytes(bytes.len()));
    }
    let mut reader = Reader::new(bytes);
    // How many values each open container still has to give; the first is the document itself.
    let mut open = [0_u64; DEPTH + 1];
    open[0] = 1;
    let mut depth = 0;
    let mut items = 0;
    loop {
        while open[depth] == 0 {
            if depth == 0 {
                return if reader.is_at_end() { Ok(()) } else { Err(Malformed::Trailing.into()) };
            }
            depth -= 1;
        }
        open[depth] -= 1;
        items += 1;
        if items > limits.items {
            return Err(Exceeded::Items);
        }
        let children = match reader.token()? {
            Token::Array(count) => u64::from(count),
            Token::Map(count) => 2 * u64::from(count),
            _ => continue,
        };
        if depth == limits.depth.min(DEPTH) {
            return Err(Exceeded::Depth);
        }
        depth += 1;
        open[depth] = children;
    }
}
