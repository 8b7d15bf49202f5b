//! A session proves who one is, to every servidor of the cluster and to no other.

use super::support::*;
use crate::chat::ChatState;
use crate::log::Operation;

fn chat_with(session_key: &[u8]) -> ChatState {
    let mut writer = Writer::founded();
    writer.log.clear();
    writer.write("", None, genesis(session_key));
    writer.write("ana", None, login("Ana"));
    writer.write("bob", None, login("bob"));
    replay(&writer.log).0
}

/// The expected signature was computed by another implementation (Python's `hmac`).
#[test]
fn a_session_is_the_same_in_every_release() {
    let session = chat_with(b"key").session("Ana").expect("she logged in");
    assert_eq!(session, "v1.2.82ace9cf802de4a20a93aaa761d8597ba731c609970e9992698882937088cdd9");
}

#[test]
fn a_cluster_is_founded_once() {
    let mut chat = Chat::founded();
    chat.apply("ana", client_id("1"), login("ana"));
    let session = chat.state.session("ana").expect("she logged in");
    chat.apply("", None, genesis(b"another key"));
    assert!(chat.state.verify_session("ana", &session));
}

#[test]
fn a_session_is_its_users_only() {
    let state = chat_with(b"key");
    let ana = state.session("Ana").expect("she logged in");
    assert!(ana.starts_with("v1.2."));
    assert!(state.verify_session("Ana", &ana));
    assert!(!state.verify_session("bob", &ana));
    assert!(!state.verify_session("eva", &ana));
    assert!(!state.verify_session("ana", &ana), "names are said exactly");
    assert_eq!(state.session("eva"), None);
}

#[test]
fn every_replica_gives_the_same_session_and_another_cluster_another() {
    let session = chat_with(b"key").session("Ana").expect("she logged in");
    assert_eq!(chat_with(b"key").session("Ana").as_ref(), Some(&session));
    assert!(!chat_with(b"yek").verify_session("Ana", &session));
}

#[test]
fn a_session_with_anything_changed_is_none() {
    let state = chat_with(b"key");
    let session = state.session("Ana").expect("she logged in");
    for at in 0..session.len() {
        for replacement in ["0", "1", "F", ".", "é", ""] {
            let mut forged = session.clone();
            forged.replace_range(at..=at, replacement);
            assert_eq!(state.verify_session("Ana", &forged), forged == session, "{forged}");
        }
    }
    for forged in
        ["", "v1", "v1.2.", &session.to_uppercase(), &format!("{session} "), &format!("{session}00")]
    {
        assert!(!state.verify_session("Ana", forged), "{forged}");
    }
}

#[test]
fn there_are_no_sessions_before_the_cluster_is_founded() {
    let mut writer = Writer::founded();
    writer.log.clear();
    writer.write("", None, Operation::Empty);
    writer.write("ana", None, login("ana"));
    let (state, _) = replay(&writer.log);
    assert_eq!(state.session("ana"), None);
    assert!(!state.verify_session("ana", "v1.2."));
}

#[test]
fn the_key_does_not_show_in_what_is_logged() {
    let state = chat_with(&[0xAB; 32]);
    assert!(!format!("{state:?}{:?}", state.session_key).contains("171"));
}
