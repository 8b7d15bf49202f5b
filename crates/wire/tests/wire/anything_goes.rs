//! Whatever bytes arrive, something is made of them: a value, or a reason why not. Never a panic.

use papo_wire::envelope::{ToBroker, ToServidor};
use papo_wire::limits::{Exceeded, Limits, check};
use papo_wire::publication::Publication;
use papo_wire::reply::{Failure, Reply};
use papo_wire::request::{Request, service_of};
use papo_wire::stamp::Stamp;
use papo_wire::{Malformed, admin, peer, referencia};
use proptest::collection::vec;
use proptest::prelude::*;
use rmpv::Value;

use crate::values;

fn everybody_survives(bytes: &[u8]) {
    if let Err(bad) = Request::decode(bytes) {
        assert!(!bad.reason().is_empty() && !Failure::from(&bad).description.is_empty());
    }
    let _ = service_of(bytes);
    let _ = Reply::decode(bytes);
    for topic in [&b"geral"[..], b"user:ana", b"tip:geral", b"servers"] {
        let _ = Publication::decode(topic, bytes);
    }
    let _ = referencia::Request::decode(bytes);
    let _ = referencia::Reply::decode(bytes);
    let _ = peer::Request::decode(bytes);
    let _ = peer::Reply::decode(bytes);
    if let Err(bad) = admin::Request::decode(bytes) {
        assert!(!bad.reason().is_empty() && !bad.description().is_empty());
    }
    let _ = admin::Reply::decode(bytes);
    let _ = Stamp::decode(bytes);
    let _ = Publication::decode(bytes, bytes);
    for frames in [vec![bytes.to_vec()], vec![bytes.to_vec(); 2]] {
        let _ = ToServidor::decode(frames.clone());
        let _ = ToBroker::decode(frames);
    }
}

/// MessagePack values of any kind, whose maps often have keys that mean something.
fn value() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        3 => prop::sample::select(vec![
            "service", "data", "user", "channel", "message", "src", "dst", "status", "messages", "entries", "kind",
            "index", "clock", "timestamp", "upto", "users", "more", "record", "request_id", "list", "rank", "name",
            "reason", "seats", "role", "counts", "wanted", "disk",
        ]).prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
    ];
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "login", "publish", "history", "sync", "export", "import", "status", "erro", "OK", "members",
            "admit", "dismiss"
        ])
        .prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        vec(any::<u8>(), 0..300).prop_map(Value::Binary),
        (any::<i8>(), vec(any::<u8>(), 0..20)).prop_map(|(kind, data)| Value::Ext(kind, data)),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::Array),
            vec((key.clone(), inner), 0..20).prop_map(Value::Map),
        ]
    })
}

fn pack(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).expect("a Vec takes everything");
    bytes
}

proptest! {
    #![proptest_config(papo_fuzz::cases(1000))]

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..200)) {
        everybody_survives(&bytes);
    }

    #[test]
    fn random_values(value in value()) {
        let bytes = pack(&value);
        everybody_survives(&bytes);
        let generous = Limits { bytes: usize::MAX, items: usize::MAX, depth: 8 };
        prop_assert_eq!(check(&bytes, &generous), Ok(()));
    }

    #[test]
    fn data_of_a_known_service_with_random_values(service in 0..13_usize, data in value()) {
        let service = papo_wire::Service::ALL[service].as_str();
        let data = match data {
            Value::Map(_) => data,
            other => Value::Map(vec![("user".into(), other.clone()), ("entries".into(), other)]),
        };
        everybody_survives(&pack(&Value::Map(vec![("service".into(), service.into()), ("data".into(), data)])));
    }

    #[test]
    fn questions_about_members_with_random_values(service in 0..3_usize, data in value()) {
        let service = ["members", "admit", "dismiss"][service];
        let data = match data {
            Value::Map(_) => data,
            other => Value::Map(vec![("name".into(), other.clone()), ("seats".into(), other)]),
        };
        everybody_survives(&pack(&Value::Map(vec![("service".into(), service.into()), ("data".into(), data)])));
    }

    #[test]
    fn a_request_with_a_byte_changed(request in values::request(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = request.encode();
        let at = at.index(bytes.len());
        bytes[at] = to;
        everybody_survives(&bytes);
    }

    #[test]
    fn a_request_cut_off_anywhere_is_refused(request in values::request(), at in any::<prop::sample::Index>()) {
        let bytes = request.encode();
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert!(Request::decode(cut).is_err());
        everybody_survives(cut);
    }

    #[test]
    fn the_walk_takes_what_another_library_takes(bytes in vec(any::<u8>(), 0..40)) {
        let mut rest = &bytes[..];
        let theirs = rmpv::decode::read_value(&mut rest).is_ok() && rest.is_empty();
        match check(&bytes, &Limits::REQUEST) {
            Ok(()) => prop_assert!(theirs),
            Err(Exceeded::Malformed(Malformed::Reserved)) => prop_assert!(bytes.contains(&0xc1), "they read nil"),
            Err(Exceeded::Malformed(_)) => prop_assert!(!theirs),
            Err(_) => {}
        }
    }
}
