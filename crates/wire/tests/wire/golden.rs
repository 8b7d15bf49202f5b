//! What this release says on the wire, byte for byte: clients, brokers and servidores of other releases hear it.

use std::path::Path;

use papo_core::chat::{Delivery, Said, To};
use papo_core::clock::{Lamport, WallTime};
use papo_fuzz::Sample;
use papo_wire::envelope::{Beacon, Dispatch, Ordered, State, ToBroker, ToServidor};
use papo_wire::publication::{Announcement, Publication, Tip};
use papo_wire::reply::{
    Answer, Event, ExportPage, Failure, HistoryPage, MemberStatus, Message, PeerStatus, Reason, Record,
    Reply, Role, Status, SyncPage,
};
use papo_wire::request::{Body, Conversation, Import, Imported, Page, Request};
use papo_wire::stamp::Stamp;
use papo_wire::{Service, admin, names, peer, referencia};

const TIME: WallTime = WallTime::from_nanos(1_762_204_447_123_456_000);
const CLOCK: Lamport = Lamport::new(41);

/// Holds the file of that name against `values`, encoded by `encode`, and has every sample decoded by `decode`; to the same, where it is
/// encoded so today.
fn agree<T: PartialEq + std::fmt::Debug>(
    file: &str,
    values: &[(String, T)],
    encode: impl Fn(&T) -> Vec<u8>,
    decode: impl Fn(&[u8]) -> T,
) {
    let encoded: Vec<_> = values.iter().map(|(name, value)| (name.clone(), encode(value))).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
    for Sample { name, bytes, today } in papo_fuzz::golden(&path, &encoded) {
        let (read, (_, value)) = (decode(&bytes), values.iter().find(|(of, _)| *of == name).expect(&name));
        assert!(!today || read == *value, "{name} is read as {read:?}");
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn said(to: To) -> Said {
    Said {
        index: 70_000,
        time: TIME,
        clock: CLOCK,
        from: text("Ana"),
        to,
        message: text("olá\n☕"),
        request_id: Some(text("pedido-1")),
    }
}

fn to_channel() -> Said {
    said(To::Channel(text("geral")))
}

fn to_user() -> Said {
    Said { request_id: None, ..said(To::User(text("bia"))) }
}

fn asked() -> Vec<(String, Request)> {
    let name = |text| names::parse(text).expect("it is a name");
    let import = |what| Body::Import(Import { time: TIME, clock: CLOCK, what });
    let geral = || Conversation::Channel(text("geral"));
    let private = Conversation::Private { user: text("Ana"), with: text("bia") };
    let bodies = [
        ("login", Body::Login { user: name("Ana") }),
        ("channel", Body::Channel { channel: name("geral"), user: None }),
        ("channel-by", Body::Channel { channel: name("geral"), user: Some(text("Ana")) }),
        ("users", Body::Users),
        ("channels", Body::Channels),
        ("publish", Body::Publish { user: text("Ana"), channel: text("geral"), message: text("olá\n☕") }),
        ("message", Body::Message { src: text("Ana"), dst: text("bia"), message: text("só para ti") }),
        ("join", Body::Join { user: text("Ana"), channel: text("geral") }),
        ("leave", Body::Leave { user: text("Ana"), channel: text("geral") }),
        ("history", Body::History { conversation: geral(), page: Page::Newest, limit: 50 }),
        ("history-after", Body::History { conversation: geral(), page: Page::After(7), limit: 1 }),
        ("history-before", Body::History { conversation: private, page: Page::Before(9), limit: 200 }),
        (
            "history-between",
            Body::History { conversation: geral(), page: Page::Between { after: 1, before: 9 }, limit: 200 },
        ),
        ("sync", Body::Sync { user: text("Ana"), since: 12, limit: 200 }),
        ("status", Body::Status),
        ("export", Body::Export { after: 0, limit: 200 }),
        ("import-user", import(Imported::User { user: name("Ana") })),
        ("import-channel", import(Imported::Channel { channel: name("geral") })),
        (
            "import-publish",
            import(Imported::Publish { user: text("Ana"), channel: text("geral"), message: text("olá") }),
        ),
        (
            "import-message",
            import(Imported::Message { src: text("Ana"), dst: text("bia"), message: text("olá") }),
        ),
    ];
    let request = |(name, body): (&str, Body)| {
        let full = Request {
            request_id: Some(text("pedido-1")),
            seen: 69_999,
            clock: CLOCK,
            timestamp: Some(TIME),
            session: Some(text("v1.3.abc")),
            body,
        };
        (text(name), full)
    };
    bodies.into_iter().map(request).collect()
}

#[allow(clippy::needless_update, reason = "a status grows, and what is not told is a default")]
fn status() -> Status {
    Status {
        name: text("servidor-1"),
        rank: 3,
        disk: text("000000000000d15c"),
        cluster: text("000000000000feed"),
        role: Role::Coordinator,
        epoch: 4,
        coordinator: text("servidor-1"),
        coordinator_since: text("2025-11-03T21:14:07.123456Z"),
        members: vec![MemberStatus { name: text("servidor-1"), rank: 3, disk: text("000000000000d15c") }],
        wanted: vec![text("servidor-1"), text("servidor-4")],
        peers: vec![PeerStatus {
            name: text("servidor-2"),
            alive: true,
            index: 69_999,
            address: text("servidor-2:5570"),
        }],
        last: 70_001,
        commit: 70_000,
        applied: 70_000,
        digest: text("00ff"),
        clock_offset_ns: -17,
        clock_bound_ns: 250_000,
        disk_bytes: 1 << 20,
        disk_free_bytes: 1 << 33,
        uptime_ms: 3_600_000,
        version: text("0.1.0"),
        ..Status::default()
    }
}

fn events() -> Vec<Event> {
    vec![
        Event::User { user: text("Ana") },
        Event::Channel { channel: text("geral") },
        Event::Publish { user: text("Ana"), channel: text("geral"), message: text("olá") },
        Event::Message { src: text("Ana"), dst: text("bia"), message: text("olá") },
        Event::Join { user: text("Ana"), channel: text("geral") },
        Event::Leave { user: text("Ana"), channel: text("geral") },
    ]
}

fn told() -> Vec<(String, Reply)> {
    let messages = || {
        vec![Message { said: to_channel(), previous: Some(3) }, Message { said: to_user(), previous: None }]
    };
    let record = |(index, event): (u64, Event)| Record {
        index,
        time: TIME,
        clock: CLOCK,
        request_id: (index % 2 == 0).then(|| text("pedido-1")),
        event,
    };
    let entries = (1..).zip(events()).map(record).collect();
    let channels = vec![text("geral"), text("ação")];
    let answers = [
        ("login", Answer::Login { user: text("Ana"), session: text("v1.3.abc") }),
        ("channel", Answer::Channel),
        ("users", Answer::Users(vec![text("Ana"), text("bia")])),
        ("channels", Answer::Channels(channels.clone())),
        ("publish", Answer::Publish),
        ("message", Answer::Message),
        ("join", Answer::Join),
        ("leave", Answer::Leave),
        ("history", Answer::History(HistoryPage { messages: messages(), more: true })),
        ("sync", Answer::Sync(SyncPage { messages: messages(), more: false, upto: 70_000, channels })),
        ("status", Answer::Status(Box::new(status()))),
        ("export", Answer::Export(ExportPage { entries, more: true, upto: 6 })),
        ("import", Answer::Import),
    ];
    let reply = |answer| Reply { time: TIME, clock: CLOCK, index: 70_000, answer };
    let failures = Reason::ALL.map(|reason| {
        (format!("failure-{}", reason.as_str()), reply(Err(Failure::new(Service::Publish, reason))))
    });
    answers.into_iter().map(|(name, answer)| (text(name), reply(Ok(answer)))).chain(failures).collect()
}

fn published() -> Vec<(String, Publication)> {
    let tip = |of| Publication::Tip(Tip { of, index: 70_000, time: TIME, clock: CLOCK });
    let coordinator = Announcement { coordinator: text("servidor-1"), epoch: 4, time: TIME, clock: CLOCK };
    vec![
        (text("publish"), Publication::Said(Delivery { said: to_channel(), previous: 3 })),
        (text("message"), Publication::Said(Delivery { said: to_user(), previous: 0 })),
        (text("tip-of-channel"), tip(To::Channel(text("geral")))),
        (text("tip-of-user"), tip(To::User(text("bia")))),
        (text("servers"), Publication::Coordinator(coordinator)),
    ]
}

/// Frames in one line: the length of each, and then the frame.
fn framed(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.iter().flat_map(|frame| [&(frame.len() as u32).to_be_bytes()[..], frame].concat()).collect()
}

fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        frames.push(frame.to_vec());
        bytes = rest;
    }
    frames
}

#[test]
fn requests_are_as_in_earlier_releases() {
    agree("requests.txt", &asked(), Request::encode, |bytes| Request::decode(bytes).expect("a request"));
}

#[test]
fn replies_are_as_in_earlier_releases() {
    agree("replies.txt", &told(), Reply::encode, |bytes| Reply::decode(bytes).expect("a reply"));
}

#[test]
fn publications_are_as_in_earlier_releases() {
    agree(
        "publications.txt",
        &published(),
        |publication| {
            let (topic, payload) = publication.encode();
            framed(&[topic, payload])
        },
        |bytes| {
            let frames = frames(bytes);
            Publication::decode(&frames[0], &frames[1]).expect("a publication")
        },
    );
}

#[test]
fn envelopes_and_stamps_are_as_in_earlier_releases() {
    let dispatch = Dispatch { ticket: 1, incarnation: u64::MAX, counter: 3, seen: 4, deadline_ms: 5_000 };
    let down = [
        (text("dispatch"), ToServidor::Dispatch { dispatch, payload: b"payload".to_vec() }),
        (text("welcome"), ToServidor::Welcome { incarnation: 7 }),
    ];
    agree(
        "envelopes-to-servidor-1.txt",
        &down,
        |envelope| framed(&envelope.clone().encode()),
        |bytes| ToServidor::decode(frames(bytes)).expect("an envelope"),
    );
    let beacon = |state| {
        ToBroker::Beacon(Beacon { state, incarnation: u64::MAX, index: 70_000, name: text("servidor-1") })
    };
    let up = [
        (text("beacon-serving"), beacon(State::Serving)),
        (text("beacon-draining"), beacon(State::Draining)),
        (text("beacon-withdrawn"), beacon(State::Withdrawn)),
        (text("answer"), ToBroker::Answer { ticket: 1, index: 70_000, payload: b"payload".to_vec() }),
        (text("elsewhere-no"), ToBroker::Elsewhere { ticket: 1, ordered: Ordered::No }),
        (text("elsewhere-unknown"), ToBroker::Elsewhere { ticket: 1, ordered: Ordered::Unknown }),
    ];
    agree(
        "envelopes-to-broker-1.txt",
        &up,
        |envelope| framed(&envelope.clone().encode()),
        |bytes| ToBroker::decode(frames(bytes)).expect("an envelope"),
    );
    let stamps = [
        (text("unordered"), Stamp::Unordered),
        (text("index"), Stamp::Index(70_000)),
        (text("epoch"), Stamp::Epoch(u64::MAX)),
    ];
    agree("stamps-1.txt", &stamps, |stamp| stamp.encode(), |bytes| Stamp::decode(bytes).expect("a stamp"));
}

#[test]
fn the_maps_of_the_referencia_and_of_old_servidores_are_as_in_earlier_releases() {
    let (user, p2p_address) = (text("servidor-1"), text("servidor-1:5570"));
    let asked = [
        (
            text("rank"),
            referencia::Request::Rank { user: user.clone(), p2p_address: p2p_address.clone(), rank: None },
        ),
        (text("rank-again"), referencia::Request::Rank { user: user.clone(), p2p_address, rank: Some(3) }),
        (text("heartbeat"), referencia::Request::Heartbeat { user: user.clone() }),
        (text("list"), referencia::Request::List),
    ];
    agree(
        "referencia-requests.txt",
        &asked,
        |request| request.clone().encode(TIME, CLOCK),
        |bytes| referencia::Request::decode(bytes).expect("a request").0,
    );
    let listed = referencia::Listed { name: user, rank: 3, address: text("servidor-1:5570") };
    let refused = referencia::Reply::Refused {
        service: text("heartbeat"),
        unknown_servidor: true,
        description: text("Servidor desconhecido."),
    };
    let told = [
        (text("rank"), referencia::Reply::Rank(3)),
        (text("heartbeat"), referencia::Reply::Heartbeat),
        (text("list"), referencia::Reply::List(vec![listed])),
        (text("refused"), refused),
    ];
    agree(
        "referencia-replies.txt",
        &told,
        |reply| reply.clone().encode(TIME, CLOCK),
        |bytes| referencia::Reply::decode(bytes).expect("a reply").0,
    );
    let asked =
        [(text("election"), peer::Request::Election { rank: 3 }), (text("clock"), peer::Request::Clock)];
    agree(
        "peer-requests.txt",
        &asked,
        |request| request.encode(TIME, CLOCK),
        |bytes| peer::Request::decode(bytes).expect("a request").0,
    );
    let told = [
        (text("election"), peer::Reply::Election),
        (text("no-election"), peer::Reply::NoElection),
        (text("clock"), peer::Reply::Clock { time: TIME }),
    ];
    agree(
        "peer-replies.txt",
        &told,
        |reply| reply.encode(TIME, CLOCK),
        |bytes| peer::Reply::decode(bytes).expect("a reply").0,
    );
}

#[test]
fn questions_about_members_are_as_in_earlier_releases() {
    let change = |change| admin::Request::Change { request_id: text("pedido-1"), change };
    let asked = [
        (text("members"), admin::Request::Members),
        (text("admit"), change(admin::Change::Admit(text("servidor-4")))),
        (text("dismiss"), change(admin::Change::Dismiss(text("servidor-4")))),
    ];
    agree(
        "admin-requests.txt",
        &asked,
        |request| request.encode(TIME, CLOCK),
        |bytes| admin::Request::decode(bytes).expect("a request").0,
    );
}

#[test]
fn answers_about_members_are_as_in_earlier_releases() {
    let seat = admin::Seat {
        name: text("servidor-4"),
        counts: true,
        wanted: false,
        alive: true,
        rank: 4,
        disk: text("000000000000d15c"),
        index: 70_000,
        address: text("servidor-4:5570"),
    };
    let membership = admin::Membership {
        name: text("servidor-1"),
        role: Role::Coordinator,
        cluster: text("000000000000feed"),
        coordinator: text("servidor-1"),
        epoch: 4,
        rules: 2,
        commit: 70_000,
        applied: 69_999,
        seats: vec![seat],
    };
    let refused =
        admin::Reason::ALL.into_iter().map(|reason| (text(reason.as_str()), admin::Reply::Refused(reason)));
    let told: Vec<_> = [
        (text("members"), admin::Reply::Members(Box::new(membership))),
        (text("agreed"), admin::Reply::Agreed(70_000)),
    ]
    .into_iter()
    .chain(refused)
    .collect();
    agree(
        "admin-replies.txt",
        &told,
        |reply| {
            reply.encode(
                if matches!(reply, admin::Reply::Members(_)) { "members" } else { "admit" },
                TIME,
                CLOCK,
            )
        },
        |bytes| admin::Reply::decode(bytes).expect("a reply"),
    );
}
