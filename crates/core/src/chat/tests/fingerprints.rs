//! Hashes tell apart what differs, and never change between releases: replicas of two releases compare them.

use proptest::prelude::*;

use super::support::*;
use crate::chat::digest::StateDigest;
use crate::chat::fingerprint::Fingerprint;
use crate::chat::{Digest, Outcome, Refusal, RequestKey};
use crate::log::{Genesis, Name, Operation, RequestId};

/// The expected values were computed by another implementation (Python's `hashlib`) from the description of the encoding.
#[test]
fn hashes_are_the_same_in_every_release() {
    let client = RequestKey::of("ana", &RequestId::Client("1".to_owned()));
    let broker = RequestKey::of("ana", &RequestId::Broker { incarnation: 7, counter: 1 });
    assert_eq!(client.to_string(), "9f60d4a850f38ce8d8fec69a25edf2a7");
    assert_eq!(broker.to_string(), "eeaee70f5c98c45fa3564b49e6b0db86");
    assert_eq!(Digest::of(&publish("ana", "geral", "oi")).to_string(), "7c7c7e4ab06e5f8f");

    let mut writer = Writer { log: Vec::new(), time: Writer::founded().time };
    writer.write("", None, first_genesis());
    writer.write("ana", client_id("1"), login("ana"));
    writer.write("ana", client_id("1"), login("bob"));
    writer.write("old", broker_id(7, 1), imported(message("bob", "ana", "oi")));
    assert_eq!(replay(&writer.log).0.digest().to_string(), "0138ec4e3d1ae26792ead8b9030ad437");
}

/// As the first release founded it.
fn first_genesis() -> Operation {
    match genesis(b"a key of the cluster") {
        Operation::Genesis(genesis) => {
            Operation::Genesis(Genesis { members: Vec::new(), rules: 1, ..genesis })
        }
        other => other,
    }
}

#[test]
fn author_and_id_do_not_run_into_each_other() {
    let key = |author: &str, id: &str| RequestKey::of(author, &RequestId::Client(id.to_owned()));
    assert_ne!(key("an", "a1"), key("ana", "1"));
    assert_ne!(key("", "ana1"), key("ana1", ""));
}

#[test]
fn no_client_can_spell_an_id_of_a_broker() {
    let broker = RequestKey::of("ana", &RequestId::Broker { incarnation: 0x3131, counter: 2 });
    let mut spelled = 0x3131_u64.to_le_bytes().to_vec();
    spelled.extend(2_u64.to_le_bytes());
    let spelled = String::from_utf8(spelled).expect("small numbers are text too");
    assert_ne!(RequestKey::of("ana", &RequestId::Client(spelled)), broker);
}

#[test]
fn a_retry_through_a_servidor_with_other_unicode_tables_is_still_the_same_request() {
    let login =
        |key: &str| Operation::Login { user: Name { display: "ana".to_owned(), key: key.to_owned() } };
    assert_eq!(Digest::of(&login("ana")), Digest::of(&login("another folding")));
}

/// A replica that carried a request out which the others knew already has parted from them, though the log is the same.
#[test]
fn who_takes_a_retry_for_a_first_request_has_another_digest() {
    let mut writer = Writer::founded();
    writer.write("ana", client_id("1"), login("ana"));
    let entry = &writer.log[1];
    let digest = |repeated| {
        StateDigest::default().extend(entry, &Fingerprint::of(entry), Outcome::Done, repeated).to_string()
    };
    assert_ne!(digest(false), digest(true));
}

/// The key decides whether the name is free, and no digest of the request holds it.
#[test]
fn an_imported_name_under_another_key_gives_another_digest() {
    let named = |key: &str| Name { display: "ana".to_owned(), key: key.to_owned() };
    let logins = ["ana", "another folding"].map(|key| Operation::Login { user: named(key) });
    let channels = ["ana", "another folding"].map(|key| Operation::Channel { channel: named(key) });
    for [one, other] in [logins, channels] {
        let digest = |operation: &Operation| {
            let mut writer = Writer::founded();
            writer.write("old", client_id("1"), imported(operation.clone()));
            replay(&writer.log).0.digest()
        };
        assert_ne!(digest(&one), digest(&other), "{one:?}");
    }
}

#[test]
fn every_outcome_is_read_back_from_its_code() {
    let known: Vec<Outcome> = (0..=u8::MAX).filter_map(Outcome::from_code).collect();
    for refusal in [
        Refusal::UserExists,
        Refusal::ChannelExists,
        Refusal::NoSuchChannel,
        Refusal::NoSuchUser,
        Refusal::IdReused,
        Refusal::BadServerName,
        Refusal::TooManyMembers,
        Refusal::LastMember,
    ] {
        assert_eq!(known[usize::from(Outcome::Refused(refusal).code())], Outcome::Refused(refusal));
    }
    assert_eq!(known[usize::from(Outcome::Done.code())], Outcome::Done);
}

proptest! {
    #[test]
    fn operations_have_one_digest_exactly_if_they_are_the_same(one in any_operation(), other in any_operation()) {
        prop_assert_eq!(Digest::of(&one) == Digest::of(&other), one == other);
    }
}
