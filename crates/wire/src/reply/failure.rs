use std::borrow::Cow;

use papo_core::chat::Refusal;
use thiserror::Error;

use crate::Service;
use crate::request::{BadRequest, Flaw};

/// Why a request did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{description}")]
pub struct Failure {
    /// The service that was asked for; `None` where it could not be read or does not exist.
    pub service: Option<Service>,
    /// For programs.
    pub reason: Reason,
    /// For people, in Portuguese.
    pub description: Cow<'static, str>,
}

/// Why a request did not succeed, named by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The name of the user is taken.
    UserExists,
    /// The name of the channel is taken.
    ChannelExists,
    /// There is no such channel.
    NoSuchChannel,
    /// There is no such user.
    NoSuchUser,
    /// The request id was used for something else.
    IdReused,
    /// Log in again: the session is missing, forged, or another user's.
    InvalidSession,
    /// The request makes no sense, and never will.
    BadRequest,
    /// There is no such service.
    UnknownService,
    /// Slow down.
    RateLimited,
    /// The client claims to have seen what is not in the log.
    Ahead,
    /// It certainly did not take effect; trying again may succeed.
    NotOrdered,
    /// It may have taken effect, or may yet; only a retry with the same request id tells.
    Unknown,
    /// Nobody could answer in time. Of reads only: they have no effect.
    Unavailable,
    /// The servidor is broken, or its disk is.
    Internal,
    /// Something that this release does not know.
    Other,
}

impl Failure {
    /// A failure in the words that its reason has for that service.
    pub fn new(service: impl Into<Option<Service>>, reason: Reason) -> Self {
        let service = service.into();
        Self { service, reason, description: Cow::Borrowed(reason.description(service)) }
    }

    /// A failure in words of its own.
    pub fn explained(
        service: impl Into<Option<Service>>,
        reason: Reason,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { service: service.into(), reason, description: description.into() }
    }

    /// What the log refused.
    pub fn refused(service: Service, refusal: Refusal) -> Self {
        Self::new(service, refusal.into())
    }
}

impl From<&BadRequest> for Failure {
    fn from(bad: &BadRequest) -> Self {
        let reason = match &bad.flaw {
            Flaw::UnknownService(_) => Reason::UnknownService,
            _ => Reason::BadRequest,
        };
        Self::explained(bad.service, reason, bad.description())
    }
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UserExists => Self::UserExists,
            Refusal::ChannelExists => Self::ChannelExists,
            Refusal::NoSuchChannel => Self::NoSuchChannel,
            Refusal::NoSuchUser => Self::NoSuchUser,
            Refusal::IdReused => Self::IdReused,
            // Of requests that no client can make.
            Refusal::BadServerName | Refusal::TooManyMembers | Refusal::LastMember => Self::BadRequest,
        }
    }
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::UserExists,
        Self::ChannelExists,
        Self::NoSuchChannel,
        Self::NoSuchUser,
        Self::IdReused,
        Self::InvalidSession,
        Self::BadRequest,
        Self::UnknownService,
        Self::RateLimited,
        Self::Ahead,
        Self::NotOrdered,
        Self::Unknown,
        Self::Unavailable,
        Self::Internal,
        Self::Other,
    ];

    /// The word for it on the wire (`data.reason`) and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserExists => "user_exists",
            Self::ChannelExists => "channel_exists",
            Self::NoSuchChannel => "no_such_channel",
            Self::NoSuchUser => "no_such_user",
            Self::IdReused => "id_reused",
            Self::InvalidSession => "invalid_session",
            Self::BadRequest => "bad_request",
            Self::UnknownService => "unknown_service",
            Self::RateLimited => "rate_limited",
            Self::Ahead => "ahead",
            Self::NotOrdered => "not_ordered",
            Self::Unknown => "unknown",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::Other => "other",
        }
    }

    /// The reason of that word; [`Reason::Other`] where this release knows none.
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word).unwrap_or(Self::Other)
    }

    /// Whether the same request may yet succeed if it is sent again, with the same request id.
    pub const fn is_worth_a_retry(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::Ahead
                | Self::NotOrdered
                | Self::Unknown
                | Self::Unavailable
                | Self::Internal
        )
    }

    /// The sentence for people. The first four are what old clients show, word for word.
    pub const fn description(self, service: Option<Service>) -> &'static str {
        match (self, service) {
            (Self::UserExists, _) => "Usuário já existe",
            (Self::ChannelExists, _) => "Canal já existe",
            (Self::NoSuchChannel, _) => "Canal não existe.",
            (Self::NoSuchUser, Some(Service::Message)) => "Usuário de destino não existe.",
            (Self::NoSuchUser, _) => "Usuário não existe.",
            (Self::UnknownService, _) => "Serviço não encontrado",
            (Self::IdReused, _) => "Este request_id já foi usado em outro pedido.",
            (Self::InvalidSession, _) => "Sessão inválida. Entre de novo com login.",
            (Self::BadRequest, _) => "Pedido inválido.",
            (Self::RateLimited, _) => "Pedidos demais. Espere um pouco.",
            (Self::Ahead, _) => "O valor de seen está além do que existe.",
            (Self::NotOrdered, _) => "O sistema está sem maioria agora. Nada foi gravado; tente de novo.",
            (Self::Unknown, _) => {
                "Não se sabe se o pedido foi gravado. Repita com o mesmo request_id para saber."
            }
            (Self::Unavailable, _) => "Nenhum servidor respondeu a tempo. Tente de novo.",
            (Self::Internal, _) => "Erro interno do servidor.",
            (Self::Other, _) => "Não foi possível atender o pedido.",
        }
    }
}
