use std::fmt;

/// A service that clients may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Takes a user name, or comes back to it with a session.
    Login,
    /// Creates a channel.
    Channel,
    /// Lists the users.
    Users,
    /// Lists the channels.
    Channels,
    /// Says something in a channel.
    Publish,
    /// Says something to one user.
    Message,
    /// Follows a channel.
    Join,
    /// Stops following a channel.
    Leave,
    /// Reads a page of a channel or of a private conversation.
    History,
    /// Reads all that a user missed.
    Sync,
    /// Tells how the servidor and its cluster are.
    Status,
    /// Reads the whole log's records, in order.
    Export,
    /// Takes over one record of another system.
    Import,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Login,
        Self::Channel,
        Self::Users,
        Self::Channels,
        Self::Publish,
        Self::Message,
        Self::Join,
        Self::Leave,
        Self::History,
        Self::Sync,
        Self::Status,
        Self::Export,
        Self::Import,
    ];

    /// Its name on the wire; also a stable label for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Channel => "channel",
            Self::Users => "users",
            Self::Channels => "channels",
            Self::Publish => "publish",
            Self::Message => "message",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::History => "history",
            Self::Sync => "sync",
            Self::Status => "status",
            Self::Export => "export",
            Self::Import => "import",
        }
    }

    /// The service of that name, if there is one.
    pub fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.as_str().as_bytes() == name)
    }

    /// Whether it may change the replicated state, so that an unanswered request may or may not have taken effect.
    pub const fn is_write(self) -> bool {
        match self {
            Self::Login
            | Self::Channel
            | Self::Publish
            | Self::Message
            | Self::Join
            | Self::Leave
            | Self::Import => true,
            Self::Users | Self::Channels | Self::History | Self::Sync | Self::Status | Self::Export => false,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
