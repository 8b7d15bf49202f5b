//! What is told of a message: to whom, when, and which views show it.

use proptest::prelude::*;

use super::support::*;
use crate::chat::{Outcome, Said, TimelineKey, To};
use crate::clock::{Lamport, WallTime};
use crate::log::Operation;

fn talk() -> Chat {
    let mut chat = Chat::founded();
    for operation in [login("ana"), login("bob"), channel("geral")] {
        assert_eq!(chat.apply("ana", None, operation).outcome, Outcome::Done);
    }
    chat
}

#[test]
fn a_published_message_is_told_with_the_logs_time_and_clock() {
    let mut chat = talk();
    let applied = chat.apply("ana", client_id("m-1"), publish("ana", "geral", "oi"));
    let delivery = applied.delivery.expect("it is published");
    assert_eq!(
        delivery.said,
        Said {
            index: 5,
            time: chat.writer.time,
            clock: Lamport::new(50),
            from: "ana".to_owned(),
            to: To::Channel("geral".to_owned()),
            message: "oi".to_owned(),
            request_id: Some("m-1".to_owned()),
        }
    );
    let record = applied.record.expect("it is history");
    assert_eq!((record.index, record.timelines), (5, vec![TimelineKey::Channel("geral".to_owned())]));
}

#[test]
fn a_private_message_is_shown_to_both_and_in_their_conversation() {
    let mut chat = talk();
    let applied = chat.apply("bob", broker_id(1, 1), message("bob", "ana", "oi"));
    assert_eq!(
        applied.delivery.expect("it is published").said.request_id,
        None,
        "the broker's ids are internal"
    );
    let mailbox = |user: &str| TimelineKey::Mailbox(user.to_owned());
    assert_eq!(
        applied.record.expect("it is history").timelines,
        [TimelineKey::Pair("ana".to_owned(), "bob".to_owned()), mailbox("bob"), mailbox("ana")]
    );
}

#[test]
fn a_note_to_oneself_is_in_ones_mailbox_once() {
    let mut chat = talk();
    let applied = chat.apply("ana", None, message("ana", "ana", "comprar pão"));
    assert_eq!(
        applied.record.expect("it is history").timelines,
        [TimelineKey::Pair("ana".to_owned(), "ana".to_owned()), TimelineKey::Mailbox("ana".to_owned())]
    );
}

#[test]
fn who_never_logged_in_may_speak_but_not_be_spoken_to() {
    let mut chat = talk();
    assert_eq!(chat.apply("velho", None, publish("velho", "geral", "oi")).outcome, Outcome::Done);
    assert_eq!(chat.apply("velho", None, message("velho", "ana", "oi")).outcome, Outcome::Done);
    assert_ne!(chat.apply("ana", None, message("ana", "velho", "oi")).outcome, Outcome::Done);
}

#[test]
fn what_creates_or_joins_is_a_record_without_a_timeline() {
    let mut chat = talk();
    for operation in [login("eva"), channel("ajuda"), join("eva", "geral"), leave("eva", "geral")] {
        let applied = chat.apply("eva", None, operation);
        let record = applied.record.expect("it is history");
        assert_eq!((record.index, record.timelines), (applied.index, Vec::new()));
        assert_eq!(applied.delivery, None);
    }
}

#[test]
fn the_systems_own_entries_are_no_part_of_the_chats_history() {
    let mut chat = talk();
    let applied = chat.apply("", None, Operation::Empty);
    assert_eq!((applied.outcome, applied.record, applied.key), (Outcome::Done, None, None));
}

#[test]
fn an_imported_message_is_history_with_its_own_time_and_is_not_published() {
    let mut chat = talk();
    let applied = chat.apply("old", client_id("7"), imported(publish("velho", "geral", "oi")));
    assert_eq!(applied.delivery, None);
    assert!(applied.record.is_some());
    let said = Said::of(chat.writer.log.last().expect("written")).expect("it says something");
    assert_eq!((said.time, said.clock), (WallTime::from_nanos(1_000_000_000), Lamport::new(3)));
    assert_eq!((said.index, said.from.as_str(), said.message.as_str()), (5, "velho", "oi"));
}

#[test]
fn an_imported_name_that_is_taken_is_refused_like_any_other() {
    let mut chat = talk();
    assert_ne!(chat.apply("old", None, imported(login("Ana"))).outcome, Outcome::Done);
    assert_ne!(chat.apply("old", None, imported(channel("geral"))).outcome, Outcome::Done);
}

proptest! {
    #[test]
    fn only_what_is_accepted_is_told_and_what_is_told_can_be_read_from_the_log_again(log in any_log()) {
        let (_, applied) = replay(&log);
        for (entry, applied) in log.iter().zip(&applied) {
            prop_assert!(applied.record.is_none() || applied.outcome == Outcome::Done);
            if let Some(delivery) = &applied.delivery {
                prop_assert!(Said::of(entry).is_some_and(|said| said == delivery.said));
            }
            if let Some(record) = &applied.record {
                let timelines = Said::of(entry).map(|said| said.timelines()).unwrap_or_default();
                prop_assert_eq!(&record.timelines, &timelines);
            }
            let live = !matches!(entry.operation, Operation::Imported { .. });
            let told = applied.record.is_some() && Said::of(entry).is_some();
            prop_assert_eq!(applied.delivery.is_some(), told && live);
        }
    }
}
