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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_may_hold_newlines_and_no_other_control_character() {
        assert_eq!(check_message("olá\nmundo"), Ok(()));
        assert_eq!(check_message(" "), Ok(()));
        for text in ["a\0", "a\rb", "a\tb", "\u{1b}[2J", "a\u{9b}b"] {
            assert_eq!(check_message(text), Err(TextError::Control), "{text:?}");
        }
    }

    #[test]
    fn a_message_has_1_to_8192_bytes() {
        assert_eq!(check_message(""), Err(TextError::Empty));
        assert_eq!(check_message(&"a".repeat(MESSAGE_BYTES)), Ok(()));
        assert_eq!(check_message(&"a".repeat(MESSAGE_BYTES + 1)), Err(TextError::TooLong));
        assert_eq!(check_message(&"ã".repeat(MESSAGE_BYTES / 2)), Ok(()));
        assert_eq!(check_message(&"ã".repeat(MESSAGE_BYTES / 2 + 1)), Err(TextError::TooLong));
    }

    #[test]
    fn what_was_said_elsewhere_may_be_empty_or_hold_tabs() {
        assert_eq!(check_imported(""), Ok(()));
        assert_eq!(check_imported("a\tb\0"), Ok(()));
        assert_eq!(check_imported(&"a".repeat(MESSAGE_BYTES + 1)), Err(TextError::TooLong));
    }

    #[test]
    fn a_request_id_has_1_to_64_printable_bytes() {
        for id in ["1", "0b6f6d3e-5f3a-4c1c-9d7e-1f1e2d3c4b5a", "olá", &"x".repeat(64)] {
            assert!(is_request_id(id), "{id:?}");
        }
        for id in ["", "a\nb", "\0", &"x".repeat(65)] {
            assert!(!is_request_id(id), "{id:?}");
        }
    }
}
