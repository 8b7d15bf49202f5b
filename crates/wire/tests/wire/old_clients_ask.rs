//! What the clients that exist already send, byte for byte as their libraries pack it, written from the wire protocol's
//! page with nothing of ours.

use papo_core::clock::{Lamport, WallTime};
use papo_wire::Service;
use papo_wire::request::{Body, Flaw, Request, service_of};

/// 2025-11-03T21:14:07Z.
const SECONDS: i64 = 1_762_204_447;

fn time(nanos: i64) -> Option<WallTime> {
    Some(WallTime::from_nanos(SECONDS * 1_000_000_000 + nanos))
}

#[test]
fn python_logs_in() {
    // msgpack.packb({"service": "login", "data": {"user": "ana", "timestamp": ..., "clock": 1}})
    let bytes = b"\x82\xa7service\xa5login\xa4data\x83\xa4user\xa3ana\
        \xa9timestamp\xba2025-11-03T21:14:07.123456\xa5clock\x01";
    let request = Request::decode(bytes).expect("a request");
    let Body::Login { user } = &request.body else { panic!("{request:?}") };
    assert_eq!((&*user.display, &*user.key), ("ana", "ana"));
    assert_eq!(request.timestamp, time(123_456_000));
    assert_eq!(request.clock, Lamport::new(1));
    assert_eq!((request.request_id, request.seen, request.session), (None, 0, None));
}

#[test]
fn python_without_the_bin_type_sends_text_as_raw() {
    // msgpack.packb(..., use_bin_type=False) packs longer text without the str8 format: raw16.
    let bytes = [
        &b"\x82\xa7service\xa7publish\xa4data\x85\xa4user\xa3ana\xa7channel\xa5geral\xa7message\xda\x00\x28"
            [..],
        &[b'x'; 40],
        b"\xa9timestamp\xba2025-11-03T21:14:07.123456\xa5clock\xcd\x01\x2c",
    ]
    .concat();
    let request = Request::decode(&bytes).expect("a request");
    assert_eq!(
        request.body,
        Body::Publish { user: "ana".to_owned(), channel: "geral".to_owned(), message: "x".repeat(40) }
    );
    assert_eq!(request.clock, Lamport::new(300));
}

#[test]
fn go_publishes_without_a_clock_and_with_its_keys_in_any_order() {
    let bytes = b"\x82\xa4data\x84\xa7message\xa3oi!\xa9timestamp\xb92025-11-03T18:14:07-03:00\
        \xa4user\xa3bob\xa7channel\xa5geral\xa7service\xa7publish";
    let request = Request::decode(bytes).expect("a request");
    let body =
        Body::Publish { user: "bob".to_owned(), channel: "geral".to_owned(), message: "oi!".to_owned() };
    assert_eq!(request.body, body);
    assert_eq!(request.clock, Lamport::new(0));
    assert_eq!(request.timestamp, time(0));
}

#[test]
fn go_may_write_text_as_bytes() {
    let bytes = b"\x82\xc4\x07service\xc4\x07message\xc4\x04data\x83\xc4\x03src\xc4\x03bob\
        \xc4\x03dst\xc4\x03ana\xc4\x07message\xc4\x02oi";
    let body = Body::Message { src: "bob".to_owned(), dst: "ana".to_owned(), message: "oi".to_owned() };
    assert_eq!(Request::decode(bytes).map(|request| request.body), Ok(body));
}

#[test]
fn javascript_creates_a_channel_with_a_clock_that_is_a_float() {
    // encode({service: "channel", data: {channel: "café", timestamp: new Date().toISOString(), clock: 5.0}})
    let bytes = b"\x82\xa7service\xa7channel\xa4data\x83\xa7channel\xa5caf\xc3\xa9\
        \xa9timestamp\xb82025-11-03T21:14:07.123Z\xa5clock\xcb\x40\x14\0\0\0\0\0\0";
    let request = Request::decode(bytes).expect("a request");
    let Body::Channel { channel, user: None } = &request.body else { panic!("{request:?}") };
    assert_eq!(channel.display, "café");
    assert_eq!(request.timestamp, time(123_000_000));
    assert_eq!(request.clock, Lamport::new(5));
}

#[test]
fn lists_are_asked_for_with_and_without_data() {
    for bytes in [
        &b"\x82\xa7service\xa5users\xa4data\x80"[..],
        b"\x82\xa7service\xa5users\xa4data\xc0",
        b"\x81\xa7service\xa5users",
        b"\x82\xa7service\xa5users\xa4data\x82\xa9timestamp\xba2025-11-03T21:14:07.123456\xa5clock\x09",
    ] {
        assert_eq!(Request::decode(bytes).map(|request| request.body), Ok(Body::Users));
        assert_eq!(service_of(bytes), Ok(Service::Users));
    }
    assert_eq!(
        Request::decode(b"\x82\xa7service\xa8channels\xa4data\x80").map(|request| request.body),
        Ok(Body::Channels)
    );
}

#[test]
fn keys_that_nobody_knows_are_ignored_whatever_they_are() {
    let bytes = b"\x84\xa7version\xc3\x05\x06\xa7service\xa5users\xa4data\x84\
        \xa4mood\x93\x01\x81\xa1a\xc0\xa2ok\xc0\xa5stuff\xd6\xff\0\0\0\0\x92\x01\x02\x03\xc2";
    assert_eq!(Request::decode(bytes).map(|request| request.body), Ok(Body::Users));
}

#[test]
fn of_two_equal_keys_the_later_counts_as_in_a_dictionary() {
    let bytes = b"\x82\xa7service\xa5login\xa4data\x82\xa4user\xa3ana\xa4user\xa3bob";
    let Ok(Request { body: Body::Login { user }, .. }) = Request::decode(bytes) else { panic!("no login") };
    assert_eq!(user.display, "bob");
}

#[test]
fn a_clock_that_makes_no_sense_is_one_that_was_not_sent() {
    let head = b"\x82\xa7service\xa5users\xa4data\x81\xa5clock";
    for clock in [
        &b"\xff"[..],
        b"\xd3\x80\0\0\0\0\0\0\0",
        b"\xcf\x80\0\0\0\0\0\0\0",
        b"\xcf\0\x20\0\0\0\0\0\0",
        b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xcb\x7f\xf8\0\0\0\0\0\0",
        b"\xcb\x3f\xf8\0\0\0\0\0\0",
        b"\xa15",
        b"\xc0",
        b"\x90",
    ] {
        let request = Request::decode(&[&head[..], clock].concat()).expect("a request");
        assert_eq!(request.clock, Lamport::new(0), "{clock:x?}");
    }
}

#[test]
fn a_time_that_makes_no_sense_is_one_that_was_not_sent() {
    let head = b"\x82\xa7service\xa5users\xa4data\x81\xa9timestamp";
    for time in [&b"\xb49999-12-31T23:59:59Z"[..], b"\xa3now", b"\xa2\xff\xfe", b"\xd6\xff\0\0\0\0", b"\x05"]
    {
        let request = Request::decode(&[&head[..], time].concat()).expect("a request");
        assert_eq!(request.timestamp, None, "{time:x?}");
    }
}

#[test]
fn an_unknown_service_is_answered_as_it_always_was() {
    let bad = Request::decode(b"\x82\xa7service\xa6delete\xa4data\x80").expect_err("no such service");
    assert_eq!(bad.service, None);
    assert_eq!(bad.flaw, Flaw::UnknownService("delete".to_owned()));
    assert_eq!(bad.description(), "Serviço não encontrado");
}
