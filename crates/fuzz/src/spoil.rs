use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One thing that goes wrong with bytes on their way. Places are chosen among those that the bytes turn out to have.
#[derive(Clone, Debug)]
pub enum Spoil {
    /// One bit is another.
    Flip(Index, u8),
    /// One byte is another.
    Set(Index, u8),
    /// They end early.
    Cut(Index),
    /// Something stands between.
    Insert(Index, Vec<u8>),
    /// Something follows.
    Append(Vec<u8>),
    /// Some are missing.
    Remove(Index, u8),
    /// Some come twice.
    Repeat(Index, u8),
    /// The beginning of these, the end of others of the same kind.
    Splice(Index, Index),
    /// A head of MessagePack that claims a length of its own stands in the place of a byte.
    Claim(Index, &'static [u8]),
}

impl Spoil {
    /// The bytes after it went wrong; `donor` is what a [`Spoil::Splice`] takes its end from.
    pub fn apply(&self, bytes: &mut Vec<u8>, donor: &[u8]) {
        // Places between bytes, the end included.
        let between = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        match self {
            Self::Append(more) => bytes.extend(more),
            Self::Insert(at, more) => {
                let at = between(at, bytes);
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Splice(at, from) => {
                bytes.truncate(between(at, bytes));
                bytes.extend(&donor[between(from, donor)..]);
            }
            _ if bytes.is_empty() => {}
            Self::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << (bit % 8);
            }
            Self::Set(at, to) => {
                let at = at.index(bytes.len());
                bytes[at] = *to;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Remove(at, count) => {
                let at = at.index(bytes.len());
                let end = bytes.len().min(at + 1 + usize::from(*count));
                bytes.drain(at..end);
            }
            Self::Repeat(at, count) => {
                let at = at.index(bytes.len());
                let end = bytes.len().min(at + 1 + usize::from(*count));
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            Self::Claim(at, head) => {
                let at = at.index(bytes.len());
                bytes.splice(at..=at, head.iter().copied());
            }
        }
    }
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let at = any::<Index>;
    let few = || vec(any::<u8>(), 1..12);
    let heads: Vec<&'static [u8]> = vec![
        b"\x90",
        b"\x9f",
        b"\x80",
        b"\x8f",
        b"\xbf",
        b"\xa0",
        b"\xc0",
        b"\xc1",
        b"\xc4\xff",
        b"\xc6\x7f\xff\xff\xff",
        b"\xca\x7f\xc0\x00\x00",
        b"\xcb\xff\xf0\x00\x00\x00\x00\x00\x00",
        b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
        b"\xd9\x00",
        b"\xdb\xff\xff\xff\xff",
        b"\xdc\xff\xff",
        b"\xdd\x00\x00\x00\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
    ];
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        2 => (at(), any::<u8>()).prop_map(|(at, to)| Spoil::Set(at, to)),
        1 => at().prop_map(Spoil::Cut),
        1 => (at(), few()).prop_map(|(at, more)| Spoil::Insert(at, more)),
        1 => few().prop_map(Spoil::Append),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Spoil::Remove(at, count % 16)),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Spoil::Repeat(at, count)),
        2 => (at(), at()).prop_map(|(at, from)| Spoil::Splice(at, from)),
        3 => (at(), select(heads)).prop_map(|(at, head)| Spoil::Claim(at, head)),
    ]
}

/// One to four things that go wrong, one after the other.
pub fn spoils() -> impl Strategy<Value = Vec<Spoil>> {
    vec(spoil(), 1..5)
}

/// What is left of `bytes` after all of `spoils`.
pub fn spoilt(bytes: &[u8], donor: &[u8], spoils: &[Spoil]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for spoil in spoils {
        spoil.apply(&mut bytes, donor);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest! {
        #[test]
        fn anything_can_go_wrong_with_anything(bytes: Vec<u8>, donor: Vec<u8>, spoils in spoils()) {
            let _ = spoilt(&bytes, &donor, &spoils);
        }
    }
}
