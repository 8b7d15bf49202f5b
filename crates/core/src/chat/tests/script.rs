//! Scripts: each line is a request and, after `->`, what it must come to.
//!
//! ```text
//! ana/1  publish geral bom dia   -> done, on geral after 4
//! +24h
//! ```
//!
//! `ana/1` is the author and the request id (`ana/-`: none; `ana/b7.1`: given by the broker of incarnation 7). The author is
//! also who speaks. A line that begins with `+` lets hours (`h`) or minutes (`m`) of log time pass. The founding entry is at index 1.

use super::support::*;
use crate::chat::{Applied, Outcome, Refusal, To};
use crate::log::{Operation, RequestId};

/// Runs `script` on a new chat, and returns the chat.
///
/// # Panics
/// When a request comes to something else than the script says.
pub(super) fn run(script: &str) -> Chat {
    let mut chat = Chat::founded();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(wait) = line.strip_prefix('+') {
            chat.writer.wait(span(wait));
            continue;
        }
        let (request, expected) = line.split_once("->").expect("a request says what it comes to");
        let (who, what) = request.trim().split_once(' ').expect("a request has an author and a verb");
        let (author, id) = who.split_once('/').expect("an author is followed by a request id");
        let applied = chat.apply(author, request_id(id), operation(author, what.trim()));
        assert_eq!(describe(&applied), expected.trim(), "{line}");
    }
    chat
}

fn span(text: &str) -> i64 {
    let (count, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "h" => HOUR,
        "m" => MINUTE,
        _ => panic!("hours or minutes pass, not {text}"),
    };
    unit * count.parse::<i64>().expect("a number of hours or minutes")
}

fn request_id(text: &str) -> Option<RequestId> {
    let from_broker = text.strip_prefix('b').and_then(|text| text.split_once('.'));
    match from_broker {
        Some((incarnation, counter)) => {
            broker_id(incarnation.parse().expect("an incarnation"), counter.parse().expect("a counter"))
        }
        None if text == "-" => None,
        None => client_id(text),
    }
}

fn operation(author: &str, text: &str) -> Operation {
    let (verb, rest) = text.split_once(' ').expect("a verb has an argument");
    match verb {
        "imported" => imported(operation(author, rest)),
        "login" => login(rest),
        "channel" => channel(rest),
        "join" => join(author, rest),
        "leave" => leave(author, rest),
        "admit" => admit(rest),
        "dismiss" => dismiss(rest),
        "publish" | "message" => {
            let (to, text) = rest.split_once(' ').expect("what is said has an addressee and a text");
            if verb == "publish" { publish(author, to, text) } else { message(author, to, text) }
        }
        _ => panic!("no such verb: {verb}"),
    }
}

fn describe(applied: &Applied) -> String {
    let mut text = match applied.outcome {
        Outcome::Done => "done",
        Outcome::Refused(Refusal::UserExists) => "user exists",
        Outcome::Refused(Refusal::ChannelExists) => "channel exists",
        Outcome::Refused(Refusal::NoSuchChannel) => "no such channel",
        Outcome::Refused(Refusal::NoSuchUser) => "no such user",
        Outcome::Refused(Refusal::IdReused) => "id reused",
        Outcome::Refused(Refusal::BadServerName) => "bad name",
        Outcome::Refused(Refusal::TooManyMembers) => "too many members",
        Outcome::Refused(Refusal::LastMember) => "last member",
    }
    .to_owned();
    if let Some(index) = applied.repeats {
        text += &format!(", as at {index}");
    }
    if let Some(delivery) = &applied.delivery {
        text += &match &delivery.said.to {
            To::Channel(channel) => format!(", on {channel} after {}", delivery.previous),
            To::User(user) => format!(", to {user} after {}", delivery.previous),
        };
    }
    text
}
