//! P3: the state is a function of the log.

use proptest::prelude::*;

use super::support::*;
use crate::chat::ChatState;
use crate::log::Operation;

#[test]
#[should_panic(expected = "entries are applied one after the other")]
fn an_entry_out_of_turn_is_a_programming_fault() {
    let mut writer = Writer::founded();
    writer.write("ana", None, login("ana"));
    ChatState::new().apply(&writer.log[1]);
}

#[test]
#[should_panic(expected = "the log asks for rules")]
fn rules_that_this_build_does_not_know_are_not_guessed() {
    Chat::founded().apply("", None, Operation::RaiseRules(crate::chat::RULES + 1));
}

#[test]
fn rules_are_raised_and_never_lowered() {
    let mut chat = Chat::founded();
    chat.apply("", None, Operation::RaiseRules(0));
    assert_eq!(chat.state.rules(), crate::chat::RULES);
}

#[test]
fn an_imported_record_has_no_say_in_how_the_cluster_is_run() {
    let mut chat = Chat::founded();
    chat.apply("ana", None, login("ana"));
    let session = chat.state.session("ana");
    for operation in
        [Operation::RaiseRules(crate::chat::RULES + 1), genesis(b"another key"), imported(login("eva"))]
    {
        let applied = chat.apply("ana", None, imported(operation));
        assert_eq!(applied.record, None);
    }
    assert_eq!(chat.state.session("ana"), session);
    assert!(!chat.state.user_exists("eva"));
}

proptest! {
    #[test]
    fn two_replicas_that_applied_the_same_log_are_equal(log in any_log(), restart in any::<prop::sample::Index>()) {
        let (state, applied) = replay(&log);

        // The other one restarts in the middle: it reads the log from its disk again, then goes on with what arrives.
        let (stored, arriving) = log.split_at(restart.index(log.len()));
        let (mut other, mut others) = replay(stored);
        others.extend(arriving.iter().map(|entry| other.apply(entry)));

        prop_assert_eq!(others, applied);
        prop_assert!(other == state);
        prop_assert_eq!(other.digest(), state.digest());
        prop_assert_eq!(state.applied(), log.len() as u64);
        let last = log.last().expect("the founding entry");
        prop_assert_eq!((state.lamport(), state.time()), (last.lamport, last.time));
    }

    #[test]
    fn replicas_that_applied_different_logs_differ_from_there_on(
        log in any_log(), at in any::<prop::sample::Index>(), what in 0..6
    ) {
        let at = at.index(log.len());
        let mut changed = log.clone();
        let entry = &mut changed[at];
        match what {
            0 => entry.author.push('x'),
            1 => entry.request_id = client_id("another"),
            2 => entry.time = entry.time.shifted(1),
            3 => entry.lamport = entry.lamport.tick(),
            4 => entry.epoch += 1,
            _ => match &mut entry.operation {
                Operation::Login { user: name } | Operation::Channel { channel: name } => name.key.push('x'),
                Operation::Publish { message, .. } | Operation::Message { message, .. } => message.push('x'),
                Operation::Genesis(genesis) => genesis.session_key.push(0),
                operation => *operation = imported(operation.clone()),
            },
        }
        let (mut one, mut other) = (ChatState::new(), ChatState::new());
        for (index, (entry, changed)) in log.iter().zip(&changed).enumerate() {
            one.apply(entry);
            other.apply(changed);
            prop_assert_eq!(one.digest() == other.digest(), index < at);
        }
    }
}
