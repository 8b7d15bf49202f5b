use std::time::Duration;

use papo_client::{Ask, Event};
use papo_core::chat::To;
use papo_wire::reply::{Answer, SyncPage};

use crate::stage::{Stage, in_channel, in_private, page};

fn geral() -> Vec<String> {
    vec!["geral".to_owned()]
}

#[test]
fn a_message_is_shown_when_it_is_delivered() {
    let mut stage = Stage::joined();
    stage.deliver(in_channel(21, "geral"), 15);
    stage.deliver(in_private(22, "bia", "ana"), 0);
    assert_eq!(stage.shown(), [21, 22]);
    assert!(stage.messages().all(|shown| !shown.missed));
    assert!(stage.sent.is_empty());
}

#[test]
fn two_proxies_deliver_everything_twice_and_it_is_shown_once() {
    let mut stage = Stage::joined();
    for _ in 0..2 {
        stage.deliver(in_channel(21, "geral"), 0);
        stage.deliver(in_channel(22, "geral"), 21);
    }
    assert_eq!(stage.shown(), [21, 22]);
}

#[test]
fn a_gap_is_filled_before_anything_newer_is_shown() {
    let mut stage = Stage::joined();
    stage.deliver(in_channel(21, "geral"), 0);
    stage.deliver(in_channel(25, "geral"), 23);
    stage.deliver(in_private(26, "bia", "ana"), 0);
    assert_eq!(stage.shown(), [21]);
    assert_eq!(stage.syncs(), [20]);
    assert_eq!(stage.last().request.seen, 25);
    let missed = [21, 22, 23, 25].map(|index| in_channel(index, "geral")).to_vec();
    stage.answer_last(25, page(25, missed, geral()));
    assert_eq!(stage.shown(), [21, 22, 23, 25, 26]);
    assert!(stage.events.contains(&Event::CaughtUp { upto: 25, missed: 3 }));
}

#[test]
fn a_page_that_does_not_reach_far_enough_is_followed_by_another() {
    let mut stage = Stage::joined();
    stage.deliver(in_channel(22, "geral"), 21);
    stage.deliver(in_channel(25, "geral"), 24);
    stage.answer_last(22, page(22, vec![in_channel(21, "geral"), in_channel(22, "geral")], geral()));
    assert_eq!(stage.shown(), [21, 22]);
    stage.pass(Duration::ZERO);
    assert_eq!(stage.syncs(), [20, 22]);
    stage.answer_last(25, page(25, vec![in_channel(24, "geral"), in_channel(25, "geral")], geral()));
    assert_eq!(stage.shown(), [21, 22, 24, 25]);
}

#[test]
fn pages_are_fetched_until_there_are_no_more() {
    let mut stage = Stage::joined();
    stage.deliver(in_channel(90, "geral"), 80);
    let first = SyncPage {
        messages: vec![papo_wire::reply::Message { said: in_channel(50, "geral"), previous: None }],
        more: true,
        upto: 50,
        channels: geral(),
    };
    stage.answer_last(90, Answer::Sync(first));
    assert_eq!(stage.syncs(), [20, 50]);
    stage.answer_last(90, page(90, vec![in_channel(80, "geral"), in_channel(90, "geral")], geral()));
    assert_eq!(stage.shown(), [50, 80, 90]);
}

#[test]
fn a_lost_last_message_is_found_by_its_tip() {
    let mut stage = Stage::joined();
    stage.tip(To::Channel("geral".to_owned()), 21);
    assert_eq!(stage.syncs(), [20]);
    assert_eq!(stage.last().request.seen, 21);
    stage.answer_last(21, page(21, vec![in_channel(21, "geral")], geral()));
    assert_eq!(stage.shown(), [21]);
}

#[test]
fn a_tip_of_what_was_shown_is_no_news() {
    let mut stage = Stage::joined();
    stage.deliver(in_channel(21, "geral"), 0);
    stage.tip(To::Channel("geral".to_owned()), 21);
    stage.tip(To::Channel("outro".to_owned()), 99);
    assert!(stage.sent.is_empty());
}

#[test]
fn a_lost_last_message_without_a_tip_is_found_in_the_next_silence() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(3));
    assert_eq!(stage.syncs(), [20]);
    stage.answer_last(21, page(21, vec![in_channel(21, "geral")], geral()));
    assert_eq!(stage.shown(), [21]);
}

#[test]
fn a_busy_session_asks_too_though_less_often() {
    let mut stage = Stage::joined();
    for index in 21..51 {
        stage.deliver(in_channel(index, "geral"), index - 1);
        stage.pass(Duration::from_millis(500));
    }
    assert_eq!(stage.syncs(), [20]);
}

#[test]
fn deliveries_go_on_while_a_session_only_makes_sure() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(3));
    stage.deliver(in_channel(21, "geral"), 0);
    assert_eq!(stage.shown(), [21]);
    stage.answer_last(21, page(21, vec![in_channel(21, "geral")], geral()));
    assert_eq!(stage.shown(), [21]);
}

#[test]
fn joining_shows_what_is_said_from_then_on() {
    let mut stage = Stage::logged_in();
    stage.ask("join", Ask::Join("geral".to_owned()));
    assert!(stage.subscribed.iter().all(|topic| matches!(topic, To::User(_))));
    stage.answer_last(30, Answer::Join);
    assert!(stage.events.contains(&Event::Following { channel: "geral".to_owned(), after: 30 }));
    assert!(stage.subscribed.contains(&To::Channel("geral".to_owned())));
    stage.deliver(in_channel(29, "geral"), 0);
    stage.deliver(in_channel(31, "geral"), 29);
    assert_eq!(stage.shown(), [31]);
}

#[test]
fn what_is_said_before_a_new_subscription_works_is_fetched_soon() {
    let mut stage = Stage::logged_in();
    stage.ask("join", Ask::Join("geral".to_owned()));
    stage.answer_last(30, Answer::Join);
    stage.pass(Duration::from_millis(250));
    stage.answer_last(32, page(32, vec![in_channel(28, "geral"), in_channel(32, "geral")], geral()));
    assert_eq!(stage.shown(), [32]);
}

#[test]
fn leaving_ends_it() {
    let mut stage = Stage::joined();
    stage.deliver(in_channel(21, "geral"), 0);
    stage.ask("leave", Ask::Leave("geral".to_owned()));
    stage.answer_last(22, Answer::Leave);
    stage.deliver(in_channel(23, "geral"), 21);
    assert_eq!(stage.shown(), [21]);
    assert!(stage.events.contains(&Event::Unfollowed { channel: "geral".to_owned(), upto: 21 }));
    assert!(!stage.subscribed.contains(&To::Channel("geral".to_owned())));
}

#[test]
fn a_page_from_before_a_leave_does_not_bring_the_channel_back() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(3));
    let sync = stage.last().call;
    stage.ask("leave", Ask::Leave("geral".to_owned()));
    stage.answer_last(30, Answer::Leave);
    stage.answer(sync, 25, Ok(page(25, Vec::new(), geral())));
    assert!(!stage.subscribed.contains(&To::Channel("geral".to_owned())));
}

#[test]
fn a_channel_joined_elsewhere_is_followed() {
    let mut stage = Stage::logged_in();
    stage.pass(Duration::from_secs(3));
    stage.answer_last(30, page(30, vec![in_channel(28, "geral")], geral()));
    assert_eq!(stage.shown(), [28]);
    assert!(stage.subscribed.contains(&To::Channel("geral".to_owned())));
    stage.deliver(in_channel(31, "geral"), 28);
    assert_eq!(stage.shown(), [28, 31]);
}

#[test]
fn a_channel_left_elsewhere_is_dropped() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(3));
    stage.answer_last(30, page(30, Vec::new(), Vec::new()));
    assert!(!stage.subscribed.contains(&To::Channel("geral".to_owned())));
}

#[test]
fn private_messages_that_the_user_sent_from_elsewhere_are_told_once() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(3));
    let sent = || in_private(24, "ana", "bia");
    stage.answer_last(24, page(24, vec![sent()], geral()));
    stage.pass(Duration::from_secs(3));
    stage.answer_last(24, page(24, vec![sent()], geral()));
    assert_eq!(stage.shown(), [24]);
}

#[test]
fn a_session_that_is_told_everything_too_late_wants_its_subscriptions_renewed() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(3));
    stage.answer_last(21, page(21, vec![in_channel(21, "geral")], geral()));
    assert_eq!(stage.deaf, 0, "the page may only have been faster");
    stage.pass(Duration::from_millis(250));
    stage.answer_last(21, page(21, Vec::new(), geral()));
    assert_eq!(stage.deaf, 1);
}

#[test]
fn a_page_that_was_only_faster_than_the_delivery_is_no_reason_to_worry() {
    let mut stage = Stage::joined();
    stage.pass(Duration::from_secs(3));
    stage.answer_last(21, page(21, vec![in_channel(21, "geral")], geral()));
    stage.deliver(in_channel(21, "geral"), 0);
    stage.pass(Duration::from_millis(250));
    stage.answer_last(21, page(21, Vec::new(), geral()));
    assert_eq!((stage.deaf, stage.shown()), (0, vec![21]));
}

#[test]
fn a_channel_that_was_left_and_is_joined_again_elsewhere_is_not_shown_again() {
    let mut stage = Stage::joined();
    stage.deliver(in_channel(21, "geral"), 0);
    stage.ask("leave", Ask::Leave("geral".to_owned()));
    stage.answer_last(22, Answer::Leave);
    stage.pass(Duration::from_secs(3));
    assert_eq!(stage.syncs(), [20]);
    stage.answer_last(30, page(30, vec![in_channel(21, "geral"), in_channel(29, "geral")], geral()));
    assert_eq!(stage.shown(), [21, 29]);
}
