//! What is wrong with a request is told, in the name of the service that it asked for.

use papo_wire::Service;
use papo_wire::limits::REQUEST_BYTES;
use papo_wire::reply::{Failure, Reason};
use papo_wire::request::{BadRequest, Request};
use rmpv::Value;

fn bad(bytes: &[u8]) -> BadRequest {
    Request::decode(bytes).expect_err("nothing that can be carried out")
}

fn ask(service: &str, data: Vec<(&str, Value)>) -> Vec<u8> {
    let data = data.into_iter().map(|(key, value)| (Value::from(key), value)).collect();
    let map = Value::Map(vec![("service".into(), service.into()), ("data".into(), Value::Map(data))]);
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &map).expect("a Vec takes everything");
    bytes
}

#[test]
fn what_is_no_request_at_all_is_answered_by_nobody() {
    let service = [&b"\x82\xa7service\xa5login\xa4data\xda\xff\xff"[..], &[b'a'; REQUEST_BYTES]].concat();
    for (bytes, reason) in [
        (&b""[..], "not_msgpack"),
        (b"\xc1", "not_msgpack"),
        (b"GET / HTTP/1.1\r\n", "not_msgpack"),
        (b"{\"service\": \"login\"}", "not_msgpack"),
        (b"\x80\x80", "not_msgpack"),
        (b"\xc0", "not_a_map"),
        (b"\x91\x80", "not_a_map"),
        (b"\x80", "missing_field"),
        (b"\x81\xa7service\x05", "wrong_type"),
        (b"\x81\xa7service\xa3wha", "unknown_service"),
        (b"\x81\xa7service\xa0", "unknown_service"),
        (&[0x91; 100], "too_deep"),
        (&[&b"\xdc\x10\x00"[..], &[0; 4096]].concat(), "too_many_items"),
        (&service, "too_large"),
    ] {
        let bad = bad(bytes);
        assert_eq!((bad.service, bad.reason()), (None, reason), "{:x?}", &bytes[..bytes.len().min(20)]);
    }
}

#[test]
fn a_field_that_cannot_be_used_is_named() {
    let ana = || ("user", Value::from("ana"));
    let geral = || ("channel", Value::from("geral"));
    let oi = || ("message", Value::from("oi"));
    let invalid = || Value::Binary(vec![0xff, 0xfe]);
    for (service, data, reason, description) in [
        ("login", vec![], "missing_field", "Falta o campo `user`."),
        ("login", vec![("user", Value::Nil)], "missing_field", "Falta o campo `user`."),
        ("login", vec![("user", 5.into())], "wrong_type", "O campo `user` é de um tipo errado."),
        ("login", vec![("user", invalid())], "not_utf8", "O campo `user` não é UTF-8."),
        ("login", vec![("user", "".into())], "name_empty", "O nome do usuário está vazio."),
        (
            "channel",
            vec![("channel", "a:b".into())],
            "name_colon",
            "O nome do canal não pode ter dois-pontos.",
        ),
        ("publish", vec![ana(), geral()], "missing_field", "Falta o campo `message`."),
        ("publish", vec![ana(), oi()], "missing_field", "Falta o campo `channel`."),
        ("publish", vec![ana(), geral(), ("message", "".into())], "message_empty", "A mensagem está vazia."),
        (
            "publish",
            vec![ana(), geral(), ("message", "x".repeat(8193).into())],
            "message_too_long",
            "A mensagem é longa demais: o máximo é 8192 bytes.",
        ),
        ("message", vec![("src", "ana".into()), oi()], "missing_field", "Falta o campo `dst`."),
        ("history", vec![], "missing_field", "Falta o campo `channel`."),
        ("history", vec![("with", "bob".into())], "missing_field", "Falta o campo `user`."),
        (
            "history",
            vec![geral(), ("before", "x".into())],
            "wrong_type",
            "O campo `before` é de um tipo errado.",
        ),
        (
            "history",
            vec![geral(), ("after", (-1).into())],
            "out_of_range",
            "O campo `after` está fora do intervalo.",
        ),
        ("sync", vec![ana()], "missing_field", "Falta o campo `since`."),
        ("users", vec![("seen", (-5).into())], "out_of_range", "O campo `seen` está fora do intervalo."),
        ("users", vec![("seen", 1.5.into())], "out_of_range", "O campo `seen` está fora do intervalo."),
        ("import", vec![("record", Value::Map(vec![]))], "missing_field", "Falta o campo `request_id`."),
        ("import", vec![("request_id", "1".into())], "missing_field", "Falta o campo `record`."),
        (
            "login",
            vec![ana(), ("request_id", "".into())],
            "request_id",
            "O `request_id` deve ter de 1 a 64 bytes, sem caracteres de controle.",
        ),
        (
            "login",
            vec![ana(), ("request_id", 7.into())],
            "wrong_type",
            "O campo `request_id` é de um tipo errado.",
        ),
        ("login", vec![ana(), ("session", "x".repeat(1025).into())], "session", "A sessão é longa demais."),
    ] {
        let bad = bad(&ask(service, data));
        assert_eq!(bad.service.map(Service::as_str), Some(service));
        assert_eq!((bad.reason(), &*bad.description()), (reason, description), "{service}");
    }
}

#[test]
fn data_that_is_no_map_is_refused_in_the_name_of_the_service() {
    let bad = bad(b"\x82\xa7service\xa5login\xa4data\x93\x01\x02\x03");
    assert_eq!((bad.service, bad.reason()), (Some(Service::Login), "wrong_type"));
}

#[test]
fn a_bad_request_becomes_a_failure_with_its_own_words() {
    let failure = Failure::from(&bad(&ask("login", vec![])));
    assert_eq!((failure.service, failure.reason), (Some(Service::Login), Reason::BadRequest));
    assert_eq!(failure.description, "Falta o campo `user`.");
    let failure = Failure::from(&bad(&ask("dance", vec![])));
    assert_eq!((failure.service, failure.reason), (None, Reason::UnknownService));
    assert_eq!(failure.description, "Serviço não encontrado");
    let failure = Failure::from(&BadRequest::frames());
    assert_eq!((failure.service, failure.reason), (None, Reason::BadRequest));
}

#[test]
fn limits_of_pages_are_held_within_bounds_rather_than_refused() {
    use papo_wire::request::Body;
    for (asked, given) in [(None, 50), (Some(0), 1), (Some(7), 7), (Some(200), 200), (Some(u64::MAX), 200)] {
        let mut data = vec![("after", Value::from(3))];
        data.extend(asked.map(|limit| ("limit", limit.into())));
        let request = Request::decode(&ask("export", data)).expect("a request");
        assert_eq!(request.body, Body::Export { after: 3, limit: given });
    }
}
