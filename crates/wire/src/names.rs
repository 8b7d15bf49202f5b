//! Names of users and channels: which are allowed, and which are the same.
//!
//! A name is shown in NFC. Its key is equal for names that a person would take for one another: compatibility normal form,
//! case folded (Unicode 15, D146), without what is invisible. The key is computed here, where the request enters, and then
//! carried along in the log: the Unicode tables of one replica must not have a say in the state.
//!
//! Not done: look-alikes between scripts (a Cyrillic `а` for a Latin `a`); refusing those takes a policy on scripts.

use std::fmt;

use caseless::Caseless;
use papo_core::log::Name;
use thiserror::Error;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::limits::NAME_BYTES;
use crate::topic::{REPLICATION, RESERVED, SERVERS};

/// What a name is to name: only for the sentence that says why it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// A user.
    User,
    /// A channel.
    Channel,
}

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum NameError {
    /// Nothing, or nothing but whitespace.
    #[error("the name is empty")]
    Empty,
    /// More than [`NAME_BYTES`] bytes.
    #[error("the name is longer than {NAME_BYTES} bytes")]
    TooLong,
    /// Whitespace at the beginning or the end.
    #[error("the name begins or ends with whitespace")]
    Edge,
    /// Whitespace that is not a single space between two words.
    #[error("the name holds whitespace other than single spaces")]
    Whitespace,
    /// A control character, or a separator of lines or paragraphs.
    #[error("the name holds a control character")]
    Control,
    /// A character that shows nothing of its own: formatting, private use, unassigned.
    #[error("the name holds an invisible or unassigned character")]
    Invisible,
    /// A colon: it separates kinds of topics.
    #[error("the name holds a colon")]
    Colon,
    /// A reserved topic, or the beginning of one.
    #[error("the name is reserved")]
    Reserved,
    /// Nothing that could be told apart from nothing.
    #[error("nothing of the name is visible")]
    Blank,
}

impl NameError {
    /// A label for metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "name_empty",
            Self::TooLong => "name_too_long",
            Self::Edge => "name_edge",
            Self::Whitespace => "name_whitespace",
            Self::Control => "name_control",
            Self::Invisible => "name_invisible",
            Self::Colon => "name_colon",
            Self::Reserved => "name_reserved",
            Self::Blank => "name_blank",
        }
    }

    /// The sentence for whoever chose the name, in Portuguese.
    pub fn description(self, named: Named) -> String {
        match self {
            Self::Empty => format!("O nome {named} está vazio."),
            Self::TooLong => format!("O nome {named} é longo demais: o máximo é {NAME_BYTES} bytes."),
            Self::Edge => format!("O nome {named} não pode começar nem terminar com espaço."),
            Self::Whitespace => format!("O nome {named} só pode ter espaços simples entre as palavras."),
            Self::Control => {
                format!("O nome {named} não pode ter caracteres de controle nem quebras de linha.")
            }
            Self::Invisible => format!("O nome {named} tem um caractere invisível ou desconhecido."),
            Self::Colon => format!("O nome {named} não pode ter dois-pontos."),
            Self::Reserved => format!("O nome {named} é reservado pelo sistema."),
            Self::Blank => format!("O nome {named} não tem nenhum caractere visível."),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "do usuário",
            Self::Channel => "do canal",
        })
    }
}

/// Checks a name that is about to be taken.
///
/// # Errors
/// Why it cannot be a name.
pub fn parse(text: &str) -> Result<Name, NameError> {
    let display = refer(text)?;
    check_whitespace(&display)?;
    display.chars().try_for_each(check_char)?;
    let key = key(&display);
    if key.is_empty() {
        return Err(NameError::Blank);
    }
    // Topics are bytes, so only the exact beginning of one collides; but whole reserved words are refused in every case.
    let reserved =
        RESERVED.iter().any(|topic| topic.starts_with(&display)) || [SERVERS, REPLICATION].contains(&&*key);
    if reserved {
        return Err(NameError::Reserved);
    }
    Ok(Name { display, key })
}

/// The spelling of a name that somebody refers to: in NFC, as [`parse`] would display it. Not checked any further, since what
/// does not exist is not found.
///
/// # Errors
/// Where it is empty, or too long to be anybody's name.
pub fn refer(text: &str) -> Result<String, NameError> {
    // NFC may lengthen a text threefold: not worth doing for one that is hopeless.
    if text.len() > 4 * NAME_BYTES {
        return Err(NameError::TooLong);
    }
    let display = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.to_owned(),
        IsNormalized::No | IsNormalized::Maybe => text.nfc().collect(),
    };
    if display.chars().all(char::is_whitespace) {
        Err(NameError::Empty)
    } else if display.len() > NAME_BYTES {
        Err(NameError::TooLong)
    } else {
        Ok(display)
    }
}

/// What is equal for names that look or read alike.
pub fn key(name: &str) -> String {
    if name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return name.to_ascii_lowercase();
    }
    name.nfd().default_case_fold().nfkc().default_case_fold().filter(|c| !is_ignorable(*c)).nfkc().collect()
}

fn check_whitespace(name: &str) -> Result<(), NameError> {
    let blank = |c: char| c.is_whitespace() && !c.is_control();
    if name.starts_with(blank) || name.ends_with(blank) {
        Err(NameError::Edge)
    } else if name.contains("  ") {
        Err(NameError::Whitespace)
    } else {
        Ok(())
    }
}

fn check_char(c: char) -> Result<(), NameError> {
    match c {
        ' ' => return Ok(()),
        ':' => return Err(NameError::Colon),
        // Braille's empty pattern is no whitespace to Unicode, but to the eye.
        '\u{2800}' => return Err(NameError::Invisible),
        _ if c.is_ascii_graphic() => return Ok(()),
        _ => {}
    }
    match c.general_category() {
        GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => {
            Err(NameError::Control)
        }
        GeneralCategory::SpaceSeparator => Err(NameError::Whitespace),
        GeneralCategory::Format
        | GeneralCategory::PrivateUse
        | GeneralCategory::Unassigned
        | GeneralCategory::Surrogate => Err(NameError::Invisible),
        _ => Ok(()),
    }
}

/// Characters that show nothing (Unicode's Default_Ignorable_Code_Point) and are allowed in a display, as emoji need some.
const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests;
