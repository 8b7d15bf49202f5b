use std::collections::VecDeque;
use std::time::Duration;

use papo_audit::Request;
use papo_client::RequestId;

/// One client with a session.
#[derive(Debug)]
pub(crate) struct Person {
    /// The name under which they are logged in, or want to be.
    pub(crate) name: String,
    pub(super) part: Part,
    pub(super) stage: Stage,
    /// The write that has not ended.
    pub(super) open: Option<Open>,
    /// When they say something next.
    pub(super) next: Duration,
    /// When they read a page next, once they say something.
    pub(super) next_page: Duration,
    /// How many messages they have begun to say.
    pub(super) said: u64,
    /// The id of the message they were shown last, if they have not replied to it.
    pub(super) heard: Option<String>,
    pub(super) is_connected: bool,
    /// Everything that they follow was shown up to this index, as far as their session knows.
    pub(super) complete: u64,
    pub(super) dice: fastrand::Rng,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Talks, and reads what is said to them in private.
    Speaks,
    /// Follows all channels.
    Listens,
}

/// How far somebody is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Waits for the channels to be there.
    Outside,
    /// Logs in; these steps are still to come.
    Entering(VecDeque<Step>),
    Present,
    /// Cannot take part any more.
    Gone,
}

/// What has to be done before one can take part.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Take a fresh name.
    LogIn,
    /// Create the channel of that number.
    Create(usize),
    /// Follow it.
    Join(usize),
}

/// A write that has not ended.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: RequestId,
    pub(super) request: Request,
    /// The step that it is; `None` for a message.
    pub(super) step: Option<Step>,
    /// It was given up once, and is asked for again only to know its outcome.
    pub(super) failed: bool,
}

impl Person {
    pub(super) fn new(part: Part, dice: fastrand::Rng) -> Self {
        Self {
            name: String::new(),
            part,
            stage: Stage::Outside,
            open: None,
            next: Duration::ZERO,
            next_page: Duration::ZERO,
            said: 0,
            heard: None,
            is_connected: false,
            complete: 0,
            dice,
        }
    }

    pub(super) fn speaks(&self) -> bool {
        self.part == Part::Speaks
    }

    pub(super) fn is_present(&self) -> bool {
        matches!(self.stage, Stage::Present)
    }

    /// Whether they would say something if it were time.
    pub(super) fn is_idle(&self) -> bool {
        self.speaks() && self.is_present() && self.open.is_none()
    }
}
