use std::time::Duration;

use papo_client::{Ask, Event};
use papo_wire::reply::{Answer, Reason};

use crate::stage::{Stage, in_channel, page, publish};

fn geral() -> Vec<String> {
    vec!["geral".to_owned()]
}

#[test]
fn the_first_answer_is_the_connection() {
    let mut stage = Stage::new();
    stage.ask("one", Ask::Channels);
    assert!(stage.events.is_empty());
    stage.answer_last(5, Answer::Channels(geral()));
    assert_eq!(stage.events[0], Event::Connected);
}

#[test]
fn an_idle_session_finds_out_that_nobody_is_there() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(7));
    assert_eq!(stage.events, [Event::Lost]);
    assert!(stage.syncs().len() > 2, "it goes on trying");
}

#[test]
fn an_idle_session_that_is_answered_stays_quiet() {
    let mut stage = Stage::joined();
    for _ in 0..20 {
        stage.pass(Duration::from_secs(3));
        stage.answer_last(20, page(20, Vec::new(), geral()));
    }
    assert!(stage.events.is_empty());
    assert_eq!(stage.sent.len(), 20);
}

#[test]
fn after_a_loss_what_was_missed_comes_before_what_is_new() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(7));
    // The proxy is back before the broker.
    stage.deliver(in_channel(23, "geral"), 22);
    assert_eq!(stage.events, [Event::Lost]);
    stage.answer_last(23, page(23, [21, 22, 23].map(|index| in_channel(index, "geral")).to_vec(), geral()));
    assert_eq!(stage.events[1], Event::Connected);
    assert_eq!(stage.shown(), [21, 22, 23]);
    assert_eq!(stage.events.last(), Some(&Event::CaughtUp { upto: 23, missed: 3 }));
}

#[test]
fn a_cluster_that_only_turns_requests_away_is_lost_once_and_not_every_time() {
    let mut stage = Stage::joined();
    for _ in 0..200 {
        for sent in std::mem::take(&mut stage.sent) {
            let failure = papo_wire::reply::Failure::new(sent.request.service(), Reason::Unavailable);
            stage.answer(sent.call, 0, Err(failure));
        }
        stage.pass(Duration::from_millis(100));
    }
    assert_eq!(stage.events, [Event::Lost]);
}

#[test]
fn a_request_that_is_given_up_does_not_leave_a_silence_behind() {
    let mut stage = Stage::new();
    stage.ask("one", Ask::Channels);
    stage.answer_last(5, Answer::Channels(geral()));
    stage.ask("two", Ask::Channels);
    stage.pass(Duration::from_secs(60));
    let lost = stage.events.iter().filter(|event| **event == Event::Lost).count();
    assert_eq!(lost, 1, "while it was waited for, and not again");
    assert_eq!(stage.session.next_deadline(), None);
}

#[test]
fn a_request_made_while_the_connection_is_lost_is_delivered_when_it_is_back() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(7));
    stage.ask("one", publish("geral", "oi"));
    stage.pass(Duration::from_secs(5));
    stage.answer_last(21, Answer::Publish);
    assert!(stage.events.contains(&Event::Connected));
}
