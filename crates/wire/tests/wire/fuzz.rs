//! Valid messages that something happened to: they are refused, or mean what they say; and reading them costs no more than a bound.

use papo_core::clock::{Lamport, WallTime};
use papo_fuzz::{bombs, peak_of, spoils, spoilt};
use papo_wire::envelope::{ToBroker, ToServidor};
use papo_wire::limits::REQUEST_BYTES;
use papo_wire::publication::Publication;
use papo_wire::reply::Reply;
use papo_wire::request::{Request, service_of};
use papo_wire::stamp::Stamp;
use papo_wire::topic::Topic;
use papo_wire::{admin, names, peer, referencia, text, timestamp};
use proptest::prelude::*;

use crate::round_trips::{
    admin_reply, admin_request, publication, referencia_reply, referencia_request, reply, to_broker,
    to_servidor,
};
use crate::values::{clock, request, time};

/// What reading a message may hold at a time: so much, and so many bytes for each byte of it. The shortest entry of a map is two
/// bytes, and takes 40 in a list that doubles as it grows.
const HELD: usize = 64 << 10;
const HELD_PER_BYTE: usize = 128;

/// Reads within the bound.
fn held_in_bounds<T>(bytes: usize, read: impl FnOnce() -> T) -> T {
    let (value, held) = peak_of(read);
    assert!(held <= HELD + HELD_PER_BYTE * bytes, "{held} bytes held for {bytes}");
    value
}

/// Everything that reads bytes of somebody else, on the same bytes.
fn everybody_reads_within_bounds(bytes: &[u8]) {
    let length = bytes.len();
    held_in_bounds(length, || service_of(bytes).is_ok());
    held_in_bounds(length, || Request::decode(bytes).is_ok());
    held_in_bounds(length, || Reply::decode(bytes).is_ok());
    for topic in [&b"geral"[..], b"user:ana", b"tip:geral", b"servers"] {
        held_in_bounds(length, || Publication::decode(topic, bytes).is_ok());
    }
    held_in_bounds(length, || referencia::Request::decode(bytes).is_ok());
    held_in_bounds(length, || referencia::Reply::decode(bytes).is_ok());
    held_in_bounds(length, || peer::Request::decode(bytes).is_ok());
    held_in_bounds(length, || peer::Reply::decode(bytes).is_ok());
    held_in_bounds(length, || admin::Request::decode(bytes).is_ok());
    held_in_bounds(length, || admin::Reply::decode(bytes).is_ok());
    held_in_bounds(length, || Stamp::decode(bytes).is_ok());
    held_in_bounds(length, || Topic::parse(bytes));
    held_in_bounds(length, || ToServidor::decode([bytes.to_vec()]).is_ok());
    held_in_bounds(length, || ToBroker::decode([bytes.to_vec()]).is_ok());
}

#[test]
fn small_messages_that_promise_to_be_large_cost_little() {
    let text = |text: &str| [&[0xa0 | text.len() as u8][..], text.as_bytes()].concat();
    for (service, key) in [
        ("login", "user"),
        ("users", "users"),
        ("history", "messages"),
        ("sync", "channels"),
        ("status", "members"),
        ("export", "entries"),
        ("import", "record"),
        ("list", "list"),
        ("members", "seats"),
        ("admit", "name"),
    ] {
        for bomb in bombs(key) {
            everybody_reads_within_bounds(&bomb);
            everybody_reads_within_bounds(
                &[&b"\x82\xa7service"[..], &text(service), b"\xa4data", &bomb].concat(),
            );
        }
    }
}

#[test]
fn messages_full_of_the_smallest_values_stay_within_the_bound() {
    for value in [&b"\xc0"[..], b"\x80", b"\x90", b"\xa0", b"\x81\xa0\xc0", b"\x91\x90"] {
        for count in [1_000_u32, 15_000, 60_000] {
            let list = [&b"\xdd"[..], &count.to_be_bytes(), &value.repeat(count as usize)].concat();
            for (service, key) in [
                ("export", "entries"),
                ("users", "users"),
                ("history", "messages"),
                ("list", "list"),
                ("members", "seats"),
            ] {
                let text = |text: &str| [&[0xa0 | text.len() as u8][..], text.as_bytes()].concat();
                let head = [&b"\x82\xa7service"[..], &text(service), b"\xa4data\x81", &text(key)].concat();
                everybody_reads_within_bounds(&[&head[..], &list].concat());
            }
        }
    }
    let map = [&b"\xdf"[..], &8_000_u32.to_be_bytes(), &b"\xa0\xc0".repeat(8_000)].concat();
    everybody_reads_within_bounds(&map);
}

/// What is said again, word for word, by whoever read it.
fn said_again<T: PartialEq + std::fmt::Debug, E>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, E>,
    encode: impl Fn(&T) -> Vec<u8>,
) -> Result<(), TestCaseError> {
    if let Ok(value) = held_in_bounds(bytes.len(), || decode(bytes)) {
        let again =
            decode(&encode(&value)).map_err(|_| TestCaseError::fail("what was read cannot be written"))?;
        prop_assert_eq!(again, value);
    }
    Ok(())
}

proptest! {
    #![proptest_config(papo_fuzz::cases(400))]

    #[test]
    fn a_spoilt_request_is_refused_or_means_what_it_says(one in request(), other in request(), spoils in spoils()) {
        let bytes = spoilt(&one.encode(), &other.encode(), &spoils);
        everybody_reads_within_bounds(&bytes);
        said_again(&bytes, Request::decode, Request::encode)?;
        if let Ok(request) = Request::decode(&bytes) {
            prop_assert!(bytes.len() <= REQUEST_BYTES);
            prop_assert_eq!(service_of(&bytes), Ok(request.service()));
        }
    }

    #[test]
    fn a_spoilt_reply_is_refused_or_means_what_it_says(one in reply(), other in reply(), spoils in spoils()) {
        let bytes = spoilt(&one.encode(), &other.encode(), &spoils);
        everybody_reads_within_bounds(&bytes);
        said_again(&bytes, Reply::decode, Reply::encode)?;
    }

    #[test]
    fn a_spoilt_publication_is_refused_or_means_what_it_says(
        one in publication(),
        other in publication(),
        in_topic in any::<bool>(),
        spoils in spoils(),
    ) {
        let (mut topic, mut payload) = one.encode();
        let (other_topic, other_payload) = other.encode();
        if in_topic {
            topic = spoilt(&topic, &other_topic, &spoils);
        } else {
            payload = spoilt(&payload, &other_payload, &spoils);
        }
        let read = held_in_bounds(topic.len() + payload.len(), || Publication::decode(&topic, &payload));
        if let Ok(read) = read {
            let (again, payload) = read.encode();
            prop_assert_eq!(&again, &topic);
            prop_assert_eq!(Publication::decode(&again, &payload), Ok(read));
        }
    }

    #[test]
    fn spoilt_maps_of_the_referencia_are_refused_or_mean_what_they_say(
        asked in referencia_request(),
        told in referencia_reply(),
        now in time(),
        clock in clock(),
        spoils in spoils(),
    ) {
        let (asked, told) = (asked.encode(now, clock), told.encode(now, clock));
        for bytes in [spoilt(&asked, &told, &spoils), spoilt(&told, &asked, &spoils)] {
            said_again(&bytes, referencia::Request::decode, |(request, clock)| request.clone().encode(now, *clock))?;
            said_again(&bytes, referencia::Reply::decode, |(reply, clock)| reply.clone().encode(now, *clock))?;
        }
    }

    #[test]
    fn spoilt_maps_of_old_servidores_are_refused_or_mean_what_they_say(
        rank in any::<u64>(),
        agreed in time(),
        now in time(),
        clock in clock(),
        spoils in spoils(),
    ) {
        let asked = peer::Request::Election { rank }.encode(now, clock);
        let told = peer::Reply::Clock { time: agreed }.encode(now, clock);
        for bytes in [spoilt(&asked, &told, &spoils), spoilt(&told, &asked, &spoils)] {
            said_again(&bytes, peer::Request::decode, |(request, clock)| request.encode(now, *clock))?;
            said_again(&bytes, peer::Reply::decode, |(reply, clock)| reply.encode(now, *clock))?;
        }
    }

    #[test]
    fn spoilt_maps_about_members_are_refused_or_mean_what_they_say(
        asked in admin_request(),
        (service, told) in admin_reply(),
        now in time(),
        clock in clock(),
        spoils in spoils(),
    ) {
        let (asked, told) = (asked.encode(now, clock), told.encode(service, now, clock));
        for bytes in [spoilt(&asked, &told, &spoils), spoilt(&told, &asked, &spoils)] {
            said_again(&bytes, admin::Request::decode, |(request, clock)| request.encode(now, *clock))?;
            // Which change was agreed is for the asker to know.
            said_again(&bytes, admin::Reply::decode, |reply| reply.encode("admit", now, clock))?;
        }
    }

    #[test]
    fn spoilt_envelopes_are_refused_or_mean_what_they_say(
        down in to_servidor(),
        up in to_broker(),
        donor in to_broker(),
        frame in 0..2_usize,
        spoils in spoils(),
    ) {
        let donor = donor.encode().concat();
        let spoil = |mut frames: Vec<Vec<u8>>| {
            let at = frame.min(frames.len() - 1);
            frames[at] = spoilt(&frames[at], &donor, &spoils);
            frames
        };
        for frames in [spoil(down.encode()), spoil(up.encode())] {
            let bytes = frames.iter().map(Vec::len).sum();
            if let Ok(read) = held_in_bounds(bytes, || ToServidor::decode(frames.clone())) {
                prop_assert_eq!(ToServidor::decode(read.clone().encode()), Ok(read));
            }
            if let Ok(read) = held_in_bounds(bytes, || ToBroker::decode(frames.clone())) {
                prop_assert_eq!(ToBroker::decode(read.clone().encode()), Ok(read));
            }
        }
    }

    /// Ten bytes of which each means something: a stamp is itself or is refused.
    #[test]
    fn a_spoilt_stamp_is_refused_or_is_another_in_full(number in any::<u64>(), kind in 0..3, spoils in spoils()) {
        let stamp = [Stamp::Unordered, Stamp::Index(number), Stamp::Epoch(number)][kind as usize];
        prop_assert_eq!(Stamp::decode(&stamp.encode()), Ok(stamp));
        let bytes = spoilt(&stamp.encode(), &Stamp::Epoch(!number).encode(), &spoils);
        if let Ok(read) = Stamp::decode(&bytes) {
            prop_assert!(read == Stamp::Unordered || read.encode() == bytes);
        }
    }

    #[test]
    fn a_topic_is_read_as_it_is_written_or_not_at_all(
        bytes in prop_oneof![
            "(user:|tip:|tip:user:|servers|replication)?[a-zé:]{0,6}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..20),
        ],
    ) {
        if let Some(topic) = Topic::parse(&bytes) {
            prop_assert_eq!(topic.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_time_that_can_be_read_is_written_so_that_it_is_read_again(
        shape in prop_oneof!["[0-9T:.Z+-]{0,40}", "[12][0-9]{3}-[0-2][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,12})?(Z|[+-][0-9]{2}:[0-9]{2})?"],
    ) {
        if let Some(time) = timestamp::parse(&shape) {
            let written = timestamp::format(time);
            let whole = WallTime::from_nanos(time.as_nanos().div_euclid(1000) * 1000);
            prop_assert_eq!(timestamp::parse(&written), Some(whole), "{}", shape);
        }
    }

    #[test]
    fn names_and_texts_take_any_text_or_say_why_not(text in any::<String>()) {
        if let Ok(name) = names::parse(&text) {
            prop_assert_eq!(names::parse(&name.display), Ok(name));
        }
        let _ = names::refer(&text);
        let _ = text::check_message(&text);
        let _ = text::check_imported(&text);
        let _ = text::is_request_id(&text);
    }

    #[test]
    fn a_clock_beyond_all_clocks_is_read_as_none(one in request(), sent in Lamport::LIMIT..) {
        let bytes = one.encode();
        let clock = [&b"\xa5clock\xcf"[..], &sent.to_be_bytes()].concat();
        // Of two keys alike the later one counts.
        let mut forged = bytes;
        forged.extend(&clock);
        let at = forged.windows(5).position(|window| window == b"\xa4data").expect("a request has data") + 5;
        let head = forged[at];
        if (0x80..0x8f).contains(&head) {
            forged[at] += 1;
            prop_assert_eq!(Request::decode(&forged).map(|request| request.clock), Ok(Lamport::default()));
        }
    }
}

/// The walk before everything counts what it sees.
#[test]
fn a_request_of_the_largest_size_is_read_and_one_byte_more_is_not() {
    let request = |letters: usize| {
        let mut bytes = b"\x82\xa7service\xa6status\xa4data\x81\xa3any\xdb".to_vec();
        bytes.extend(u32::try_from(letters).expect("below 64 KiB").to_be_bytes());
        bytes.extend(vec![b'x'; letters]);
        bytes
    };
    let largest = REQUEST_BYTES - request(0).len();
    assert!(Request::decode(&request(largest)).is_ok());
    assert!(Request::decode(&request(largest + 1)).is_err());
}
