use super::refusal::Refusal;

/// Why a request was sent to one more servidor than the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Retry {
    /// Its servidor was not heard any more.
    Silent,
    /// Its servidor withdrew, or was started anew.
    Withdrawn,
    /// Its servidor asked for it.
    Elsewhere,
    /// Its servidor lives and did not answer in time.
    Slow,
    /// It could not be sent to the first.
    Unsent,
}

impl Retry {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Silent, Self::Withdrawn, Self::Elsewhere, Self::Slow, Self::Unsent];

    /// A label for metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Withdrawn => "withdrawn",
            Self::Elsewhere => "elsewhere",
            Self::Slow => "slow",
            Self::Unsent => "unsent",
        }
    }
}

/// Why a message was not looked at any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dropped {
    /// From the client side, and nobody can be answered.
    Nameless,
    /// From the servidores' side, and no envelope that is known.
    BadEnvelope,
    /// A second answer to a request, or one after its deadline.
    Late,
    /// A beacon of one servidor too many.
    Crowd,
    /// An answer to a client whose connection is gone.
    ClientGone,
    /// An answer to a client that does not read its answers.
    ClientStuck,
}

impl Dropped {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Nameless, Self::BadEnvelope, Self::Late, Self::Crowd, Self::ClientGone, Self::ClientStuck];

    /// A label for metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nameless => "nameless",
            Self::BadEnvelope => "bad_envelope",
            Self::Late => "late",
            Self::Crowd => "crowd",
            Self::ClientGone => "client_gone",
            Self::ClientStuck => "client_stuck",
        }
    }
}

/// What has happened since the start. Plain numbers; whoever runs the dispatcher shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests answered by a servidor.
    pub answered: u64,
    refused: [u64; Refusal::ALL.len()],
    retried: [u64; Retry::ALL.len()],
    dropped: [u64; Dropped::ALL.len()],
}

impl Counters {
    /// Requests answered by the broker itself, for that reason.
    pub fn refused(&self, why: Refusal) -> u64 {
        self.refused[why as usize]
    }

    /// Tries after the first, for that reason.
    pub fn retried(&self, why: Retry) -> u64 {
        self.retried[why as usize]
    }

    /// Messages dropped, for that reason.
    pub fn dropped(&self, why: Dropped) -> u64 {
        self.dropped[why as usize]
    }

    pub(crate) fn refuse(&mut self, why: Refusal) {
        self.refused[why as usize] += 1;
    }

    pub(crate) fn retry(&mut self, why: Retry) {
        self.retried[why as usize] += 1;
    }

    pub(crate) fn drop(&mut self, why: Dropped) {
        self.dropped[why as usize] += 1;
    }
}
