//! Who may subscribe to what.
//!
//! To ZeroMQ a subscription is a beginning of topics: the empty one is sent everything, `user:` every private message, `ger` what is said in
//! `geral`. Here a subscription must be a topic in full, and gets that topic only ([`papo_transport::Kind::ProxyOut`]): the name of a
//! channel, `user:<name>`, `servers`, and the tips of the first two. What cannot be a topic is refused, although it would
//! match nothing: so that a mistaken client shows up in the numbers.
//!
//! What remains possible:
//!
//! * anybody may read any channel. Channels are open.
//! * with [`Rules::Open`], anybody may subscribe to `user:ana` and read what is said to `ana` from then on: old clients prove nothing
//!   when they subscribe, and open is what they need to be sent their private messages at all.
//! * with [`Rules::Strict`], `user:` topics are refused altogether. Old clients are then not sent private messages;
//!   ours learn from the tip that there is one, and fetch it with their session.
//! * in both, `tip:user:<name>` tells anybody that the user was written to, and when; not by whom, nor what.
//!
//! Not done: asking for proof (a session) in the subscription itself.

use clap::ValueEnum;
use papo_wire::names;
use papo_wire::topic::{REPLICATION, RESERVED, SERVERS, Topic};
use thiserror::Error;

/// How much is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Rules {
    /// Private topics, too: old clients get their private messages, and so does anybody who asks for them
    Open,
    /// No private topics: private messages are only had with a session, which old clients do not know
    Strict,
}

/// Why a subscription is refused. ZeroMQ has no way to tell the subscriber: it just is sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Error)]
pub enum Refusal {
    /// It is the beginning of a reserved topic: a wish for what is others' own.
    #[error("the beginning of a reserved topic")]
    Beginning,
    /// The log of the servidores does not pass the proxy.
    #[error("the log does not pass here")]
    Replication,
    /// Nothing is ever published under that topic.
    #[error("not a topic")]
    NotATopic,
    /// A private topic, where the rules are strict.
    #[error("a private topic")]
    Private,
}

/// What a subscriber sent up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// It wants what begins with this.
    Subscribe(&'a [u8]),
    /// It does not want it any more.
    Cancel(&'a [u8]),
}

impl<'a> Said<'a> {
    /// Reads a message of the subscribers' side; `None` where it is nothing that a subscriber may say.
    pub fn parse(frames: &'a [Vec<u8>]) -> Option<Self> {
        let [frame] = frames else { return None };
        match frame.split_first()? {
            (1, topic) => Some(Self::Subscribe(topic)),
            (0, topic) => Some(Self::Cancel(topic)),
            _ => None,
        }
    }
}

impl Rules {
    /// Decides on a subscription.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn judge(self, topic: &[u8]) -> Result<(), Refusal> {
        if topic == REPLICATION.as_bytes() {
            return Err(Refusal::Replication);
        }
        if topic != SERVERS.as_bytes()
            && RESERVED.iter().any(|reserved| reserved.as_bytes().starts_with(topic))
        {
            return Err(Refusal::Beginning);
        }
        match Topic::parse(topic).ok_or(Refusal::NotATopic)? {
            Topic::Servers => Ok(()),
            Topic::User(_) if self == Self::Strict => Err(Refusal::Private),
            Topic::Channel(name) | Topic::User(name) | Topic::ChannelTip(name) | Topic::UserTip(name) => {
                if is_a_name(&name) {
                    Ok(())
                } else {
                    Err(Refusal::NotATopic)
                }
            }
        }
    }
}

/// Whether something can have exactly that name: in another normal form it is nobody's topic.
fn is_a_name(text: &str) -> bool {
    names::parse(text).is_ok_and(|name| name.display == text)
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Beginning, Self::Replication, Self::NotATopic, Self::Private];

    /// A label for metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Beginning => "beginning",
            Self::Replication => "replication",
            Self::NotATopic => "not_a_topic",
            Self::Private => "private",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn open(topic: &str) -> Result<(), Refusal> {
        Rules::Open.judge(topic.as_bytes())
    }

    #[test]
    fn topics_in_full_are_accepted() {
        for topic in [
            "geral",
            "bom dia",
            "são-paulo",
            "x",
            "users",
            "serversx",
            "server-room",
            "tips",
            "Servidores",
            "user:ana",
            "servers",
            "tip:geral",
            "tip:user:ana",
        ] {
            assert_eq!(open(topic), Ok(()), "{topic}");
        }
    }

    #[test]
    fn every_beginning_of_a_reserved_topic_is_refused() {
        for reserved in ["user:", "servers", "tip:"] {
            for length in 0..=reserved.len() {
                let beginning = &reserved[..length];
                if beginning != "servers" {
                    assert_eq!(open(beginning), Err(Refusal::Beginning), "{beginning:?}");
                }
            }
        }
        for topic in ["r", "repl", "replicatio"] {
            assert_eq!(open(topic), Err(Refusal::Beginning), "{topic}");
        }
    }

    #[test]
    fn the_log_of_the_servidores_cannot_be_subscribed_to() {
        assert_eq!(open("replication"), Err(Refusal::Replication));
        assert_eq!(open("replication:1"), Err(Refusal::NotATopic));
        assert_eq!(open("replications"), Ok(()), "a channel can have that name");
    }

    #[test]
    fn beginnings_of_private_tips_are_refused() {
        for topic in ["tip:u", "tip:user", "tip:user:", "tip:tip", "tip:tip:", "tip:servers", "tip:s"] {
            assert_eq!(open(topic), Err(Refusal::NotATopic), "{topic}");
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        let long = "x".repeat(10_000);
        for topic in [
            "user: ana",
            "user:ana ",
            "user:s",
            "a:b",
            "user:a:b",
            " ",
            "a\nb",
            "\u{0}",
            "cafe\u{301}",
            &long,
        ] {
            assert_eq!(open(topic), Err(Refusal::NotATopic), "{topic:?}");
        }
        assert_eq!(Rules::Open.judge(b"caf\xc3"), Err(Refusal::NotATopic), "half a character");
    }

    #[test]
    fn strict_rules_refuse_private_topics_and_nothing_else() {
        assert_eq!(Rules::Strict.judge(b"user:ana"), Err(Refusal::Private));
        for topic in ["geral", "servers", "tip:geral", "tip:user:ana"] {
            assert_eq!(Rules::Strict.judge(topic.as_bytes()), Ok(()), "{topic}");
        }
    }

    #[test]
    fn only_subscriptions_and_cancellations_are_understood() {
        let frames = |parts: &[&[u8]]| -> Vec<Vec<u8>> { parts.iter().map(|part| part.to_vec()).collect() };
        assert_eq!(Said::parse(&frames(&[b"\x01geral"])), Some(Said::Subscribe(b"geral")));
        assert_eq!(Said::parse(&frames(&[b"\x00geral"])), Some(Said::Cancel(b"geral")));
        assert_eq!(Said::parse(&frames(&[b"\x01"])), Some(Said::Subscribe(b"")));
        let garbage: [&[&[u8]]; 5] = [&[], &[b""], &[b"geral"], &[b"\x02geral"], &[b"\x01geral", b"more"]];
        for garbage in garbage {
            assert_eq!(Said::parse(&frames(garbage)), None, "{garbage:?}");
        }
    }

    proptest! {
        /// Also if topics were matched by their beginnings: private messages take the name of a user.
        #[test]
        fn nothing_that_is_accepted_is_the_beginning_of_everybodys_private_topic(
            topic in prop_oneof![vec(any::<u8>(), 0..12), "[a-z:]{0,9}".prop_map(String::into_bytes)],
            user in "[a-z]{1,5}",
        ) {
            let private = format!("user:{user}");
            if private.as_bytes().starts_with(&topic) && Rules::Open.judge(&topic).is_ok() {
                prop_assert!(topic.len() > "user:".len());
            }
            prop_assert!(Rules::Strict.judge(&topic).is_err() || !private.as_bytes().starts_with(&topic));
        }
    }
}
