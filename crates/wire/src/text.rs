//! The texts of messages, and request ids.

use thiserror::Error;

use crate::limits::{MESSAGE_BYTES, REQUEST_ID_BYTES};

/// Why the text of a message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum TextError {
    /// No bytes.
    #[error("the message is empty")]
    Empty,
    /// More than [`MESSAGE_BYTES`] bytes.
    #[error("the message is longer than {MESSAGE_BYTES} bytes")]
    TooLong,
    /// A control character other than a newline.
    #[error("the message holds a control character")]
    Control,
}

impl TextError {
    /// A label for metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "message_empty",
            Self::TooLong => "message_too_long",
            Self::Control => "message_control",
        }
    }

    /// The sentence for whoever wrote the message, in Portuguese.
    pub fn description(self) -> String {
        match self {
            Self::Empty => "A mensagem está vazia.".to_owned(),
            Self::TooLong => format!("A mensagem é longa demais: o máximo é {MESSAGE_BYTES} bytes."),
            Self::Control => "A mensagem não pode ter caracteres de controle.".to_owned(),
        }
    }
}

/// Checks the text of a message: 1 to [`MESSAGE_BYTES`] bytes, in which newlines are the only control characters.
///
/// # Errors
/// Why it cannot be said.
pub fn check_message(text: &str) -> Result<(), TextError> {
    check_imported(text)?;
    if text.is_empty() {
        Err(TextError::Empty)
    } else if text.chars().any(|c| c.is_control() && c != '\n') {
        Err(TextError::Control)
    } else {
        Ok(())
    }
}

/// Checks the text of a message that another system accepted long ago: only its length counts.
///
/// # Errors
/// Where it is too long.
pub fn check_imported(text: &str) -> Result<(), TextError> {
    if text.len() > MESSAGE_BYTES { Err(TextError::TooLong) } else { Ok(()) }
}

/// Whether `id` can be a request id: 1 to [`REQUEST_ID_BYTES`] bytes, none of them a control character.
pub fn is_request_id(id: &str) -> bool {
    (1..=REQUEST_ID_BYTES).contains(&id.len()) && !id.chars().any(char::is_control)
}
