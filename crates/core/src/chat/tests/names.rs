//! P6: names are unique, by their keys.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::script::run;
use super::support::*;
use crate::chat::{Outcome, Refusal};
use crate::log::{Name, Operation};

#[test]
fn of_two_first_logins_with_one_name_the_earlier_in_the_log_wins_and_its_retry_too() {
    let chat = run("
        ana/1   login ana   -> done
        bob/1   login ana   -> user exists
        ana/1   login ana   -> done, as at 2
        bob/1   login ana   -> user exists, as at 3
        bob/2   login bob   -> done
    ");
    assert!(chat.state.users().eq(["ana", "bob"]));
}

#[test]
fn a_name_that_looks_like_a_taken_one_is_refused_and_is_nobody() {
    let chat = run("
        ana/1   login ana       -> done
        bob/1   login ANA       -> user exists
        ana/2   channel Geral   -> done
        bob/2   channel geral   -> channel exists
        bob/3   message ANA oi  -> no such user
        bob/4   publish geral oi -> no such channel
        bob/5   publish Geral oi -> done, on Geral after 0
    ");
    assert!(chat.state.user_exists("ana") && !chat.state.user_exists("ANA"));
    assert!(chat.state.channel_exists("Geral") && !chat.state.channel_exists("geral"));
}

#[test]
fn a_user_and_a_channel_may_have_one_name() {
    let chat = run("
        ana/1   login ana           -> done
        ana/2   channel ana         -> done
        bob/1   publish ana oi      -> done, on ana after 0
        bob/2   message ana oi      -> done, to ana after 0
    ");
    assert_eq!((chat.state.tip("ana"), chat.state.tip("user:ana")), (4, 5));
}

#[test]
fn one_display_under_two_keys_is_taken_once() {
    let mut chat = Chat::founded();
    let with_key =
        |key: &str| Operation::Login { user: Name { display: "ana".to_owned(), key: key.to_owned() } };
    assert_eq!(chat.apply("ana", None, with_key("ana")).outcome, Outcome::Done);
    let again = chat.apply("ana", None, with_key("as other tables fold it"));
    assert_eq!(again.outcome, Outcome::Refused(Refusal::UserExists));
    assert!(chat.state.users().eq(["ana"]));
}

#[test]
fn joining_needs_both_and_may_be_said_twice() {
    let chat = run("
        ana/1   login ana       -> done
        ana/2   join geral      -> no such channel
        ana/3   channel geral   -> done
        ana/4   channel ajuda   -> done
        ana/5   join ajuda      -> done
        ana/6   join geral      -> done
        ana/7   join geral      -> done
        bob/1   join geral      -> no such user
        bob/2   leave geral     -> no such user
        ana/8   leave ajuda     -> done
        ana/9   leave ajuda     -> done
    ");
    assert!(chat.state.joined("ana").eq(["geral"]));
    assert_eq!(chat.state.joined("bob").count(), 0);
}

#[test]
fn what_one_joined_is_listed_in_the_order_in_which_it_was_created() {
    let chat = run("
        ana/1   login ana       -> done
        bob/1   login bob       -> done
        ana/2   channel geral   -> done
        ana/3   channel ajuda   -> done
        ana/4   join ajuda      -> done
        bob/2   join ajuda      -> done
        ana/5   join geral      -> done
        bob/3   leave geral     -> done
    ");
    assert!(chat.state.joined("ana").eq(["geral", "ajuda"]));
    assert!(chat.state.joined("bob").eq(["ajuda"]));
}

proptest! {
    #[test]
    fn no_two_names_have_one_key_and_none_is_lost(log in any_log()) {
        let (state, applied) = replay(&log);
        let users: Vec<_> = state.users().collect();
        let keys: BTreeSet<_> = users.iter().map(|user| user.to_lowercase()).collect();
        prop_assert_eq!(keys.len(), users.len());

        let accepted: Vec<_> = log.iter().zip(&applied).filter(|(_, applied)| applied.record.is_some())
            .map(|(entry, _)| match &entry.operation {
                Operation::Imported { operation, .. } => &**operation,
                operation => operation,
            })
            .filter_map(|operation| match operation {
                Operation::Login { user } => Some(user.display.as_str()),
                _ => None,
            })
            .collect();
        prop_assert_eq!(users, accepted);
    }
}
