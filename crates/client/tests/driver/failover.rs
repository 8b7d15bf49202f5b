use papo_client::{Event, Outcome};
use papo_transport::Net;

use crate::stage::{Stage, in_memory, over_zeromq};

fn joined<N: Net + Send + 'static>(mut stage: Stage<N>) -> (Stage<N>, papo_client::SessionId) {
    stage.fake.chat().add_channel("geral");
    let ana = stage.log_in("ana");
    stage.join(ana, "geral");
    (stage, ana)
}

#[test]
fn a_broker_that_does_not_answer_is_left_for_another_and_nothing_is_said_twice() {
    let (mut stage, ana) = joined(in_memory(2));
    for silent in [0, 1] {
        stage.fake.silence_broker(silent, true);
        stage.fake.silence_broker(1 - silent, false);
        let request = stage.publish(ana, "geral", &format!("com o {silent} calado"));
        assert!(matches!(stage.answer(&request).outcome, Outcome::Stored(_)));
    }
    assert_eq!(stage.messages(ana, 2), ["com o 0 calado", "com o 1 calado"]);
    assert_eq!(stage.fake.chat().said().len(), 2);
}

#[test]
fn a_broker_that_dies_is_left_for_another() {
    let (mut stage, ana) = joined(over_zeromq(2));
    for dead in [0, 1] {
        stage.fake.stop_broker(dead);
        let request = stage.publish(ana, "geral", &format!("sem o {dead}"));
        assert!(matches!(stage.answer(&request).outcome, Outcome::Stored(_)));
        stage.fake.start_broker(dead);
    }
    assert_eq!(stage.fake.chat().said().len(), 2);
}

#[test]
fn what_the_proxies_lose_is_fetched() {
    let (mut stage, ana) = joined(in_memory(1));
    stage.fake.silence_proxy(0, true);
    stage.fake.say("bia", "geral", "perdida");
    stage.fake.silence_proxy(0, false);
    stage.fake.say("bia", "geral", "entregue");
    assert_eq!(stage.messages(ana, 2), ["perdida", "entregue"]);
}

#[test]
fn without_any_proxy_messages_come_late_but_come() {
    let (mut stage, ana) = joined(in_memory(1));
    stage.fake.silence_proxy(0, true);
    for text in ["um", "dois", "três"] {
        stage.fake.say("bia", "geral", text);
        assert_eq!(stage.messages(ana, 1), [text]);
    }
}

#[test]
fn a_lost_connection_is_told_and_what_was_missed_is_shown_when_it_is_back() {
    let (mut stage, ana) = joined(over_zeromq(1));
    stage.event(ana, &Event::Connected);
    stage.fake.stop_broker(0);
    stage.fake.silence_proxy(0, true);
    stage.event(ana, &Event::Lost);
    for number in 0..5 {
        stage.fake.say("bia", "geral", &number.to_string());
    }
    stage.fake.start_broker(0);
    stage.event(ana, &Event::Connected);
    assert_eq!(stage.messages(ana, 5), ["0", "1", "2", "3", "4"]);
    let missed = stage.wait("the end of it", |_, event| match event {
        Event::CaughtUp { missed, .. } if *missed > 0 => Some(*missed),
        _ => None,
    });
    assert_eq!(missed, 5);
}

#[test]
fn what_is_asked_while_nobody_is_there_is_done_when_somebody_is() {
    let (mut stage, ana) = joined(over_zeromq(1));
    stage.fake.stop_broker(0);
    let request = stage.publish(ana, "geral", "paciência");
    stage.event(ana, &Event::Lost);
    stage.fake.start_broker(0);
    assert!(matches!(stage.answer(&request).outcome, Outcome::Stored(_)));
    assert_eq!(stage.fake.chat().said().len(), 1);
}
