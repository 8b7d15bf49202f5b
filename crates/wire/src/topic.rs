//! What can be subscribed to.

use std::fmt;

use papo_core::chat::To;

/// Where announcements of coordinators appear.
pub const SERVERS: &str = "servers";
/// The old system's replication; nobody may subscribe to it on the proxy.
pub const REPLICATION: &str = "replication";
/// What every private topic begins with.
pub const USER_PREFIX: &str = "user:";
/// What the topics that tell the last index of another topic begin with.
pub const TIP_PREFIX: &str = "tip:";
/// The topics, and beginnings of topics, that no name may collide with.
pub const RESERVED: [&str; 4] = [USER_PREFIX, SERVERS, REPLICATION, TIP_PREFIX];

/// A topic on the proxy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// What is said in a channel.
    Channel(String),
    /// What is said to a user: `user:<name>`.
    User(String),
    /// The last index of what is said in a channel: `tip:<name>`.
    ChannelTip(String),
    /// The last index of what is said to a user: `tip:user:<name>`.
    UserTip(String),
    /// Announcements of coordinators.
    Servers,
}

impl Topic {
    /// The topic that these bytes name in full; `None` where they name none (empty, a bare prefix, `replication`, not UTF-8).
    pub fn parse(topic: &[u8]) -> Option<Self> {
        let topic = std::str::from_utf8(topic).ok()?;
        match topic.strip_prefix(TIP_PREFIX) {
            Some(of) => match of.strip_prefix(USER_PREFIX) {
                Some(user) => name(user).map(Self::UserTip),
                None => name(of).map(Self::ChannelTip),
            },
            None => match topic.strip_prefix(USER_PREFIX) {
                Some(user) => name(user).map(Self::User),
                None if topic == SERVERS => Some(Self::Servers),
                None if topic == REPLICATION => None,
                None => name(topic).map(Self::Channel),
            },
        }
    }

    /// The topic's bytes, as they are the first frame of a publication.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// The topic that tells the last index of this one; `None` where there is none.
    pub fn tip(&self) -> Option<Self> {
        match self {
            Self::Channel(channel) => Some(Self::ChannelTip(channel.clone())),
            Self::User(user) => Some(Self::UserTip(user.clone())),
            Self::ChannelTip(_) | Self::UserTip(_) | Self::Servers => None,
        }
    }
}

impl From<&To> for Topic {
    /// Where what is said to them appears.
    fn from(to: &To) -> Self {
        match to {
            To::Channel(channel) => Self::Channel(channel.clone()),
            To::User(user) => Self::User(user.clone()),
        }
    }
}

/// Names hold no colon: that is what keeps the kinds of topics apart.
fn name(text: &str) -> Option<String> {
    (!text.is_empty() && !text.contains(':')).then(|| text.to_owned())
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(channel) => write!(f, "{channel}"),
            Self::User(user) => write!(f, "{USER_PREFIX}{user}"),
            Self::ChannelTip(channel) => write!(f, "{TIP_PREFIX}{channel}"),
            Self::UserTip(user) => write!(f, "{TIP_PREFIX}{USER_PREFIX}{user}"),
            Self::Servers => write!(f, "{SERVERS}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_is_read_as_it_is_written() {
        let topics = [
            (Topic::Channel("geral".to_owned()), "geral"),
            (Topic::User("ana".to_owned()), "user:ana"),
            (Topic::ChannelTip("geral".to_owned()), "tip:geral"),
            (Topic::UserTip("ana".to_owned()), "tip:user:ana"),
            (Topic::Servers, "servers"),
        ];
        for (topic, bytes) in topics {
            assert_eq!(topic.to_bytes(), bytes.as_bytes());
            assert_eq!(Topic::parse(bytes.as_bytes()), Some(topic));
        }
    }

    #[test]
    fn prefixes_and_what_nobody_may_hear_are_no_topics() {
        for bytes in [
            &b""[..],
            b"user:",
            b"tip:",
            b"tip:user:",
            b"replication",
            b"user:a:b",
            b"a:b",
            b"tip:a:b",
            b"\xff",
        ] {
            assert_eq!(Topic::parse(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn only_what_is_said_has_a_tip() {
        assert_eq!(Topic::User("ana".to_owned()).tip(), Some(Topic::UserTip("ana".to_owned())));
        assert_eq!(Topic::Channel("geral".to_owned()).tip(), Some(Topic::ChannelTip("geral".to_owned())));
        assert_eq!(Topic::Servers.tip(), None);
        assert_eq!(Topic::UserTip("ana".to_owned()).tip(), None);
    }
}
