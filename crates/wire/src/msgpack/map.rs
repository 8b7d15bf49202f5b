use thiserror::Error;

use super::{Malformed, Reader, Token, Value};

/// A key of a map whose value cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FieldError {
    /// It is not there, and has to be.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// It is of another type.
    #[error("`{0}` is of the wrong type")]
    Type(&'static str),
    /// It is text, but not UTF-8.
    #[error("`{0}` is not UTF-8")]
    NotUtf8(&'static str),
    /// It is a number outside the range that makes sense.
    #[error("`{0}` is out of range")]
    Range(&'static str),
}

impl FieldError {
    /// The key.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Missing(field) | Self::Type(field) | Self::NotUtf8(field) | Self::Range(field) => field,
        }
    }
}

/// The entries of one map, borrowed. Looked up one after the other: maps on the wire have a dozen keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map<'a> {
    entries: Vec<(&'a [u8], Value<'a>)>,
}

impl<'a> Map<'a> {
    /// Reads a map and nothing else; `None` where the bytes are some other value.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let mut reader = Reader::new(bytes);
        let Token::Map(count) = reader.token()? else { return Ok(None) };
        // Not `count`: that is only a claim.
        let mut entries = Vec::with_capacity(count.min(16) as usize);
        for _ in 0..count {
            let key = reader.value()?;
            let value = reader.value()?;
            if let Value::Text(key) = key {
                entries.push((key, value));
            }
        }
        if reader.is_at_end() { Ok(Some(Self { entries })) } else { Err(Malformed::Trailing) }
    }

    /// The value of `key`; `None` where it is missing or nil. Of two with the same key the later one counts, as in the
    /// dictionaries of Python and JavaScript.
    pub(crate) fn get(&self, key: &str) -> Option<Value<'a>> {
        let (_, value) = self.entries.iter().rfind(|(name, _)| *name == key.as_bytes())?;
        (*value != Value::Nil).then_some(*value)
    }

    pub(crate) fn text(&self, key: &'static str) -> Result<Option<&'a str>, FieldError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Text(bytes)) => {
                std::str::from_utf8(bytes).map(Some).map_err(|_| FieldError::NotUtf8(key))
            }
            Some(_) => Err(FieldError::Type(key)),
        }
    }

    pub(crate) fn required_text(&self, key: &'static str) -> Result<&'a str, FieldError> {
        self.text(key)?.ok_or(FieldError::Missing(key))
    }

    /// A number from 0. JavaScript has one type for numbers, so a whole float is as good.
    pub(crate) fn uint(&self, key: &'static str) -> Result<Option<u64>, FieldError> {
        /// From here on floats no longer hold every integer.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match self.get(key) {
            None => Ok(None),
            Some(Value::Uint(value)) => Ok(Some(value)),
            Some(Value::Float(value)) if value.fract() == 0.0 && (0.0..EXACT).contains(&value) => {
                Ok(Some(value as u64))
            }
            Some(Value::Int(_) | Value::Float(_)) => Err(FieldError::Range(key)),
            Some(_) => Err(FieldError::Type(key)),
        }
    }

    pub(crate) fn required_uint(&self, key: &'static str) -> Result<u64, FieldError> {
        self.uint(key)?.ok_or(FieldError::Missing(key))
    }

    pub(crate) fn flag(&self, key: &'static str) -> Result<Option<bool>, FieldError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(FieldError::Type(key)),
        }
    }
}

/// The values of an array.
pub(crate) fn array(bytes: &[u8]) -> Result<Vec<Value<'_>>, Malformed> {
    let mut reader = Reader::new(bytes);
    let Token::Array(count) = reader.token()? else { return Ok(Vec::new()) };
    let mut values = Vec::with_capacity(count.min(256) as usize);
    for _ in 0..count {
        values.push(reader.value()?);
    }
    Ok(values)
}
