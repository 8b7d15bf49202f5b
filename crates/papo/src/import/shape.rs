//! What a record means, in all the shapes in which old systems wrote it.

use papo_core::clock::{Lamport, WallTime};
use papo_wire::request::{Import, Imported};
use papo_wire::{names, text, timestamp};
use serde_json::{Map, Value};

/// The user that an entry of `users.json` names: a string, or an object with `user` or `name`.
pub(super) fn user(value: &Value) -> Result<Import, String> {
    let name = name(value, &["user", "name", "username"])?;
    let user = names::parse(name).map_err(|error| error.to_string())?;
    Ok(import(unwrapped(value), Imported::User { user }))
}

/// The channel that an entry of `channels.json` names.
pub(super) fn channel(value: &Value) -> Result<Import, String> {
    let name = name(value, &["channel", "name"])?;
    let channel = names::parse(name).map_err(|error| error.to_string())?;
    Ok(import(unwrapped(value), Imported::Channel { channel }))
}

/// What a line of `messages.jsonl` says: to a channel (`user`, `channel`, `message`) or to somebody (`src`, `dst`,
/// `message`), perhaps inside `data`.
pub(super) fn message(value: &Value) -> Result<Import, String> {
    let data = unwrapped(value).ok_or("not an object")?;
    let field = |names: &[&str]| first_text(data, names);
    let said = field(&["message"]).ok_or("it has no `message`")?;
    text::check_imported(said).map_err(|error| error.to_string())?;
    let refer = |name: &str| names::refer(name).map_err(|error| error.to_string());
    let what = match (field(&["channel"]), field(&["dst"])) {
        (Some(channel), None) => {
            let user = field(&["user", "src"]).ok_or("it does not say whose message it is (`user`)")?;
            Imported::Publish { user: refer(user)?, channel: refer(channel)?, message: said.to_owned() }
        }
        (None, Some(dst)) => {
            let src = field(&["src", "user"]).ok_or("it does not say whose message it is (`src`)")?;
            Imported::Message { src: refer(src)?, dst: refer(dst)?, message: said.to_owned() }
        }
        (Some(_), Some(_)) => return Err("it is for a channel and for somebody".to_owned()),
        (None, None) => return Err("it has neither `channel` nor `dst`".to_owned()),
    };
    Ok(import(Some(data), what))
}

fn import(data: Option<&Map<String, Value>>, what: Imported) -> Import {
    let field = |key| data.and_then(|data| data.get(key));
    let time = field("timestamp").and_then(time).unwrap_or(WallTime::EPOCH);
    let clock = field("clock").and_then(Value::as_u64).filter(|clock| *clock < Lamport::LIMIT);
    Import { time, clock: Lamport::new(clock.unwrap_or(0)), what }
}

/// A time as text, or as a number of seconds, milliseconds, microseconds or nanoseconds since 1970: a time of this
/// century shows by its size which. What cannot be read is a time that was not told.
fn time(value: &Value) -> Option<WallTime> {
    if let Some(text) = value.as_str() {
        return timestamp::parse(text);
    }
    let number = value.as_f64().filter(|number| *number >= 0.0)?;
    let nanos = match number {
        ..1e11 => number * 1e9,
        1e11..1e14 => number * 1e6,
        1e14..1e17 => number * 1e3,
        _ => number,
    };
    (nanos < i64::MAX as f64).then(|| WallTime::from_nanos(nanos as i64))
}

/// A name by itself, or the first of those keys that an object has.
fn name<'a>(value: &'a Value, keys: &[&str]) -> Result<&'a str, String> {
    if let Some(name) = value.as_str() {
        return Ok(name);
    }
    let data = unwrapped(value).ok_or("neither a name nor an object")?;
    first_text(data, keys).ok_or_else(|| format!("it has no `{}`", keys[0]))
}

/// The object itself, or what is inside its `data`.
fn unwrapped(value: &Value) -> Option<&Map<String, Value>> {
    let object = value.as_object()?;
    Some(object.get("data").and_then(Value::as_object).unwrap_or(object))
}

fn first_text<'a>(data: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| data.get(*key)?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text_of(import: &Import) -> String {
        match &import.what {
            Imported::User { user } => format!("user {}", user.display),
            Imported::Channel { channel } => format!("channel {}", channel.display),
            Imported::Publish { user, channel, message } => format!("{user} #{channel} {message}"),
            Imported::Message { src, dst, message } => format!("{src} @{dst} {message}"),
        }
    }

    #[test]
    fn names_come_as_text_or_in_objects() {
        for value in
            [json!("ana"), json!({"user": "ana"}), json!({"name": "ana"}), json!({"data": {"user": "ana"}})]
        {
            assert_eq!(text_of(&user(&value).expect("a user")), "user ana");
        }
        for value in [json!("geral"), json!({"channel": "geral", "clock": 3}), json!({"name": "geral"})] {
            assert_eq!(text_of(&channel(&value).expect("a channel")), "channel geral");
        }
        for wrong in [json!(7), json!({}), json!(null), json!(""), json!("user:x"), json!({"user": 7})] {
            assert!(user(&wrong).is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn messages_come_in_both_kinds_and_also_inside_data() {
        let publish = json!({"user": "ana", "channel": "geral", "message": "oi"});
        assert_eq!(text_of(&message(&publish).expect("a message")), "ana #geral oi");
        let wrapped = json!({"service": "publish", "data": publish});
        assert_eq!(text_of(&message(&wrapped).expect("a message")), "ana #geral oi");
        let private = json!({"src": "ana", "dst": "bruno", "message": "oi"});
        assert_eq!(text_of(&message(&private).expect("a message")), "ana @bruno oi");
        for wrong in [
            json!("oi"),
            json!({"user": "ana", "message": "oi"}),
            json!({"user": "ana", "channel": "geral"}),
            json!({"channel": "geral", "message": "oi"}),
            json!({"user": "ana", "channel": "geral", "dst": "bruno", "message": "oi"}),
            json!({"user": "ana", "channel": "geral", "message": "x".repeat(100_000)}),
        ] {
            assert!(message(&wrong).is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn times_and_clocks_are_kept_where_they_can_be_read() {
        let at = |time: Value, clock: Value| {
            let import = user(&json!({"user": "ana", "timestamp": time, "clock": clock})).expect("a user");
            (import.time.as_nanos(), import.clock.get())
        };
        let seconds = 1_762_204_447_i64;
        assert_eq!(at(json!("2025-11-03T21:14:07"), json!(7)), (seconds * 1_000_000_000, 7));
        assert_eq!(at(json!(seconds), json!(7)), (seconds * 1_000_000_000, 7));
        assert_eq!(at(json!(seconds * 1000), json!(7)), (seconds * 1_000_000_000, 7));
        assert_eq!(at(json!(seconds * 1_000_000_000), json!(7)), (seconds * 1_000_000_000, 7));
        assert_eq!(at(json!("ontem"), json!(-1)), (0, 0));
        assert_eq!(at(json!(-5), json!(1_u64 << 60)), (0, 0));
    }
}
