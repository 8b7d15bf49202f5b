//! Strategies for values that could cross the wire.

use papo_core::chat::{Said, To};
use papo_core::clock::{Lamport, WallTime};
use papo_wire::names;
use papo_wire::request::{Body, Conversation, Import, Imported, Page, Request};
use proptest::option;
use proptest::prelude::*;

pub(crate) fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z]{2,12}", "[a-zçãéñß李☕]{2,8}"]
        .prop_filter_map("reserved", |text| names::parse(&text).ok().map(|name| name.display))
}

fn taken() -> impl Strategy<Value = papo_core::log::Name> {
    name().prop_map(|text| names::parse(&text).expect("a display is a name"))
}

pub(crate) fn message() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,40}"
}

pub(crate) fn time() -> impl Strategy<Value = WallTime> {
    (0..i64::MAX / 1000).prop_map(|micros| WallTime::from_nanos(micros * 1000))
}

pub(crate) fn clock() -> impl Strategy<Value = Lamport> {
    (0..Lamport::LIMIT).prop_map(Lamport::new)
}

pub(crate) fn request_id() -> impl Strategy<Value = Option<String>> {
    option::of("[!-~]{1,64}")
}

pub(crate) fn to() -> impl Strategy<Value = To> {
    prop_oneof![name().prop_map(To::Channel), name().prop_map(To::User)]
}

pub(crate) fn said() -> impl Strategy<Value = Said> {
    (any::<u64>(), time(), clock(), name(), to(), message(), request_id()).prop_map(
        |(index, time, clock, from, to, message, request_id)| Said {
            index,
            time,
            clock,
            from,
            to,
            message,
            request_id,
        },
    )
}

fn page() -> impl Strategy<Value = Page> {
    prop_oneof![
        Just(Page::Newest),
        any::<u64>().prop_map(Page::Before),
        any::<u64>().prop_map(Page::After),
        any::<(u64, u64)>().prop_map(|(after, before)| Page::Between { after, before }),
    ]
}

fn conversation() -> impl Strategy<Value = Conversation> {
    prop_oneof![
        name().prop_map(Conversation::Channel),
        (name(), name()).prop_map(|(user, with)| Conversation::Private { user, with }),
    ]
}

fn import() -> impl Strategy<Value = Import> {
    let what = prop_oneof![
        taken().prop_map(|user| Imported::User { user }),
        taken().prop_map(|channel| Imported::Channel { channel }),
        (name(), name(), message()).prop_map(|(user, channel, message)| Imported::Publish {
            user,
            channel,
            message
        }),
        (name(), name(), message()).prop_map(|(src, dst, message)| Imported::Message { src, dst, message }),
    ];
    (time(), clock(), what).prop_map(|(time, clock, what)| Import { time, clock, what })
}

fn body() -> impl Strategy<Value = Body> {
    let limit = 1..=200_usize;
    prop_oneof![
        taken().prop_map(|user| Body::Login { user }),
        (taken(), option::of(name())).prop_map(|(channel, user)| Body::Channel { channel, user }),
        Just(Body::Users),
        Just(Body::Channels),
        (name(), name(), message()).prop_map(|(user, channel, message)| Body::Publish {
            user,
            channel,
            message
        }),
        (name(), name(), message()).prop_map(|(src, dst, message)| Body::Message { src, dst, message }),
        (name(), name()).prop_map(|(user, channel)| Body::Join { user, channel }),
        (name(), name()).prop_map(|(user, channel)| Body::Leave { user, channel }),
        (conversation(), page(), limit.clone()).prop_map(|(conversation, page, limit)| Body::History {
            conversation,
            page,
            limit
        }),
        (name(), any::<u64>(), limit.clone()).prop_map(|(user, since, limit)| Body::Sync {
            user,
            since,
            limit
        }),
        Just(Body::Status),
        (any::<u64>(), limit).prop_map(|(after, limit)| Body::Export { after, limit }),
        import().prop_map(Body::Import),
    ]
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    (request_id(), any::<u64>(), clock(), option::of(time()), option::of("[!-~]{1,80}"), body()).prop_map(
        |(request_id, seen, clock, timestamp, session, body)| {
            let must_have_id = matches!(body, Body::Import(_));
            let request_id = request_id.or_else(|| must_have_id.then(|| "id".to_owned()));
            Request { request_id, seen, clock, timestamp, session, body }
        },
    )
}
