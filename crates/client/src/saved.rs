use std::collections::BTreeMap;

use papo_core::log::Index;
use serde::{Deserialize, Serialize};

/// What a session has to remember so that another one, in a later process, goes on where it stopped.
///
/// Everything up to [`Saved::complete`] was shown; the topics tell how far each is known beyond that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Whose session it is.
    pub user: String,
    /// What proves it when logging in again. A secret.
    pub token: String,
    /// The highest index that the session was answered or shown.
    pub seen: Index,
    /// Everything that this user follows was shown up to here.
    pub complete: Index,
    /// The channels that the user follows, and up to where each was shown.
    pub channels: BTreeMap<String, Index>,
    /// Up to where channels were shown that the user no longer follows, where that is beyond `complete`.
    #[serde(default)]
    pub left: BTreeMap<String, Index>,
    /// Up to where private messages to the user were shown.
    pub mailbox: Index,
    /// Up to where private messages by the user were told.
    pub sent: Index,
}
