//! Bounds on what comes in, checked by walking the bytes once before anything is built from them.

use thiserror::Error;

use crate::msgpack::{Malformed, Reader, Token};

/// Bytes of a client's request.
pub const REQUEST_BYTES: usize = 64 * 1024;
/// Bytes of the longest frame that services read only to answer that it is too long. Whoever sends a longer one is disconnected
/// by the socket, without an answer: what a stranger can make a service hold has to end somewhere.
pub const REFUSED_BYTES: usize = 4 * 1024 * 1024;
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bytes: 100, items: 10, depth: 3 };

    #[test]
    fn a_value_at_every_limit_passes() {
        assert_eq!(check(b"\x91\x91\x91\xc0", &LIMITS), Ok(()));
        assert_eq!(check(b"\x99\x00\x00\x00\x00\x00\x00\x00\x00\x00", &LIMITS), Ok(()));
        let text = [&b"\xd9\x62"[..], &[b'a'; 98]].concat();
        assert_eq!(check(&text, &LIMITS), Ok(()));
    }

    #[test]
    fn a_value_beyond_a_limit_is_told_apart() {
        assert_eq!(check(b"\x91\x91\x91\x90", &LIMITS), Err(Exceeded::Depth));
        assert_eq!(check(b"\x9a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", &LIMITS), Err(Exceeded::Items));
        let text = [&b"\xd9\x63"[..], &[b'a'; 99]].concat();
        assert_eq!(check(&text, &LIMITS), Err(Exceeded::Bytes(101)));
    }

    #[test]
    fn a_nesting_bomb_ends_at_the_depth_limit() {
        let bomb = vec![0x91; REQUEST_BYTES];
        assert_eq!(check(&bomb, &Limits::REQUEST), Err(Exceeded::Depth));
        let maps = b"\x81\xa1a".repeat(1000);
        assert_eq!(check(&maps, &Limits::REQUEST), Err(Exceeded::Depth));
    }

    #[test]
    fn a_container_that_claims_four_billion_values_costs_nothing() {
        for bomb in [
            &b"\xdd\xff\xff\xff\xff"[..],
            b"\xdf\xff\xff\xff\xff",
            b"\xdb\xff\xff\xff\xff",
            b"\xc9\xff\xff\xff\xff",
        ] {
            assert_eq!(check(bomb, &Limits::REQUEST), Err(Malformed::Truncated.into()));
        }
        let many = [&b"\xdd\xff\xff\xff\xff"[..], &[0xc0; 60_000]].concat();
        assert_eq!(check(&many, &Limits::REQUEST), Err(Exceeded::Items));
    }

    #[test]
    fn what_is_not_exactly_one_value_is_refused() {
        assert_eq!(check(b"", &LIMITS), Err(Malformed::Truncated.into()));
        assert_eq!(check(b"\x81\xa1a", &LIMITS), Err(Malformed::Truncated.into()));
        assert_eq!(check(b"\x80\xc0", &LIMITS), Err(Malformed::Trailing.into()));
        assert_eq!(check(b"\x91\xc1", &LIMITS), Err(Malformed::Reserved.into()));
    }
}
