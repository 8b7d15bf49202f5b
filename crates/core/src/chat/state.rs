use std::fmt;

use crate::clock::{Lamport, WallTime};
use crate::log::{Genesis, Index};

use super::digest::StateDigest;
use super::fingerprint::RequestKey;
use super::joins::Joins;
use super::places::Places;
use super::recent::{Recalled, Recent};
use super::registry::Registry;
use super::sessions::SessionKey;
use super::topics::{MAILBOX, Topic, Topics};

/// The newest version of the rules that this build knows. A log that asks for a newer one cannot be applied by it.
///
/// | version | what came with it |
/// |---|---|
/// | 1 | the chat |
/// | 2 | admitting and dismissing servidores |
pub const RULES: u32 = 2;

/// The chat after some number of entries.
///
/// A function of those entries alone: two states that applied the same log are equal.
#[derive(Clone, PartialEq, Eq)]
pub struct ChatState {
    pub(super) applied: Index,
    pub(super) lamport: Lamport,
    pub(super) time: WallTime,
    pub(super) digest: StateDigest,
    pub(super) rules: u32,
    pub(super) places: Places,
    pub(super) session_key: Option<SessionKey>,
    pub(super) users: Registry,
    pub(super) channels: Registry,
    pub(super) joins: Joins,
    pub(super) topics: Topics,
    pub(super) recent: Recent,
}

/// Short, and without the cluster's secrets.
impl fmt::Debug for ChatState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatState")
            .field("applied", &self.applied)
            .field("digest", &self.digest)
            .field("rules", &self.rules)
            .field("users", &self.users().len())
            .field("channels", &self.channels().len())
            .finish_non_exhaustive()
    }
}

impl Default for ChatState {
    fn default() -> Self {
        Self::new()
    }
}

impl ChatState {
    /// The state before the first entry.
    pub fn new() -> Self {
        Self {
            applied: 0,
            lamport: Lamport::default(),
            time: WallTime::EPOCH,
            digest: StateDigest::default(),
            rules: 0,
            places: Places::default(),
            session_key: None,
            users: Registry::default(),
            channels: Registry::default(),
            joins: Joins::default(),
            topics: Topics::default(),
            recent: Recent::new(),
        }
    }

    /// Index of the last entry applied, 0 for none.
    pub fn applied(&self) -> Index {
        self.applied
    }

    /// Lamport clock of the last entry applied.
    pub fn lamport(&self) -> Lamport {
        self.lamport
    }

    /// Log time: that of the last entry applied.
    pub fn time(&self) -> WallTime {
        self.time
    }

    /// A hash over everything applied.
    pub fn digest(&self) -> StateDigest {
        self.digest
    }

    /// The version of the rules in force; 0 before the cluster is founded.
    pub fn rules(&self) -> u32 {
        self.rules
    }

    /// Who is wanted among the members; nobody before the cluster is founded.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// All users as they are shown, in the order in which they first logged in.
    pub fn users(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.users.iter()
    }

    /// Whether there is a user shown exactly as `user`.
    pub fn user_exists(&self, user: &str) -> bool {
        self.users.find(user).is_some()
    }

    /// All channels as they are shown, in the order in which they were created.
    pub fn channels(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.channels.iter()
    }

    /// Whether there is a channel shown exactly as `channel`.
    pub fn channel_exists(&self, channel: &str) -> bool {
        self.channels.find(channel).is_some()
    }

    /// The channels that `user` follows, oldest channel first; none for an unknown user.
    pub fn joined(&self, user: &str) -> impl Iterator<Item = &str> {
        let channels = self.users.find(user).map(|user| self.joins.of(user));
        channels.into_iter().flatten().map(|channel| &*self.channels.get(channel).display)
    }

    /// Index of the last message on `topic` (a channel's name, or `user:` and a user's), 0 for none.
    pub fn tip(&self, topic: &str) -> Index {
        let topic = match topic.strip_prefix(MAILBOX) {
            Some(user) => self.users.find(user).map(Topic::Mailbox),
            None => self.channels.find(topic).map(Topic::Channel),
        };
        topic.map_or(0, |topic| self.topics.tip(topic))
    }

    /// Topics with a message after `since`, each with the index of its last one; the most recent first. The walk costs what
    /// it yields, and ends after the 1024 most recent topics.
    pub fn recent_tips(&self, since: Index) -> impl Iterator<Item = (String, Index)> {
        self.topics.recent(since).map(|(topic, tip)| match topic {
            Topic::Channel(channel) => (self.channels.get(channel).display.to_string(), tip),
            Topic::Mailbox(user) => (format!("{MAILBOX}{}", self.users.get(user).display), tip),
        })
    }

    /// What the request `key` came to, if it was settled within the last 24 h of log time (and up to an hour more).
    pub fn recall(&self, key: &RequestKey) -> Option<Recalled> {
        self.recent.recall(*key)
    }

    /// How many request ids take up memory; some of them may be forgotten already and about to be cleared.
    pub fn remembered_ids(&self) -> usize {
        self.recent.len()
    }

    /// The session that proves to be `user`; `None` for an unknown user, and before the cluster is founded.
    pub fn session(&self, user: &str) -> Option<String> {
        let user = self.users.get(self.users.find(user)?);
        Some(self.session_key.as_ref()?.sign(&user.key, user.since))
    }

    /// Whether `session` proves to be `user`. Takes the same time for any forged signature.
    pub fn verify_session(&self, user: &str, session: &str) -> bool {
        let (Some(user), Some(key)) = (self.users.find(user), &self.session_key) else { return false };
        let user = self.users.get(user);
        key.verify(&user.key, user.since, session)
    }

    /// Takes over what the founding entry says. There is one in a log; another would change nothing.
    pub(super) fn found(&mut self, genesis: &Genesis) {
        if self.session_key.is_none() {
            self.session_key = Some(SessionKey::new(&genesis.session_key));
            self.recent.reseed(&genesis.session_key);
            self.places.found(genesis.members.iter().map(|member| member.id.name.clone()));
            self.raise_rules(genesis.rules);
        }
    }

    /// Raises the rules; they are never lowered.
    ///
    /// # Panics
    /// When this build does not know them: applying by other rules than the rest would part this replica from them.
    pub(super) fn raise_rules(&mut self, rules: u32) {
        assert!(
            rules <= RULES,
            "the log asks for rules {rules}, and this build knows them up to {RULES} only"
        );
        self.rules = self.rules.max(rules);
    }
}
