//! Objects for programs, one a line. Their keys are told by `--help`.

use papo_client::{Answered, Failure, Outcome, Said, To};
use papo_wire::timestamp;
use serde_json::{Map, Value, json};

use super::clean;
use crate::controller::{Notice, Own};

pub(super) fn tell(notice: &Notice) -> Option<String> {
    let object = match notice {
        Notice::Connected { .. } => json!({ "event": "connected" }),
        Notice::Lost => json!({ "event": "lost" }),
        Notice::LoggedIn { user } => json!({ "event": "login", "user": user }),
        Notice::LoggedOut { user } => json!({ "event": "logout", "user": user }),
        Notice::Estranged(failure) => with(failure_keys(failure), "estranged"),
        Notice::Following(channel) => json!({ "event": "joined", "channel": channel }),
        Notice::Unfollowed(channel) => json!({ "event": "left", "channel": channel }),
        Notice::Entered { channel, .. } => json!({ "event": "entered", "channel": channel }),
        Notice::CaughtUp { index, missed, .. } => {
            json!({ "event": "caught_up", "index": index, "missed": missed })
        }
        Notice::Message(shown) => {
            let mut keys = said_keys(&shown.said);
            keys.insert("missed".to_owned(), shown.missed.into());
            keys.insert("own".to_owned(), shown.own.is_some().into());
            with(keys, "message")
        }
        // The message itself follows, and the request's end was told.
        Notice::Settled(_) | Notice::Pending { late: true, .. } | Notice::Remark(_) => return None,
        Notice::Pending { request, own, late: false } => {
            let mut keys = own_keys(own);
            keys.insert("request_id".to_owned(), request.as_str().into());
            keys.insert("service".to_owned(), own.service().as_str().into());
            with(keys, "pending")
        }
        Notice::Answered { answered, own, .. } => with(answer_keys(answered, own.as_ref()), "answer"),
        Notice::Users(users) => json!({ "event": "users", "users": users }),
        Notice::Channels { all, .. } => json!({ "event": "channels", "channels": all }),
        Notice::Page { of, messages, more, .. } => {
            let (key, name) = match of {
                To::Channel(channel) => ("channel", channel),
                To::User(user) => ("with", user),
            };
            let messages: Vec<_> = messages.iter().map(|said| Value::Object(said_keys(said))).collect();
            json!({ "event": "history", key: name, "messages": messages, "more": more })
        }
        Notice::Mistake(text) => json!({ "event": "error", "text": text }),
    };
    Some(clean::json(&object.to_string()))
}

/// With `event` in front.
fn with(keys: Map<String, Value>, event: &str) -> Value {
    let mut object = Map::new();
    object.insert("event".to_owned(), event.into());
    object.extend(keys);
    Value::Object(object)
}

fn said_keys(said: &Said) -> Map<String, Value> {
    let mut keys = Map::new();
    keys.insert("index".to_owned(), said.index.into());
    place(&mut keys, &said.to);
    keys.insert("from".to_owned(), said.from.as_str().into());
    keys.insert("text".to_owned(), said.message.as_str().into());
    keys.insert("timestamp".to_owned(), timestamp::format(said.time).into());
    keys.insert("clock".to_owned(), said.clock.get().into());
    if let Some(id) = &said.request_id {
        keys.insert("request_id".to_owned(), id.as_str().into());
    }
    keys
}

fn own_keys(own: &Own) -> Map<String, Value> {
    let mut keys = Map::new();
    place(&mut keys, &own.to);
    keys.insert("text".to_owned(), own.text.as_str().into());
    keys
}

fn answer_keys(answered: &Answered, own: Option<&Own>) -> Map<String, Value> {
    let mut keys = own.map(own_keys).unwrap_or_default();
    keys.insert("request_id".to_owned(), answered.request.as_str().into());
    keys.insert("service".to_owned(), answered.service.as_str().into());
    keys.insert("index".to_owned(), answered.index.into());
    let outcome = match &answered.outcome {
        Outcome::Stored(_) => "stored",
        Outcome::Refused(_) => "refused",
        Outcome::Unknown(_) => "unknown",
        Outcome::Failed(_) => "failed",
    };
    keys.insert("outcome".to_owned(), outcome.into());
    if let Some(failure) = answered.outcome.failure() {
        keys.extend(failure_keys(failure));
    }
    keys
}

fn failure_keys(failure: &Failure) -> Map<String, Value> {
    let mut keys = Map::new();
    keys.insert("reason".to_owned(), failure.reason.as_str().into());
    keys.insert("description".to_owned(), failure.description.as_ref().into());
    keys
}

fn place(keys: &mut Map<String, Value>, to: &To) {
    let (key, name) = match to {
        To::Channel(channel) => ("channel", channel),
        To::User(user) => ("to", user),
    };
    keys.insert(key.to_owned(), name.as_str().into());
}

#[cfg(test)]
mod tests {
    use papo_client::{RequestId, Service};

    use super::*;

    #[test]
    fn every_event_is_one_line_that_says_what_it_is() {
        let own =
            Own { from: "ana".to_owned(), to: To::User("bia".to_owned()), text: "um\ndois\u{9b}".to_owned() };
        let pending = Notice::Pending { request: RequestId::from("one"), own, late: false };
        let line = tell(&pending).expect("it is told");
        assert_eq!(
            line,
            r#"{"event":"pending","request_id":"one","service":"message","text":"um\ndois\u009b","to":"bia"}"#
        );
    }

    #[test]
    fn a_failure_tells_its_reason() {
        let failure = Failure::new(Service::Publish, papo_client::Reason::NoSuchChannel);
        let answered = Answered {
            request: RequestId::from("one"),
            service: Service::Publish,
            seen: 0,
            index: 9,
            outcome: Outcome::Refused(failure),
        };
        let line = tell(&Notice::Answered { answered, own: None, hint: None }).expect("it is told");
        let value: Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(value["outcome"], "refused");
        assert_eq!(value["reason"], "no_such_channel");
        assert_eq!(value["description"], "Canal não existe.");
    }
}
