//! What an application may ask of the chat.

use papo_core::chat::To;
use papo_wire::reply::{Failure, Reason};
use papo_wire::request::{Body, Conversation, Page};
use papo_wire::{Service, limits, names, text};

use crate::Saved;

/// One wish of the application, in the name of the session's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Take a name, or come back to it. A session logs in once; another user is another session.
    Login {
        /// The name.
        user: String,
        /// What an earlier session of the same user came to: its token proves who this is, and what it had shown is not
        /// shown again.
        saved: Option<Saved>,
    },
    /// Create a channel. Does not join it.
    CreateChannel(String),
    /// List the users.
    Users,
    /// List the channels.
    Channels,
    /// Say something in a channel.
    Publish {
        /// Where.
        channel: String,
        /// The text.
        text: String,
    },
    /// Say something to one user.
    Message {
        /// To whom.
        to: String,
        /// The text.
        text: String,
    },
    /// Follow a channel: from then on everything said in it is shown.
    Join(String),
    /// Stop following a channel.
    Leave(String),
    /// Read a page of a channel, or of what the session's user and another one said to each other.
    History {
        /// Where it was said.
        of: To,
        /// Which page.
        page: Page,
        /// The most messages, 1 to 200.
        limit: usize,
    },
    /// How the servidor that answers, and its cluster, are.
    Status,
}

impl Ask {
    /// The service that is asked for.
    pub fn service(&self) -> Service {
        match self {
            Self::Login { .. } => Service::Login,
            Self::CreateChannel(_) => Service::Channel,
            Self::Users => Service::Users,
            Self::Channels => Service::Channels,
            Self::Publish { .. } => Service::Publish,
            Self::Message { .. } => Service::Message,
            Self::Join(_) => Service::Join,
            Self::Leave(_) => Service::Leave,
            Self::History { .. } => Service::History,
            Self::Status => Service::Status,
        }
    }

    /// The request's body in the name of `user`. What any servidor would refuse is refused here already, in the same words.
    pub(crate) fn body(&self, user: Option<&str>) -> Result<Body, Failure> {
        let service = self.service();
        let me = || user.map(str::to_owned).ok_or_else(|| not_logged_in(service));
        let bad = |text: String| Failure::explained(service, Reason::BadRequest, text);
        let refer = |name: &str, named| names::refer(name).map_err(|error| bad(error.description(named)));
        let user_name = |name: &str| refer(name, names::Named::User);
        let channel_name = |name: &str| refer(name, names::Named::Channel);
        let checked = |message: &str| match text::check_message(message) {
            Ok(()) => Ok(message.to_owned()),
            Err(error) => Err(bad(error.description())),
        };
        Ok(match self {
            Self::Login { user: other, .. } if user.is_some() => return Err(already_logged_in(other)),
            Self::Login { user, .. } => Body::Login {
                user: names::parse(user).map_err(|error| bad(error.description(names::Named::User)))?,
            },
            Self::CreateChannel(channel) => Body::Channel {
                channel: names::parse(channel)
                    .map_err(|error| bad(error.description(names::Named::Channel)))?,
                user: user.map(str::to_owned),
            },
            Self::Users => Body::Users,
            Self::Channels => Body::Channels,
            Self::Publish { channel, text } => {
                Body::Publish { user: me()?, channel: channel_name(channel)?, message: checked(text)? }
            }
            Self::Message { to, text } => {
                Body::Message { src: me()?, dst: user_name(to)?, message: checked(text)? }
            }
            Self::Join(channel) => Body::Join { user: me()?, channel: channel_name(channel)? },
            Self::Leave(channel) => Body::Leave { user: me()?, channel: channel_name(channel)? },
            Self::History { of, page, limit } => Body::History {
                conversation: match of {
                    To::Channel(channel) => Conversation::Channel(channel_name(channel)?),
                    To::User(with) => Conversation::Private { user: me()?, with: user_name(with)? },
                },
                page: *page,
                limit: (*limit).clamp(1, limits::PAGE_ITEMS),
            },
            Self::Status => Body::Status,
        })
    }
}

fn not_logged_in(service: Service) -> Failure {
    Failure::explained(service, Reason::InvalidSession, "Entre primeiro com login.")
}

fn already_logged_in(user: &str) -> Failure {
    let text = format!("Esta sessão já tem um usuário; para entrar como {user}, saia antes.");
    Failure::explained(Service::Login, Reason::BadRequest, text)
}
