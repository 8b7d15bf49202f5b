//! The bytes of what services say to each other: another release must read them the same.

use papo_core::clock::{Lamport, WallTime};
use papo_wire::envelope::{BadEnvelope, Beacon, Dispatch, Ordered, State, ToBroker, ToServidor};
use papo_wire::{peer, referencia};

const DISPATCH: &[u8] = b"\x01\x01\
    \x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x88\x13\0\0";
const WELCOME: &[u8] = b"\x01\x02\x07\0\0\0\0\0\0\0";
const BEACON: &[u8] = b"\x01\x01\x01\x07\0\0\0\0\0\0\0\x2c\x01\0\0\0\0\0\0";
const ANSWER: &[u8] = b"\x01\x02\x01\0\0\0\0\0\0\0\x2c\x01\0\0\0\0\0\0";
const ELSEWHERE: &[u8] = b"\x01\x03\x01\0\0\0\0\0\0\0\x01";

fn frames(frames: &[&[u8]]) -> Vec<Vec<u8>> {
    frames.iter().map(|frame| frame.to_vec()).collect()
}

#[test]
fn a_broker_s_envelopes_have_fixed_bytes() {
    let dispatch = Dispatch { ticket: 1, incarnation: 2, counter: 3, seen: 4, deadline_ms: 5000 };
    let envelope = ToServidor::Dispatch { dispatch, payload: b"payload".to_vec() };
    assert_eq!(envelope.encode(), frames(&[DISPATCH, b"payload"]));
    assert_eq!(ToServidor::Welcome { incarnation: 7 }.encode(), frames(&[WELCOME]));
}

#[test]
fn a_servidor_s_envelopes_have_fixed_bytes() {
    let beacon = Beacon { state: State::Draining, incarnation: 7, index: 300, name: "servidor-1".to_owned() };
    assert_eq!(ToBroker::Beacon(beacon).encode(), frames(&[BEACON, b"servidor-1"]));
    let answer = ToBroker::Answer { ticket: 1, index: 300, payload: b"payload".to_vec() };
    assert_eq!(answer.encode(), frames(&[ANSWER, b"payload"]));
    let elsewhere = ToBroker::Elsewhere { ticket: 1, ordered: Ordered::Unknown };
    assert_eq!(elsewhere.encode(), frames(&[ELSEWHERE]));
}

#[test]
fn an_envelope_follows_the_identity_that_a_router_sends_to() {
    let mut sent = frames(&[b"peer"]);
    ToServidor::Welcome { incarnation: 7 }.append_to(&mut sent);
    assert_eq!(sent, frames(&[b"peer", WELCOME]));
}

#[test]
fn fields_that_a_later_release_adds_at_the_end_are_passed_over() {
    let longer = [WELCOME, b"more"].concat();
    assert_eq!(ToServidor::decode(frames(&[&longer])), Ok(ToServidor::Welcome { incarnation: 7 }));
}

#[test]
fn what_is_no_envelope_is_told_apart() {
    let to_servidor = |parts: &[&[u8]]| ToServidor::decode(frames(parts)).expect_err("no envelope");
    assert_eq!(to_servidor(&[]), BadEnvelope::Frames { expected: 1, got: 0 });
    assert_eq!(to_servidor(&[DISPATCH]), BadEnvelope::Frames { expected: 2, got: 1 });
    assert_eq!(to_servidor(&[DISPATCH, b"", b""]), BadEnvelope::Frames { expected: 2, got: 3 });
    assert_eq!(to_servidor(&[WELCOME, b""]), BadEnvelope::Frames { expected: 1, got: 2 });
    assert_eq!(to_servidor(&[b""]), BadEnvelope::Short(0));
    assert_eq!(to_servidor(&[&DISPATCH[..37], b""]), BadEnvelope::Short(37));
    assert_eq!(to_servidor(&[b"\x02\x01"]), BadEnvelope::Version(2));
    assert_eq!(to_servidor(&[b"\x01\x63"]), BadEnvelope::Kind(99));

    let to_broker = |parts: &[&[u8]]| ToBroker::decode(frames(parts)).expect_err("no envelope");
    let state = [b"\x01\x01\x09", &BEACON[3..]].concat();
    assert_eq!(to_broker(&[&state, b"servidor-1"]), BadEnvelope::Field("state"));
    assert_eq!(to_broker(&[BEACON, b""]), BadEnvelope::Field("name"));
    assert_eq!(to_broker(&[BEACON, b"\xff"]), BadEnvelope::Field("name"));
    assert_eq!(to_broker(&[BEACON, &[b'a'; 65]]), BadEnvelope::Field("name"));
    let ordered = [&ELSEWHERE[..10], b"\x02"].concat();
    assert_eq!(to_broker(&[&ordered]), BadEnvelope::Field("ordered"));
}

const TIME: WallTime = WallTime::from_nanos(1_762_204_447_123_456_000);
const TAIL: &[u8] = b"\xa9timestamp\xbb2025-11-03T21:14:07.123456Z\xa5clock\x09";

#[test]
fn an_old_servidor_asks_the_referencia() {
    let bytes = b"\x82\xa7service\xa4rank\xa4data\x84\xa4user\xaaservidor-1\
        \xabp2p_address\xafservidor-1:5570\xa9timestamp\xba2025-11-03T21:14:07.123456\xa5clock\x09";
    let rank = referencia::Request::Rank {
        user: "servidor-1".to_owned(),
        p2p_address: "servidor-1:5570".to_owned(),
        rank: None,
    };
    assert_eq!(referencia::Request::decode(bytes), Ok((rank, Lamport::new(9))));
    let bytes = b"\x82\xa7service\xa9heartbeat\xa4data\x81\xa4user\xaaservidor-1";
    let heartbeat = referencia::Request::Heartbeat { user: "servidor-1".to_owned() };
    assert_eq!(referencia::Request::decode(bytes), Ok((heartbeat, Lamport::new(0))));
    let bytes = b"\x81\xa7service\xa4list";
    assert_eq!(referencia::Request::decode(bytes), Ok((referencia::Request::List, Lamport::new(0))));
}

#[test]
fn the_referencia_answers_an_old_servidor() {
    let encode = |reply: referencia::Reply| reply.encode(TIME, Lamport::new(9));
    let expected = [&b"\x82\xa7service\xa4rank\xa4data\x83\xa4rank\x02"[..], TAIL].concat();
    assert_eq!(encode(referencia::Reply::Rank(2)), expected);
    let expected = [&b"\x82\xa7service\xa9heartbeat\xa4data\x83\xa6status\xa2OK"[..], TAIL].concat();
    assert_eq!(encode(referencia::Reply::Heartbeat), expected);
    let listed =
        referencia::Listed { name: "servidor-1".to_owned(), rank: 1, address: "servidor-1:5570".to_owned() };
    let head = b"\x82\xa7service\xa4list\xa4data\x83\xa4list\x91\x83\
        \xa4name\xaaservidor-1\xa4rank\x01\xa7address\xafservidor-1:5570";
    assert_eq!(encode(referencia::Reply::List(vec![listed])), [&head[..], TAIL].concat());
}

#[test]
fn the_referencia_refuses_in_words_what_it_cannot_use() {
    for (bytes, reason) in [
        (&b"\xc1"[..], "not_msgpack"),
        (b"\x90", "not_a_map"),
        (b"\x81\xa7service\xa4fool", "unknown_service"),
        (b"\x81\xa7service\xa4rank", "field"),
        (b"\x82\xa7service\xa9heartbeat\xa4data\x81\xa4user\xa0", "field"),
        (b"\x82\xa7service\xa9heartbeat\xa4data\x81\xa4user\xa3a\nb", "field"),
        (b"\x82\xa7service\xa9heartbeat\xa4data\x05", "field"),
    ] {
        let bad = referencia::Request::decode(bytes).expect_err("no request");
        assert_eq!(bad.reason(), reason, "{bytes:x?}");
        let (refusal, _) =
            referencia::Reply::decode(&bad.encode_refusal(TIME, Lamport::new(9))).expect("a reply");
        let expected = referencia::Reply::Refused {
            service: "erro".to_owned(),
            unknown_servidor: false,
            description: bad.description(),
        };
        assert_eq!(refusal, expected);
    }
}

#[test]
fn old_servidores_elect_and_set_their_clocks() {
    let bytes = b"\x82\xa7service\xa8election\xa4data\x83\xa4rank\x02\
        \xa9timestamp\xba2025-11-03T21:14:07.123456\xa5clock\x09";
    assert_eq!(peer::Request::decode(bytes), Ok((peer::Request::Election { rank: 2 }, Lamport::new(9))));
    assert_eq!(
        peer::Request::decode(b"\x81\xa7service\xa5clock"),
        Ok((peer::Request::Clock, Lamport::new(0)))
    );

    let expected = [&b"\x82\xa7service\xa8election\xa4data\x83\xa8election\xa2OK"[..], TAIL].concat();
    assert_eq!(peer::Reply::Election.encode(TIME, Lamport::new(9)), expected);
    let time = b"\xa4time\xcf\x18\x74\x98\x1c\x2f\x76\x82\x00";
    let clock = peer::Reply::Clock { time: TIME }.encode(TIME, Lamport::new(9));
    let nanos = TIME.as_nanos().to_be_bytes();
    let expected = [&b"\x82\xa7service\xa5clock\xa4data\x83"[..], &time[..6], &nanos, TAIL].concat();
    assert_eq!(clock, expected);
}

#[test]
fn the_maps_are_told_from_frames_that_begin_with_a_version() {
    assert!(peer::is_map(b"\x82\xa7service"));
    assert!(peer::is_map(b"\xde\x00\x02"));
    assert!(!peer::is_map(b"\x01\x01"));
    assert!(!peer::is_map(b""));
}
