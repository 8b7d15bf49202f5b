//! What one side of ours encodes, the other decodes to the same.

use papo_core::chat::Delivery;
use papo_wire::Service;
use papo_wire::envelope::{Beacon, Dispatch, Ordered, State, ToBroker, ToServidor};
use papo_wire::publication::{Announcement, Publication, Tip};
use papo_wire::reply::{
    Answer, Event, ExportPage, Failure, HistoryPage, MemberStatus, Message, PeerStatus, Reason, Record,
    Reply, Role, Status, SyncPage, encode_names,
};
use papo_wire::request::{Request, service_of};
use papo_wire::{admin, peer, referencia};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::values::{clock, message, name, request, request_id, said, time, to};

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        name().prop_map(|user| Event::User { user }),
        name().prop_map(|channel| Event::Channel { channel }),
        (name(), name(), message()).prop_map(|(user, channel, message)| Event::Publish {
            user,
            channel,
            message
        }),
        (name(), name(), message()).prop_map(|(src, dst, message)| Event::Message { src, dst, message }),
        (name(), name()).prop_map(|(user, channel)| Event::Join { user, channel }),
        (name(), name()).prop_map(|(user, channel)| Event::Leave { user, channel }),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    (any::<u64>(), time(), clock(), request_id(), event())
        .prop_map(|(index, time, clock, request_id, event)| Record { index, time, clock, request_id, event })
}

fn paged() -> impl Strategy<Value = Message> {
    (said(), option::of(any::<u64>())).prop_map(|(said, previous)| Message { said, previous })
}

fn status() -> impl Strategy<Value = Status> {
    let role =
        select(vec![Role::Coordinator, Role::Follower, Role::Learner, Role::Candidate, Role::Starting]);
    let member = (name(), any::<u64>()).prop_map(|(name, rank)| MemberStatus {
        disk: name.to_uppercase(),
        name,
        rank,
    });
    let peer = (name(), any::<bool>(), any::<u64>()).prop_map(|(name, alive, index)| PeerStatus {
        address: format!("{name}:5570"),
        name,
        alive,
        index,
    });
    (name(), role, vec(member, 0..4), vec(peer, 0..4), any::<i64>(), any::<u64>()).prop_map(
        |(name, role, members, peers, offset, last)| Status {
            name,
            role,
            members,
            peers,
            clock_offset_ns: offset,
            last,
            version: "0.1.0".to_owned(),
            ..Status::default()
        },
    )
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        (name(), "[!-~]{0,80}").prop_map(|(user, session)| Answer::Login { user, session }),
        select(vec![
            Answer::Channel,
            Answer::Publish,
            Answer::Message,
            Answer::Join,
            Answer::Leave,
            Answer::Import
        ]),
        vec(name(), 0..40).prop_map(Answer::Users),
        vec(name(), 0..40).prop_map(Answer::Channels),
        (vec(paged(), 0..20), any::<bool>())
            .prop_map(|(messages, more)| Answer::History(HistoryPage { messages, more })),
        (vec(paged(), 0..20), any::<bool>(), any::<u64>(), vec(name(), 0..5)).prop_map(
            |(messages, more, upto, channels)| Answer::Sync(SyncPage { messages, more, upto, channels })
        ),
        (vec(record(), 0..20), any::<bool>(), any::<u64>())
            .prop_map(|(entries, more, upto)| Answer::Export(ExportPage { entries, more, upto })),
        status().prop_map(|status| Answer::Status(Box::new(status))),
    ]
}

fn failure() -> impl Strategy<Value = Failure> {
    (option::of(select(Service::ALL.to_vec())), select(Reason::ALL.to_vec()), option::of(message())).prop_map(
        |(service, reason, text)| match text {
            Some(text) => Failure::explained(service, reason, text),
            None => Failure::new(service, reason),
        },
    )
}

pub(crate) fn reply() -> impl Strategy<Value = Reply> {
    let outcome = prop_oneof![3 => answer().prop_map(Ok), 1 => failure().prop_map(Err)];
    (time(), clock(), any::<u64>(), outcome).prop_map(|(time, clock, index, answer)| Reply {
        time,
        clock,
        index,
        answer,
    })
}

pub(crate) fn publication() -> impl Strategy<Value = Publication> {
    prop_oneof![
        (said(), any::<u64>()).prop_map(|(said, previous)| Publication::Said(Delivery { said, previous })),
        (to(), any::<u64>(), time(), clock()).prop_map(|(of, index, time, clock)| Publication::Tip(Tip {
            of,
            index,
            time,
            clock
        })),
        (name(), any::<u64>(), time(), clock()).prop_map(|(coordinator, epoch, time, clock)| {
            Publication::Coordinator(Announcement { coordinator, epoch, time, clock })
        }),
    ]
}

pub(crate) fn to_servidor() -> impl Strategy<Value = ToServidor> {
    prop_oneof![
        (any::<[u64; 4]>(), any::<u32>(), vec(any::<u8>(), 0..50)).prop_map(
            |([ticket, incarnation, counter, seen], deadline_ms, payload)| ToServidor::Dispatch {
                dispatch: Dispatch { ticket, incarnation, counter, seen, deadline_ms },
                payload,
            }
        ),
        any::<u64>().prop_map(|incarnation| ToServidor::Welcome { incarnation }),
    ]
}

pub(crate) fn to_broker() -> impl Strategy<Value = ToBroker> {
    let state = select(vec![State::Serving, State::Draining, State::Withdrawn]);
    let ordered = select(vec![Ordered::No, Ordered::Unknown]);
    prop_oneof![
        (state, any::<[u64; 2]>(), name()).prop_map(|(state, [incarnation, index], name)| ToBroker::Beacon(
            Beacon { state, incarnation, index, name }
        )),
        (any::<[u64; 2]>(), vec(any::<u8>(), 0..50))
            .prop_map(|([ticket, index], payload)| ToBroker::Answer { ticket, index, payload }),
        (any::<u64>(), ordered).prop_map(|(ticket, ordered)| ToBroker::Elsewhere { ticket, ordered }),
    ]
}

pub(crate) fn referencia_request() -> impl Strategy<Value = referencia::Request> {
    prop_oneof![
        (name(), "[a-z0-9.-]{1,30}:[0-9]{1,5}", option::of(any::<u64>()))
            .prop_map(|(user, p2p_address, rank)| referencia::Request::Rank { user, p2p_address, rank }),
        name().prop_map(|user| referencia::Request::Heartbeat { user }),
        Just(referencia::Request::List),
    ]
}

pub(crate) fn referencia_reply() -> impl Strategy<Value = referencia::Reply> {
    let listed = (name(), any::<u64>(), "[a-z]{1,9}:5570")
        .prop_map(|(name, rank, address)| referencia::Listed { name, rank, address });
    prop_oneof![
        any::<u64>().prop_map(referencia::Reply::Rank),
        Just(referencia::Reply::Heartbeat),
        vec(listed, 0..5).prop_map(referencia::Reply::List),
        (select(vec!["rank", "heartbeat", "erro"]), any::<bool>(), message()).prop_map(
            |(service, unknown_servidor, description)| referencia::Reply::Refused {
                service: service.to_owned(),
                unknown_servidor,
                description
            }
        ),
    ]
}

pub(crate) fn admin_request() -> impl Strategy<Value = admin::Request> {
    let change = prop_oneof![name().prop_map(admin::Change::Admit), name().prop_map(admin::Change::Dismiss)];
    prop_oneof![
        1 => Just(admin::Request::Members),
        3 => ("[!-~]{1,64}", change).prop_map(|(request_id, change)| admin::Request::Change { request_id, change }),
    ]
}

fn membership() -> impl Strategy<Value = admin::Membership> {
    let role =
        select(vec![Role::Coordinator, Role::Follower, Role::Learner, Role::Candidate, Role::Starting]);
    let seat = (name(), any::<[bool; 3]>(), any::<[u64; 2]>(), "[0-9a-f]{0,32}", "[a-z]{0,9}:5570").prop_map(
        |(name, [counts, wanted, alive], [rank, index], disk, address)| admin::Seat {
            name,
            counts,
            wanted,
            alive,
            rank,
            disk,
            index,
            address,
        },
    );
    (name(), role, name(), any::<[u64; 4]>(), vec(seat, 0..8)).prop_map(
        |(name, role, coordinator, [epoch, rules, commit, applied], seats)| admin::Membership {
            cluster: name.to_lowercase(),
            name,
            role,
            coordinator,
            epoch,
            rules,
            commit,
            applied,
            seats,
        },
    )
}

/// An answer, and the service that it answers to.
pub(crate) fn admin_reply() -> impl Strategy<Value = (&'static str, admin::Reply)> {
    let change = || select(vec!["admit", "dismiss"]);
    prop_oneof![
        membership().prop_map(|membership| ("members", admin::Reply::Members(Box::new(membership)))),
        (change(), any::<u64>()).prop_map(|(service, index)| (service, admin::Reply::Agreed(index))),
        (change(), select(admin::Reason::ALL.to_vec()))
            .prop_map(|(service, reason)| (service, admin::Reply::Refused(reason))),
    ]
}

proptest! {
    #[test]
    fn requests(request in request()) {
        let bytes = request.encode();
        prop_assert_eq!(service_of(&bytes), Ok(request.service()));
        prop_assert_eq!(Request::decode(&bytes), Ok(request));
    }

    #[test]
    fn replies(reply in reply()) {
        prop_assert_eq!(Reply::decode(&reply.encode()), Ok(reply));
    }

    #[test]
    fn lists_of_borrowed_names(names in vec(name(), 0..300), time in time(), clock in clock(), index in any::<u64>()) {
        let bytes = encode_names(Service::Users, names.iter().map(String::as_str), time, clock, index);
        prop_assert_eq!(Reply::decode(&bytes), Ok(Reply { time, clock, index, answer: Ok(Answer::Users(names)) }));
    }

    #[test]
    fn publications(publication in publication()) {
        let (topic, payload) = publication.encode();
        prop_assert_eq!(Publication::decode(&topic, &payload), Ok(publication));
    }

    #[test]
    fn envelopes_to_a_servidor(envelope in to_servidor()) {
        prop_assert_eq!(ToServidor::decode(envelope.clone().encode()), Ok(envelope));
    }

    #[test]
    fn envelopes_to_a_broker(envelope in to_broker()) {
        prop_assert_eq!(ToBroker::decode(envelope.clone().encode()), Ok(envelope));
    }

    #[test]
    fn requests_to_the_referencia(request in referencia_request(), time in time(), clock in clock()) {
        prop_assert_eq!(referencia::Request::decode(&request.encode(time, clock)), Ok((request, clock)));
    }

    #[test]
    fn replies_of_the_referencia(reply in referencia_reply(), time in time(), clock in clock()) {
        prop_assert_eq!(referencia::Reply::decode(&reply.encode(time, clock)), Ok((reply, clock)));
    }

    #[test]
    fn questions_about_members(request in admin_request(), now in time(), clock in clock()) {
        prop_assert_eq!(admin::Request::decode(&request.encode(now, clock)), Ok((request, clock)));
    }

    #[test]
    fn answers_about_members((service, reply) in admin_reply(), now in time(), clock in clock()) {
        prop_assert_eq!(admin::Reply::decode(&reply.encode(service, now, clock)), Ok(reply));
    }

    #[test]
    fn the_old_maps_between_servidores(rank in any::<u64>(), agreed in time(), now in time(), clock in clock()) {
        for request in [peer::Request::Election { rank }, peer::Request::Clock] {
            let bytes = request.encode(now, clock);
            prop_assert!(peer::is_map(&bytes));
            prop_assert_eq!(peer::Request::decode(&bytes), Ok((request, clock)));
        }
        for reply in [peer::Reply::Election, peer::Reply::NoElection, peer::Reply::Clock { time: agreed }] {
            prop_assert_eq!(peer::Reply::decode(&reply.encode(now, clock)), Ok((reply, clock)));
        }
    }

    #[test]
    fn the_bound_on_the_size_of_a_page_holds(messages in vec(paged(), 0..20), entries in vec(record(), 0..20)) {
        let bound: usize = messages.iter().map(Message::size_bound).sum();
        let size = size_of(Answer::History(HistoryPage { messages, more: true }));
        prop_assert!(size <= bound + 160);
        let bound: usize = entries.iter().map(Record::size_bound).sum();
        let size = size_of(Answer::Export(ExportPage { entries, more: true, upto: u64::MAX }));
        prop_assert!(size <= bound + 160);
    }
}

fn size_of(answer: Answer) -> usize {
    let time = papo_core::clock::WallTime::from_nanos(i64::MAX);
    let clock = papo_core::clock::Lamport::new(u64::MAX);
    Reply { time, clock, index: u64::MAX, answer: Ok(answer) }.encode().len()
}
