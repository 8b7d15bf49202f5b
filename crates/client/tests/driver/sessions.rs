use papo_client::{Ask, Event, Outcome, To};
use papo_transport::Net;

use crate::stage::{Stage, in_memory, over_zeromq, quick};

fn two_people_talk<N: Net + Send + 'static>(mut stage: Stage<N>) {
    stage.fake.chat().add_channel("geral");
    let (ana, bia) = (stage.log_in("ana"), stage.log_in("bia"));
    stage.join(ana, "geral");
    stage.join(bia, "geral");
    let request = stage.publish(ana, "geral", "bom dia");
    assert!(matches!(stage.answer(&request).outcome, Outcome::Stored(_)));
    assert_eq!(stage.messages(bia, 1), ["bom dia"]);
    assert_eq!(stage.messages(ana, 1), ["bom dia"]);
    let private = Ask::Message { to: "ana".to_owned(), text: "oi".to_owned() };
    let request = stage.handle.ask(bia, private);
    assert!(matches!(stage.answer(&request).outcome, Outcome::Stored(_)));
    assert_eq!(stage.messages(ana, 1), ["oi"]);
}

#[test]
fn two_people_talk_in_memory() {
    two_people_talk(in_memory(1));
}

#[test]
fn two_people_talk_over_zeromq() {
    two_people_talk(over_zeromq(2));
}

#[test]
fn a_thousand_sessions_share_one_thread() {
    let mut stage = in_memory(2);
    stage.fake.chat().add_channel("geral");
    let sessions: Vec<_> = (0..1000).map(|_| stage.handle.open(quick())).collect();
    for (number, session) in sessions.iter().enumerate() {
        stage.handle.ask(*session, Ask::Login { user: format!("bot {number}"), saved: None });
    }
    for _ in &sessions {
        stage.wait("a login", |_, event| matches!(event, Event::LoggedIn { .. }).then_some(()));
    }
    for session in &sessions {
        stage.handle.ask(*session, Ask::Join("geral".to_owned()));
    }
    for _ in &sessions {
        stage.wait("a join", |_, event| matches!(event, Event::Following { .. }).then_some(()));
    }
    stage.fake.say("ana", "geral", "bom dia a todos");
    let mut shown = 0;
    while shown < sessions.len() {
        stage.wait("the message", |_, event| matches!(event, Event::Message(_)).then_some(()));
        shown += 1;
    }
}

#[test]
fn a_topic_that_only_begins_like_a_followed_one_is_not_shown() {
    let mut stage = in_memory(1);
    for channel in ["ger", "geral"] {
        stage.fake.chat().add_channel(channel);
    }
    let ana = stage.log_in("ana");
    stage.join(ana, "ger");
    stage.fake.say("bia", "geral", "para outros");
    stage.fake.say("bia", "ger", "para nós");
    assert_eq!(stage.messages(ana, 1), ["para nós"]);
}

#[test]
fn what_was_said_while_nobody_was_there_is_shown_to_a_later_session_once() {
    let mut stage = in_memory(1);
    stage.fake.chat().add_channel("geral");
    let ana = stage.log_in("ana");
    stage.join(ana, "geral");
    stage.fake.say("bia", "geral", "um");
    assert_eq!(stage.messages(ana, 1), ["um"]);
    let saved = stage.wait("progress", |_, event| match event {
        Event::Progress(saved) if saved.channels.get("geral").is_some_and(|last| *last > 2) => {
            Some(saved.clone())
        }
        _ => None,
    });
    stage.handle.close(ana);
    stage.fake.say("bia", "geral", "dois");
    stage.fake.whisper("bia", "ana", "três");
    let ana = stage.log_in_as("ana", Some(saved));
    assert_eq!(stage.messages(ana, 2), ["dois", "três"]);
    let missed = stage.wait("the end of it", |of, event| match event {
        Event::CaughtUp { missed, .. } if of == ana => Some(*missed),
        _ => None,
    });
    assert_eq!(missed, 2);
}

#[test]
fn a_page_of_history_is_an_answer_like_any_other() {
    let mut stage = in_memory(1);
    stage.fake.chat().add_channel("geral");
    let ana = stage.log_in("ana");
    stage.fake.say("bia", "geral", "antes");
    let history =
        Ask::History { of: To::Channel("geral".to_owned()), page: papo_client::Page::Newest, limit: 10 };
    let request = stage.handle.ask(ana, history);
    let Outcome::Stored(papo_client::Answer::History(page)) = stage.answer(&request).outcome else {
        panic!("no page")
    };
    assert_eq!(page.messages[0].said.message, "antes");
}

#[test]
fn stopping_ends_the_events() {
    let stage = in_memory(1);
    stage.handle.stop();
    assert!(stage.has_ended());
}
