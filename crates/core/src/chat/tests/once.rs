//! P2: a request takes effect once, and is answered alike each time.

use proptest::prelude::*;

use super::script::run;
use super::support::*;
use crate::chat::{ChatState, Outcome, Refusal};
use crate::log::Entry;

#[test]
fn a_retry_is_answered_alike_and_says_nothing_again() {
    let chat = run("
        ana/1   channel geral       -> done
        ana/2   publish geral oi    -> done, on geral after 0
        ana/2   publish geral oi    -> done, as at 3
        ana/3   publish geral oi    -> done, on geral after 3
    ");
    assert_eq!(chat.state.tip("geral"), 5);
}

#[test]
fn a_refusal_stays_one_even_when_it_would_succeed_by_now() {
    run("
        ana/1   publish geral oi    -> no such channel
        ana/2   channel geral       -> done
        ana/1   publish geral oi    -> no such channel, as at 2
        ana/3   publish geral oi    -> done, on geral after 0
    ");
}

#[test]
fn an_id_used_for_something_else_is_refused_and_keeps_its_first_meaning() {
    run("
        ana/1   channel geral           -> done
        ana/2   publish geral oi        -> done, on geral after 0
        ana/2   publish geral tchau     -> id reused
        ana/2   channel ajuda           -> id reused
        ana/2   publish geral oi        -> done, as at 3
        ana/2   publish geral tchau     -> id reused
    ");
}

#[test]
fn ids_are_their_authors_own_and_those_of_brokers_nobodys() {
    run("
        ana/1       channel geral       -> done
        ana/2       publish geral oi    -> done, on geral after 0
        bob/2       publish geral oi    -> done, on geral after 3
        ana/b1.2    publish geral oi    -> done, on geral after 4
        ana/b2.2    publish geral oi    -> done, on geral after 5
        ana/b1.2    publish geral oi    -> done, as at 5
        ana/b1.3    publish geral oi    -> done, on geral after 6
        ana/-       publish geral oi    -> done, on geral after 8
        ana/-       publish geral oi    -> done, on geral after 9
    ");
}

#[test]
fn an_import_that_is_retried_is_taken_over_once() {
    let chat = run("
        old/1   imported login ana          -> done
        old/2   imported channel geral      -> done
        old/3   imported publish geral oi   -> done
        old/3   imported publish geral oi   -> done, as at 4
        old/1   login ana                   -> id reused
    ");
    assert_eq!(chat.state.tip("geral"), 4);
}

#[test]
fn an_id_is_known_for_24_hours_of_log_time_and_forgotten_within_25() {
    run("
        ana/1   channel geral       -> done
        ana/2   publish geral oi    -> done, on geral after 0
        +24h
        ana/2   publish geral oi    -> done, as at 3
        ana/2   publish geral tchau -> id reused
        +60m
        ana/2   publish geral tchau -> done, on geral after 3
        +24h
        ana/2   publish geral tchau -> done, as at 6
    ");
}

#[test]
fn asking_again_does_not_keep_an_id_for_longer() {
    run("
        ana/1   channel geral       -> done
        +13h
        ana/1   channel geral       -> done, as at 2
        +12h
        ana/1   channel geral       -> channel exists
    ");
}

#[test]
fn what_a_request_came_to_can_be_recalled_until_it_is_forgotten() {
    let mut chat = run("
        ana/1   login ana -> done
        bob/1   login ana -> user exists
    ");
    let key = chat.apply("bob", client_id("1"), login("ana")).key.expect("the request has an id");
    let recalled = chat.state.recall(&key).expect("settled just now");
    assert_eq!((recalled.index, recalled.outcome), (3, Outcome::Refused(Refusal::UserExists)));

    chat.writer.wait(25 * HOUR);
    chat.apply("", None, crate::log::Operation::Empty);
    assert_eq!(chat.state.recall(&key), None);
}

/// The last entry before `entry` that settled the same request.
fn settled_before<'a>(entry: &Entry, settling: &[&'a Entry]) -> Option<&'a Entry> {
    let same = |other: &&&Entry| other.author == entry.author && other.request_id == entry.request_id;
    entry.request_id.as_ref().and_then(|_| settling.iter().rev().find(same).copied())
}

/// All that people can learn from a state: users with what they follow, channels, tips.
type Visible = (Vec<(String, Vec<String>)>, Vec<String>, Vec<(String, u64)>);

fn visible(state: &ChatState) -> Visible {
    let joined = |user: &str| state.joined(user).map(str::to_owned).collect();
    let users = state.users().map(|user| (user.to_owned(), joined(user))).collect();
    (users, state.channels().map(str::to_owned).collect(), state.recent_tips(0).collect())
}

proptest! {
    #[test]
    fn whatever_happens_a_request_takes_effect_once_within_24_hours(log in any_log()) {
        let (_, all) = replay(&log);
        let mut settling: Vec<&Entry> = Vec::new();
        for (entry, applied) in log.iter().zip(&all) {
            let reused = applied.outcome == Outcome::Refused(Refusal::IdReused);
            if let Some(before) = settled_before(entry, &settling) {
                let age = entry.time.nanos_after(before.time);
                if age <= 24 * HOUR && entry.operation == before.operation {
                    prop_assert_eq!(applied.repeats, Some(before.index));
                    prop_assert_eq!(applied.outcome, all[before.index as usize - 1].outcome);
                } else if age <= 24 * HOUR {
                    prop_assert!(reused);
                } else if age >= 25 * HOUR {
                    prop_assert!(!reused && applied.repeats.is_none());
                }
            } else {
                prop_assert!(!reused && applied.repeats.is_none());
            }
            if reused || applied.repeats.is_some() {
                prop_assert_eq!((&applied.delivery, &applied.record), (&None, &None));
            } else {
                settling.push(entry);
            }
        }
    }

    #[test]
    fn a_repeated_or_refused_request_changes_nothing_that_can_be_seen(log in any_log()) {
        let mut state = ChatState::new();
        for entry in &log {
            let before = visible(&state);
            let applied = state.apply(entry);
            if applied.repeats.is_some() || applied.outcome != Outcome::Done {
                prop_assert_eq!(visible(&state), before);
            }
        }
    }
}
