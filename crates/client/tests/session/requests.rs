use std::time::Duration;

use papo_client::{Ask, Event, Outcome, Timing};
use papo_wire::Service;
use papo_wire::reply::{Answer, Reason};

use crate::stage::{Stage, in_channel, publish, service};

#[test]
fn an_unanswered_request_is_sent_again_byte_for_byte() {
    let mut stage = Stage::joined();
    stage.ask("one", publish("geral", "oi"));
    stage.pass(Timing::default().retry * 5 / 2);
    let attempts: Vec<_> = stage.sent.iter().filter(|sent| service(sent) == Service::Publish).collect();
    assert_eq!(attempts.iter().map(|sent| sent.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(attempts.iter().all(|sent| sent.request == attempts[0].request && sent.call == attempts[0].call));
    assert_eq!(attempts[0].request.request_id.as_deref(), Some("one"));
    assert_eq!(attempts[0].request.session.as_deref(), Some("token"));
    assert_eq!(attempts[0].request.seen, 20);
}

#[test]
fn the_first_answer_counts_and_later_ones_are_ignored() {
    let mut stage = Stage::joined();
    stage.ask("one", publish("geral", "oi"));
    stage.pass(Duration::from_millis(1500));
    let call = stage.sent[0].call;
    stage.answer(call, 21, Ok(Answer::Publish));
    stage.answer(call, 21, Ok(Answer::Publish));
    assert_eq!(stage.outcome("one"), &Outcome::Stored(Answer::Publish));
    assert_eq!(stage.answers()[0].index, 21);
}

#[test]
fn a_write_without_an_answer_ends_as_unknown() {
    let mut stage = Stage::joined();
    stage.ask("one", publish("geral", "oi"));
    stage.pass(Duration::from_secs(16));
    assert!(matches!(stage.outcome("one"), Outcome::Unknown(_)));
}

#[test]
fn a_read_without_an_answer_certainly_had_no_effect() {
    let mut stage = Stage::joined();
    stage.ask("one", Ask::Users);
    stage.pass(Duration::from_secs(16));
    assert!(matches!(stage.outcome("one"), Outcome::Failed(_)));
}

#[test]
fn a_write_that_nobody_was_there_to_take_was_never_sent() {
    let mut stage = Stage::joined();
    stage.ask("one", publish("geral", "oi"));
    for _ in 0..200 {
        for sent in std::mem::take(&mut stage.sent) {
            stage.session.not_sent(stage.now, sent.call);
        }
        stage.drain();
        stage.pass(Duration::from_millis(100));
    }
    assert!(matches!(stage.outcome("one"), Outcome::Failed(_)));
}

#[test]
fn a_write_turned_away_before_the_log_is_tried_again_and_then_known_to_have_failed() {
    let mut stage = Stage::joined();
    stage.ask("one", publish("geral", "oi"));
    while stage.answers().is_empty() {
        for sent in std::mem::take(&mut stage.sent) {
            let failure = papo_wire::reply::Failure::new(service(&sent), Reason::NotOrdered);
            stage.answer(sent.call, 0, Err(failure));
        }
        stage.pass(Duration::from_millis(100));
    }
    let Outcome::Failed(failure) = stage.outcome("one") else { panic!("not failed") };
    assert_eq!(failure.reason, Reason::NotOrdered);
}

#[test]
fn one_attempt_in_doubt_makes_the_whole_request_doubtful() {
    let mut stage = Stage::joined();
    stage.ask("one", publish("geral", "oi"));
    // The first attempt is never answered; all others are turned away.
    stage.sent.clear();
    while stage.answers().is_empty() {
        for sent in std::mem::take(&mut stage.sent) {
            let failure = papo_wire::reply::Failure::new(service(&sent), Reason::NotOrdered);
            stage.answer(sent.call, 0, Err(failure));
        }
        stage.pass(Duration::from_millis(100));
    }
    assert!(matches!(stage.outcome("one"), Outcome::Unknown(_)));
}

#[test]
fn an_unknown_outcome_is_settled_by_a_retry_with_the_same_id() {
    let mut stage = Stage::joined();
    stage.ask("one", publish("geral", "oi"));
    stage.fail_last(Reason::Unknown);
    assert!(stage.answers().is_empty());
    stage.pass(Duration::from_millis(100));
    assert_eq!(stage.last().attempt, 2);
    assert_eq!(stage.last().request.request_id.as_deref(), Some("one"));
    stage.answer_last(21, Answer::Publish);
    assert_eq!(stage.outcome("one"), &Outcome::Stored(Answer::Publish));
}

#[test]
fn a_decision_is_final() {
    let mut stage = Stage::joined();
    stage.ask("one", publish("nada", "oi"));
    stage.fail_last(Reason::NoSuchChannel);
    let Outcome::Refused(failure) = stage.outcome("one") else { panic!("not refused") };
    assert_eq!(failure.description, "Canal não existe.");
}

#[test]
fn what_no_servidor_would_take_is_refused_without_asking_one() {
    let mut stage = Stage::joined();
    stage.ask("empty", publish("geral", ""));
    stage.ask("control", publish("geral", "\u{1b}[2J"));
    stage.ask("name", Ask::CreateChannel("user:ana".to_owned()));
    assert!(stage.sent.is_empty());
    for id in ["empty", "control", "name"] {
        let Outcome::Refused(failure) = stage.outcome(id) else { panic!("{id} not refused") };
        assert_eq!(failure.reason, Reason::BadRequest);
    }
}

#[test]
fn only_a_user_can_speak() {
    let mut stage = Stage::new();
    stage.ask("one", publish("geral", "oi"));
    assert!(stage.sent.is_empty());
    assert!(matches!(stage.outcome("one"), Outcome::Refused(_)));
    let mut stage = Stage::logged_in();
    stage.ask("two", Ask::Login { user: "bia".to_owned(), saved: None });
    assert!(matches!(stage.outcome("two"), Outcome::Refused(_)));
}

#[test]
fn writes_go_one_at_a_time_in_the_order_they_were_asked() {
    let mut stage = Stage::joined();
    for id in ["one", "two", "three"] {
        stage.ask(id, publish("geral", id));
    }
    for (number, id) in ["one", "two", "three"].into_iter().enumerate() {
        assert_eq!(stage.sent.len(), number + 1);
        assert_eq!(stage.last().request.request_id.as_deref(), Some(id));
        stage.answer_last(21 + number as u64, Answer::Publish);
    }
    let ended: Vec<_> = stage.answers().iter().map(|answered| answered.request.to_string()).collect();
    assert_eq!(ended, ["one", "two", "three"]);
}

#[test]
fn a_write_whose_turn_does_not_come_in_time_has_certainly_failed() {
    let mut stage = Stage::joined();
    stage.ask("one", publish("geral", "1"));
    stage.ask("two", publish("geral", "2"));
    stage.pass(Duration::from_secs(16));
    assert!(matches!(stage.outcome("one"), Outcome::Unknown(_)));
    assert!(matches!(stage.outcome("two"), Outcome::Failed(_)));
}

#[test]
fn seeing_ones_own_message_is_as_good_as_an_answer() {
    let mut stage = Stage::joined();
    stage.ask("one", publish("geral", "oi"));
    let call = stage.last().call;
    let mut said = in_channel(21, "geral");
    said.request_id = Some("one".to_owned());
    stage.deliver(said, 0);
    assert_eq!(stage.outcome("one"), &Outcome::Stored(Answer::Publish));
    let shown: Vec<_> = stage.messages().collect();
    assert_eq!(shown[0].own.as_ref().map(ToString::to_string).as_deref(), Some("one"));
    stage.answer(call, 21, Ok(Answer::Publish));
    assert_eq!(stage.answers().len(), 1);
}

#[test]
fn every_request_tells_the_highest_index_seen() {
    let mut stage = Stage::joined();
    stage.deliver(in_channel(35, "geral"), 0);
    stage.ask("one", Ask::Users);
    assert_eq!(stage.last().request.seen, 35);
    stage.answer_last(40, Answer::Users(Vec::new()));
    stage.ask("two", Ask::Channels);
    assert_eq!(stage.last().request.seen, 40);
    stage.answer_last(38, Answer::Channels(Vec::new()));
    assert_eq!(stage.session.seen(), 40);
    assert_eq!(stage.answers()[1].seen, 40);
}

#[test]
fn who_finds_another_cluster_in_the_place_of_its_own_is_told_so_at_once() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(3));
    stage.fail_last(Reason::Ahead);
    assert!(stage.events.iter().any(|event| matches!(event, Event::Estranged(_))));
    assert!(stage.subscribed.is_empty());
}
