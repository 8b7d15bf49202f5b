/// How deep the deepest of [`bombs`] is nested.
const DEPTH: usize = 20_000;

/// Small MessagePack that promises to be large: heads that claim four billion of something, and containers inside one another
/// without end. Each stands alone, behind the head of an array, and as the value of `key`.
pub fn bombs(key: &str) -> Vec<Vec<u8>> {
    let claims: [&[u8]; 8] = [
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff",
        b"\xdc\xff\xff",
        b"\xde\xff\xff",
        b"\xdd\x7f\xff\xff\xff\x90\x90\x90",
    ];
    let named = [&[0xa0 | u8::try_from(key.len()).expect("a short key")][..], key.as_bytes()].concat();
    let nested: [Vec<u8>; 6] = [
        b"\x91".repeat(DEPTH),
        b"\x81\xa1a".repeat(DEPTH),
        [&b"\x81"[..], &named].concat().repeat(DEPTH),
        [&b"\x81"[..], &named, b"\x93"].concat().repeat(DEPTH),
        [&b"\x91"[..], &b"\xc0".repeat(DEPTH)].concat(),
        [&b"\xdd\xff\xff\xff\xff"[..], &b"\x80".repeat(DEPTH)].concat(),
    ];
    let all: Vec<Vec<u8>> = claims.iter().map(|claim| claim.to_vec()).chain(nested).collect();
    let inside = |head: &[u8]| all.iter().map(|bomb| [head, bomb].concat()).collect::<Vec<_>>();
    let (in_array, in_map) = (inside(b"\x91"), inside(&[&b"\x81"[..], &named].concat()));
    all.iter().cloned().chain(in_array).chain(in_map).collect()
}
