//! What the clients that exist already are sent, byte for byte.

use papo_core::chat::{Delivery, Refusal, Said, To};
use papo_core::clock::{Lamport, WallTime};
use papo_wire::Service;
use papo_wire::publication::{Announcement, Publication, Tip};
use papo_wire::reply::{Answer, Failure, Reason, Reply, Role, Status};

/// 2025-11-03T21:14:07.123456Z.
const TIME: WallTime = WallTime::from_nanos(1_762_204_447_123_456_000);
const TIMESTAMP: &[u8] = b"\xa9timestamp\xbb2025-11-03T21:14:07.123456Z";

fn encode(answer: Result<Answer, Failure>) -> Vec<u8> {
    Reply { time: TIME, clock: Lamport::new(9), index: 300, answer }.encode()
}

fn refused(service: Service, refusal: Refusal) -> Result<Answer, Failure> {
    Err(Failure::refused(service, refusal))
}

/// A reply: the service, the number of its own entries, their bytes; then what every reply ends with.
fn reply(service: &[u8], entries: u8, bytes: &[u8]) -> Vec<u8> {
    let tail = [b"\xa5index\xcd\x01\x2c", TIMESTAMP, b"\xa5clock\x09"].concat();
    [b"\x82\xa7service", service, b"\xa4data", &[0x83 + entries], bytes, &tail].concat()
}

#[test]
fn a_login_succeeds_with_a_session() {
    let answer = Answer::Login { user: "ana".to_owned(), session: "s3".to_owned() };
    let expected = reply(b"\xa5login", 3, b"\xa6status\xa7sucesso\xa4user\xa3ana\xa7session\xa2s3");
    assert_eq!(encode(Ok(answer)), expected);
}

#[test]
fn a_channel_is_created() {
    assert_eq!(encode(Ok(Answer::Channel)), reply(b"\xa7channel", 1, b"\xa6status\xa7sucesso"));
}

#[test]
fn lists_are_under_their_own_name() {
    let names = vec!["ana".to_owned(), "joão".to_owned()];
    let expected = reply(b"\xa5users", 1, b"\xa5users\x92\xa3ana\xa5jo\xc3\xa3o");
    assert_eq!(encode(Ok(Answer::Users(names))), expected);
    assert_eq!(encode(Ok(Answer::Channels(vec![]))), reply(b"\xa8channels", 1, b"\xa8channels\x90"));
}

#[test]
fn messages_are_acknowledged_in_the_old_words() {
    let expected = reply(b"\xa7publish", 2, b"\xa6status\xa2OK\xa7message\xb3Mensagem publicada.");
    assert_eq!(encode(Ok(Answer::Publish)), expected);
    let expected = reply(b"\xa7message", 2, b"\xa6status\xa2OK\xa7message\xb9Mensagem privada enviada.");
    assert_eq!(encode(Ok(Answer::Message)), expected);
}

#[test]
fn a_failure_says_why_under_both_keys() {
    let text = "Usuário já existe".as_bytes();
    let text = [&[0xa0 + text.len() as u8], text].concat();
    let bytes = [
        b"\xa6status\xa4erro\xabdescription",
        &text[..],
        b"\xa7message",
        &text,
        b"\xa6reason\xabuser_exists",
    ]
    .concat();
    assert_eq!(encode(refused(Service::Login, Refusal::UserExists)), reply(b"\xa5login", 4, &bytes));
}

#[test]
fn the_words_of_old_failures_are_fixed() {
    for (service, refusal, words) in [
        (Service::Login, Refusal::UserExists, "Usuário já existe"),
        (Service::Channel, Refusal::ChannelExists, "Canal já existe"),
        (Service::Publish, Refusal::NoSuchChannel, "Canal não existe."),
        (Service::Message, Refusal::NoSuchUser, "Usuário de destino não existe."),
    ] {
        assert_eq!(Failure::refused(service, refusal).description, words);
    }
    let unknown = Failure::new(None, Reason::UnknownService);
    assert_eq!(unknown.description, "Serviço não encontrado");
    let bytes = encode(Err(unknown));
    assert!(bytes.starts_with(b"\x82\xa7service\xa4erro\xa4data\x87\xa6status\xa4erro\xabdescription"));
}

#[test]
fn an_unknown_outcome_is_marked() {
    let bytes = encode(Err(Failure::new(Service::Publish, Reason::Unknown)));
    assert!(bytes.windows(16).any(|window| window == b"\xa7outcome\xa7unknown"));
    let bytes = encode(Err(Failure::new(Service::Publish, Reason::NotOrdered)));
    assert!(!bytes.windows(8).any(|window| window == b"\xa7outcome"));
}

#[test]
fn a_status_is_one_flat_map() {
    let status = Status { name: "servidor-1".to_owned(), role: Role::Coordinator, ..Status::default() };
    let bytes = encode(Ok(Answer::Status(Box::new(status))));
    let map = rmpv::decode::read_value(&mut &bytes[..]).expect("MessagePack");
    let data = &map["data"];
    assert_eq!((map["service"].as_str(), data["status"].as_str()), (Some("status"), Some("OK")));
    assert_eq!((data["name"].as_str(), data["role"].as_str()), (Some("servidor-1"), Some("coordinator")));
    assert_eq!((data["index"].as_u64(), data["clock"].as_u64()), (Some(300), Some(9)));
}

#[test]
fn a_reply_of_the_old_system_is_read_too() {
    let bytes = b"\x82\xa7service\xa5login\xa4data\x83\xa6status\xa7sucesso\
        \xa9timestamp\xba2025-11-03T21:14:07.123456\xa5clock\x02";
    let answer = Ok(Answer::Login { user: String::new(), session: String::new() });
    assert_eq!(Reply::decode(bytes), Ok(Reply { time: TIME, clock: Lamport::new(2), index: 0, answer }));

    let bytes = b"\x82\xa7service\xa7publish\xa4data\x82\xa6status\xa4erro\xa7message\xa4nope";
    let reply = Reply::decode(bytes).expect("a reply");
    assert_eq!(reply.answer, Err(Failure::explained(Service::Publish, Reason::Other, "nope")));
}

fn said(to: To) -> Said {
    Said {
        index: 300,
        time: TIME,
        clock: Lamport::new(9),
        from: "ana".to_owned(),
        to,
        message: "oi".to_owned(),
        request_id: None,
    }
}

#[test]
fn what_is_said_in_a_channel_appears_on_its_name() {
    let said = said(To::Channel("geral".to_owned()));
    let (topic, payload) = Publication::Said(Delivery { said, previous: 7 }).encode();
    assert_eq!(topic, b"geral");
    let expected = [
        b"\x86\xa4user\xa3ana\xa7message\xa2oi",
        TIMESTAMP,
        b"\xa5clock\x09\xa5index\xcd\x01\x2c\xa8previous\x07",
    ];
    assert_eq!(payload, expected.concat());
}

#[test]
fn what_is_said_in_private_appears_on_the_topic_of_whom_it_is_for() {
    let said = Said { request_id: Some("r1".to_owned()), ..said(To::User("bob".to_owned())) };
    let (topic, payload) = Publication::Said(Delivery { said, previous: 0 }).encode();
    assert_eq!(topic, b"user:bob");
    let expected = [
        b"\x87\xa3src\xa3ana\xa7message\xa2oi",
        TIMESTAMP,
        b"\xa5clock\x09\xa5index\xcd\x01\x2c\xa8previous\x00\xaarequest_id\xa2r1",
    ];
    assert_eq!(payload, expected.concat());
}

#[test]
fn a_tip_has_a_topic_of_its_own() {
    let of = To::User("bob".to_owned());
    let (topic, payload) =
        Publication::Tip(Tip { of, index: 300, time: TIME, clock: Lamport::new(9) }).encode();
    assert_eq!(topic, b"tip:user:bob");
    let expected = [&b"\x84\xa5index\xcd\x01\x2c\xa8previous\x00"[..], TIMESTAMP, b"\xa5clock\x09"];
    assert_eq!(payload, expected.concat());
}

#[test]
fn a_coordinator_is_announced_to_all() {
    let announcement =
        Announcement { coordinator: "servidor-3".to_owned(), epoch: 4, time: TIME, clock: Lamport::new(9) };
    let (topic, payload) = Publication::Coordinator(announcement).encode();
    assert_eq!(topic, b"servers");
    let head = b"\x82\xa7service\xa8election\xa4data\x84\xabcoordinator\xaaservidor-3\xa5epoch\x04";
    assert_eq!(payload, [&head[..], TIMESTAMP, b"\xa5clock\x09"].concat());
}

#[test]
fn a_publication_of_the_old_system_is_read_too() {
    let payload =
        b"\x84\xa4user\xa3ana\xa7message\xa2oi\xa9timestamp\xba2025-11-03T21:14:07.123456\xa5clock\x09";
    let said = Said { index: 0, ..said(To::Channel("geral".to_owned())) };
    assert_eq!(Publication::decode(b"geral", payload), Ok(Publication::Said(Delivery { said, previous: 0 })));
}
