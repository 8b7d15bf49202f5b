use serde::{Deserialize, Serialize};

/// What applying an entry came to. A refusal is a result like any other: a retry gets it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It took effect.
    Done,
    /// It was ordered, and changed nothing.
    Refused(Refusal),
}

/// Why an ordered request changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// The name of the user, or one that looks like it, is taken.
    UserExists,
    /// The name of the channel, or one that looks like it, is taken.
    ChannelExists,
    /// There is no such channel.
    NoSuchChannel,
    /// There is no such user.
    NoSuchUser,
    /// The request id was used before, for something else.
    IdReused,
    /// No servidor can have that name.
    BadServerName,
    /// There are as many members as there can be already.
    TooManyMembers,
    /// The only member that is left cannot go.
    LastMember,
}

impl Outcome {
    /// The outcome as one byte. The numbers are part of the state's digest: they never change.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused(Refusal::UserExists) => 1,
            Self::Refused(Refusal::ChannelExists) => 2,
            Self::Refused(Refusal::NoSuchChannel) => 3,
            Self::Refused(Refusal::NoSuchUser) => 4,
            Self::Refused(Refusal::IdReused) => 5,
            Self::Refused(Refusal::BadServerName) => 6,
            Self::Refused(Refusal::TooManyMembers) => 7,
            Self::Refused(Refusal::LastMember) => 8,
        }
    }

    /// The outcome that has this [`Outcome::code`].
    pub(super) const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Done,
            1 => Self::Refused(Refusal::UserExists),
            2 => Self::Refused(Refusal::ChannelExists),
            3 => Self::Refused(Refusal::NoSuchChannel),
            4 => Self::Refused(Refusal::NoSuchUser),
            5 => Self::Refused(Refusal::IdReused),
            6 => Self::Refused(Refusal::BadServerName),
            7 => Self::Refused(Refusal::TooManyMembers),
            8 => Self::Refused(Refusal::LastMember),
            _ => return None,
        })
    }
}
