use std::fs;

use papo_wire::names;
use papo_wire::request::{Body, Request};

use crate::stage::Stage;

#[test]
fn a_login_survives_and_only_what_was_missed_is_shown() {
    let stage = Stage::new();
    let mut client = stage.start(&["--user", "ana", "--channel", "geral"]);
    client.line_with("você está em #geral");
    stage.fake.say("bia", "geral", "vista");
    client.line_with("vista");
    client.write("sair\n");
    assert!(client.wait().success());
    stage.fake.say("bia", "geral", "perdida");
    stage.fake.whisper("bia", "ana", "em segredo");
    let mut client = stage.start(&["--user", "ana", "--stay"]);
    client.line_with("você está em #geral");
    client.line_with("perdida");
    client.line_with("bia → você: em segredo");
    client.line_with("2 mensagens de enquanto você esteve fora");
    client.terminate();
    client.wait();
    assert!(client.rest().iter().all(|line| !line.contains("vista")));
}

#[test]
fn a_client_that_was_killed_comes_back_by_itself() {
    let stage = Stage::new();
    let mut client = stage.start(&["--user", "ana", "--channel", "geral", "--stay"]);
    client.line_with("você está em #geral");
    stage.fake.say("bia", "geral", "vista");
    client.line_with("vista");
    // The file is written after the line.
    let file = stage.home.path().join(".local/state/papo/users/ana.json");
    let index = stage.fake.chat().said()[0].index;
    crate::stage::until("the note of it", || {
        fs::read_to_string(&file).is_ok_and(|text| text.contains(&format!("\"geral\":{index}")))
    });
    client.process.kill().expect("it runs");
    client.wait();
    stage.fake.say("bia", "geral", "perdida");
    let mut client = stage.start(&["--stay"]);
    client.line_with("você entrou como ana");
    client.line_with("perdida");
}

#[test]
fn who_has_left_does_not_come_back_by_themselves() {
    let stage = Stage::new();
    let (_, status) = stage.run(&["--user", "ana"], "sair\n");
    assert!(status.success());
    let (lines, _) = stage.run(&[], "");
    assert!(lines.is_empty(), "{lines:#?}");
}

#[test]
fn a_first_login_whose_answer_nobody_heard_is_asked_again_under_its_id() {
    let stage = Stage::new();
    let body = Body::Login { user: names::parse("ana").expect("a name") };
    let first = Request { request_id: Some("first".to_owned()), ..Request::new(body) };
    stage.fake.chat().serve(&first.encode());
    let users = stage.home.path().join("state/users");
    fs::create_dir_all(&users).expect("it is created");
    fs::write(users.join("ana.json"), r#"{"login":"first"}"#).expect("it is written");
    let state = stage.home.path().join("state");
    let (lines, status) = stage.run(&["--state", &state.to_string_lossy(), "--user", "ana"], "");
    assert!(status.success(), "{lines:#?}");
    assert!(lines[0].contains("você entrou como ana"), "{lines:#?}");
}

#[test]
fn a_directory_that_cannot_be_written_costs_the_session_and_nothing_else() {
    let stage = Stage::new();
    let state = stage.home.path().join("file");
    fs::write(&state, "no directory").expect("it is written");
    let (lines, status) =
        stage.run(&["--state", &state.to_string_lossy(), "--user", "ana"], "publish geral oi\n");
    assert!(status.success(), "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.contains("Não consegui guardar a sessão")).count(), 1);
    assert_eq!(stage.fake.chat().said().len(), 1);
}
