use thiserror::Error;

use crate::Service;
use crate::limits::{Exceeded, REQUEST_BYTES, REQUEST_ID_BYTES, SESSION_BYTES};
use crate::msgpack::{FieldError, Malformed};
use crate::names::{NameError, Named};
use crate::text::TextError;

/// A request that nothing was done with, and will not be however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{flaw}")]
pub struct BadRequest {
    /// The service that it asked for, to be echoed; `None` where that could not be read, or there is no such service.
    pub service: Option<Service>,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Flaw {
    /// Another number of frames than a request has.
    #[error("not exactly one frame of payload")]
    Frames,
    /// Out of bounds, or not MessagePack.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// MessagePack, but no map.
    #[error("not a map")]
    NotAMap,
    /// A service that there is none of. Shortened to 64 characters.
    #[error("unknown service {0:?}")]
    UnknownService(String),
    /// A key of `data` that cannot be used.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A name that cannot be one.
    #[error("{}: {error}", match named { Named::User => "user", Named::Channel => "channel" })]
    Name {
        /// What it was to name.
        named: Named,
        /// Why not.
        error: NameError,
    },
    /// A text that cannot be said.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A request id that is empty, too long, or not printable.
    #[error("the request id is not 1 to {REQUEST_ID_BYTES} printable bytes")]
    RequestId,
    /// A session too long to be one.
    #[error("the session is longer than {SESSION_BYTES} bytes")]
    Session,
}

impl BadRequest {
    /// A request of too few or too many frames.
    pub const fn frames() -> Self {
        Self { service: None, flaw: Flaw::Frames }
    }

    /// A label for metrics: one of a fixed few, whatever was sent.
    pub const fn reason(&self) -> &'static str {
        match &self.flaw {
            Flaw::Frames => "frames",
            Flaw::Exceeded(Exceeded::Bytes(_)) => "too_large",
            Flaw::Exceeded(Exceeded::Depth) => "too_deep",
            Flaw::Exceeded(Exceeded::Items) => "too_many_items",
            Flaw::Exceeded(Exceeded::Malformed(_)) => "not_msgpack",
            Flaw::NotAMap => "not_a_map",
            Flaw::UnknownService(_) => "unknown_service",
            Flaw::Field(FieldError::Missing(_)) => "missing_field",
            Flaw::Field(FieldError::Type(_)) => "wrong_type",
            Flaw::Field(FieldError::NotUtf8(_)) => "not_utf8",
            Flaw::Field(FieldError::Range(_)) => "out_of_range",
            Flaw::Name { error, .. } => error.reason(),
            Flaw::Text(error) => error.reason(),
            Flaw::RequestId => "request_id",
            Flaw::Session => "session",
        }
    }

    /// The sentence for whoever sent it, in Portuguese.
    pub fn description(&self) -> String {
        match &self.flaw {
            Flaw::Frames => "O pedido deve ter exatamente um quadro.".to_owned(),
            Flaw::Exceeded(Exceeded::Bytes(_)) => {
                format!("O pedido é grande demais: o máximo é {REQUEST_BYTES} bytes.")
            }
            Flaw::Exceeded(Exceeded::Depth) => "O pedido tem níveis demais.".to_owned(),
            Flaw::Exceeded(Exceeded::Items) => "O pedido tem itens demais.".to_owned(),
            Flaw::Exceeded(Exceeded::Malformed(_)) => "O pedido não é MessagePack válido.".to_owned(),
            Flaw::NotAMap => "O pedido deve ser um mapa com `service` e `data`.".to_owned(),
            Flaw::UnknownService(_) => "Serviço não encontrado".to_owned(),
            Flaw::Field(FieldError::Missing(field)) => format!("Falta o campo `{field}`."),
            Flaw::Field(FieldError::Type(field)) => format!("O campo `{field}` é de um tipo errado."),
            Flaw::Field(FieldError::NotUtf8(field)) => format!("O campo `{field}` não é UTF-8."),
            Flaw::Field(FieldError::Range(field)) => format!("O campo `{field}` está fora do intervalo."),
            Flaw::Name { named, error } => error.description(*named),
            Flaw::Text(error) => error.description(),
            Flaw::RequestId => {
                format!(
                    "O `request_id` deve ter de 1 a {REQUEST_ID_BYTES} bytes, sem caracteres de controle."
                )
            }
            Flaw::Session => "A sessão é longa demais.".to_owned(),
        }
    }
}

impl From<Malformed> for Flaw {
    fn from(error: Malformed) -> Self {
        Self::Exceeded(error.into())
    }
}
