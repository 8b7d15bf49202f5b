use std::time::Duration;

use papo_client::{Ask, Event, Saved, SessionOptions};
use papo_core::chat::To;
use papo_wire::reply::{Answer, Reason};

use crate::stage::{Stage, in_channel, in_private, page};

fn geral() -> Vec<String> {
    vec!["geral".to_owned()]
}

fn saved() -> Saved {
    let mut stage = Stage::joined();
    stage.deliver(in_channel(25, "geral"), 0);
    stage.session.saved().expect("it is logged in")
}

#[test]
fn a_later_session_goes_on_where_the_earlier_one_stopped() {
    let mut stage = Stage::new();
    stage.ask("login", Ask::Login { user: "ana".to_owned(), saved: Some(saved()) });
    assert_eq!(stage.last().request.session.as_deref(), Some("token"));
    assert_eq!(stage.last().request.seen, 25, "a servidor that lags would not know the user");
    stage.answer_last(40, Answer::Login { user: "ana".to_owned(), session: "token".to_owned() });
    assert!(stage.subscribed.contains(&To::Channel("geral".to_owned())));
    assert_eq!(stage.syncs(), [20]);
    let missed = vec![in_channel(25, "geral"), in_private(30, "bia", "ana"), in_channel(31, "geral")];
    stage.answer_last(40, page(40, missed, geral()));
    assert_eq!(stage.shown(), [30, 31]);
    assert!(stage.events.contains(&Event::CaughtUp { upto: 40, missed: 2 }));
}

#[test]
fn positions_of_another_cluster_are_forgotten() {
    let mut stage = Stage::new();
    stage.ask("login", Ask::Login { user: "ana".to_owned(), saved: Some(saved()) });
    stage.answer_last(3, Answer::Login { user: "ana".to_owned(), session: "other".to_owned() });
    assert_eq!(stage.syncs(), [0]);
    assert_eq!(stage.session.seen(), 3);
    assert_eq!(stage.session.saved().expect("it is logged in").token, "other");
}

#[test]
fn a_login_works_in_a_cluster_whose_log_is_shorter() {
    let mut stage = Stage::new();
    stage.ask("login", Ask::Login { user: "ana".to_owned(), saved: Some(saved()) });
    stage.fail_last(Reason::Ahead);
    assert_eq!(stage.last().request.seen, 0, "one word is enough: a majority stands behind it");
    assert_eq!(stage.last().request.request_id.as_deref(), Some("login"));
    stage.answer_last(3, Answer::Login { user: "ana".to_owned(), session: "other".to_owned() });
    assert_eq!(stage.syncs(), [0]);
    assert_eq!(stage.last().request.seen, 3);
}

#[test]
fn progress_is_told_after_the_messages_that_it_covers() {
    let mut stage = Stage::with(SessionOptions { progress: true, ..SessionOptions::default() });
    stage.ask("login", Ask::Login { user: "ana".to_owned(), saved: None });
    stage.answer_last(10, Answer::Login { user: "ana".to_owned(), session: "token".to_owned() });
    stage.answer_last(10, page(10, Vec::new(), geral()));
    stage.pass(Duration::from_millis(250));
    stage.answer_last(10, page(10, Vec::new(), geral()));
    stage.clear();
    stage.deliver(in_channel(11, "geral"), 0);
    let [Event::Message(shown), Event::Progress(saved)] = stage.events.as_slice() else {
        panic!("{:?}", stage.events)
    };
    assert_eq!((shown.said.index, saved.channels["geral"], saved.complete), (11, 11, 10));
}

#[test]
fn a_leave_that_the_earlier_process_did_not_live_to_hear_of_is_noticed() {
    let mut stage = Stage::new();
    stage.ask("login", Ask::Login { user: "ana".to_owned(), saved: Some(saved()) });
    stage.answer_last(40, Answer::Login { user: "ana".to_owned(), session: "token".to_owned() });
    let sync = stage.last().call;
    stage.ask("join", Ask::Join("geral".to_owned()));
    stage.answer_last(45, Answer::Join);
    // Made after the leave and before the join.
    stage.answer(sync, 42, Ok(page(42, Vec::new(), Vec::new())));
    assert!(stage.events.contains(&Event::Unfollowed { channel: "geral".to_owned(), upto: 25 }));
    stage.pass(Duration::from_millis(250));
    stage.answer_last(46, page(46, vec![in_channel(46, "geral")], geral()));
    assert_eq!(stage.shown(), [46]);
}
