use crate::stage::{Stage, until};

#[test]
fn every_step_of_a_message_is_an_object() {
    let stage = Stage::new();
    let mut client = stage.start(&["--user", "ana", "--channel", "geral", "--json"]);
    assert_eq!(client.event("login")["user"], "ana");
    assert_eq!(client.event("entered")["channel"], "geral");
    client.write("bom dia\n");
    let pending = client.event("pending");
    let answer = client.event("answer");
    assert_eq!(pending["text"], "bom dia");
    assert_eq!(pending["request_id"], answer["request_id"]);
    assert_eq!(answer["outcome"], "stored");
    stage.fake.say("bia", "geral", "um\ndois");
    let message = loop {
        let message = client.event("message");
        if message["own"] == false {
            break message;
        }
    };
    assert_eq!(message["from"], "bia");
    assert_eq!(message["text"], "um\ndois");
    assert_eq!(message["channel"], "geral");
    assert_eq!(message["timestamp"], "2025-11-03T21:14:07.000000Z");
    assert_eq!(message["missed"], false);
}

#[test]
fn a_program_asks_for_lists_and_pages() {
    let stage = Stage::new();
    stage.fake.say("bia", "geral", "antes");
    let mut client = stage.start(&["--json"]);
    client.write("canais\nlistar\nhistorico geral\n/nada\n");
    assert_eq!(client.event("channels")["channels"], serde_json::json!(["geral"]));
    assert_eq!(client.event("users")["users"], serde_json::json!([]));
    let history = client.event("history");
    assert_eq!(history["messages"][0]["text"], "antes");
    assert_eq!(history["more"], false);
    client.event("error");
    client.close_input();
    assert_eq!(client.wait().code(), Some(1));
}

#[test]
fn with_stay_the_end_of_the_input_is_not_the_end() {
    let stage = Stage::new();
    let mut client = stage.start(&["--user", "ana", "--channel", "geral", "--json", "--stay"]);
    client.event("entered");
    client.close_input();
    for text in ["um", "dois"] {
        stage.fake.say("bia", "geral", text);
        assert_eq!(client.event("message")["text"], text);
    }
    client.terminate();
    assert!(client.wait().success());
}

#[test]
fn with_stay_leaving_leads_to_the_next_login() {
    let stage = Stage::new();
    let mut client = stage.start(&["--json", "--stay"]);
    for user in ["ana", "bia"] {
        client.write(&format!("login {user}\nsair\n"));
        assert_eq!(client.event("login")["user"], user);
        assert_eq!(client.event("logout")["user"], user);
    }
}

#[test]
fn a_loss_is_told_and_what_was_missed_is_marked() {
    let mut stage = Stage::new();
    let mut client = stage.start(&["--user", "ana", "--channel", "geral", "--json", "--stay"]);
    client.event("entered");
    stage.fake.stop_broker(0);
    stage.fake.silence_proxy(0, true);
    client.event("lost");
    stage.fake.say("bia", "geral", "perdida");
    stage.fake.start_broker(0);
    client.event("connected");
    let message = client.event("message");
    assert_eq!((&message["text"], &message["missed"]), (&"perdida".into(), &true.into()));
    assert_eq!(client.event("caught_up")["missed"], 1);
}

#[test]
fn it_waits_for_a_chat_that_is_not_there_yet() {
    let mut stage = Stage::new();
    stage.fake.stop_broker(0);
    let mut client = stage.start(&["--user", "ana", "--json", "--stay"]);
    client.event("lost");
    stage.fake.start_broker(0);
    assert_eq!(client.event("login")["user"], "ana");
    until("the first sync", || !stage.fake.chat().requests.is_empty());
}
