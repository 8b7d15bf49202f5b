use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use papo_audit::{Request, Topic};
use papo_client::RequestId;

/// One user of the bot.
#[derive(Debug, Default)]
pub(super) struct Person {
    /// The name under which they are logged in, or want to be.
    pub(super) name: String,
    pub(super) stage: Stage,
    /// The write that has not ended.
    pub(super) open: Option<Open>,
    /// How many messages they have begun to say.
    pub(super) said: u64,
    /// How many of those were acknowledged.
    pub(super) acknowledged: u64,
    /// The id of the message they were shown last, if they have not replied to it.
    pub(super) heard: Option<String>,
    /// What they are owed in this round.
    pub(super) follows: BTreeSet<Topic>,
    shown: BTreeMap<Topic, u64>,
}

/// How far a user is.
#[derive(Debug, Default)]
pub(super) enum Stage {
    /// Waits for the channels to be there.
    #[default]
    Outside,
    /// Logs in; these steps are still to come.
    Entering(VecDeque<Step>),
    /// Follows every channel, and talks.
    Present,
    /// Cannot take part any more.
    Gone,
}

/// What has to be done before one can talk.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Take a fresh name.
    LogIn,
    /// See to it that there is a channel.
    Create(String),
    /// Follow it.
    Join(String),
}

/// A write that has not ended.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: RequestId,
    pub(super) request: Request,
    /// The step that it is; `None` for talk.
    pub(super) step: Option<Step>,
    /// When it was first asked.
    pub(super) began: Duration,
    /// Whether to send it once more when it was acknowledged.
    pub(super) repeat: bool,
}

impl Person {
    pub(super) fn is_present(&self) -> bool {
        matches!(self.stage, Stage::Present)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.is_present() && self.open.is_none()
    }

    /// Whether something that they said has no answer yet.
    pub(super) fn is_talking(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.step.is_none())
    }

    pub(super) fn was_shown(&mut self, topic: &Topic, index: u64) {
        let last = self.shown.entry(topic.clone()).or_default();
        *last = index.max(*last);
    }

    /// The last index of a topic that they were shown.
    pub(super) fn last_shown(&self, topic: &Topic) -> u64 {
        self.shown.get(topic).copied().unwrap_or(0)
    }
}
