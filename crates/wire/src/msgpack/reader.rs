use rmp::Marker;
use thiserror::Error;

/// Bytes that are not MessagePack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// They end in the middle of a value.
    #[error("the bytes end in the middle of a value")]
    Truncated,
    /// The byte that no value begins with (0xc1).
    #[error("the byte 0xc1 begins no value")]
    Reserved,
    /// Something follows the value.
    #[error("bytes follow the end of the value")]
    Trailing,
}

/// The beginning of a value: a scalar in whole, or how many values a container holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Nil,
    Bool(bool),
    Uint(u64),
    /// Always negative.
    Int(i64),
    Float(f64),
    /// `str` or `bin`: old libraries write text as either.
    Text(&'a [u8]),
    Ext,
    Array(u32),
    Map(u32),
}

/// A whole value. Containers are the bytes they take up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Nil,
    Bool(bool),
    Uint(u64),
    /// Always negative.
    Int(i64),
    Float(f64),
    Text(&'a [u8]),
    Ext,
    Array(&'a [u8]),
    Map(&'a [u8]),
}

/// A cursor over MessagePack bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads a whole value.
    pub(crate) fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let before = self.rest;
        Ok(match self.token()? {
            Token::Nil => Value::Nil,
            Token::Bool(value) => Value::Bool(value),
            Token::Uint(value) => Value::Uint(value),
            Token::Int(value) => Value::Int(value),
            Token::Float(value) => Value::Float(value),
            Token::Text(bytes) => Value::Text(bytes),
            Token::Ext => Value::Ext,
            Token::Array(count) => {
                self.skip(u64::from(count))?;
                Value::Array(self.since(before))
            }
            Token::Map(count) => {
                self.skip(2 * u64::from(count))?;
                Value::Map(self.since(before))
            }
        })
    }

    /// Passes over `count` whole values. Every value takes a byte at least, so this ends where the bytes do, whatever
    /// length they claim; and nesting costs no stack.
    fn skip(&mut self, count: u64) -> Result<(), Malformed> {
        let mut left = count;
        while left > 0 {
            left -= 1;
            match self.token()? {
                Token::Array(count) => left = left.saturating_add(u64::from(count)),
                Token::Map(count) => left = left.saturating_add(2 * u64::from(count)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads a scalar, or the head of a container.
    pub(crate) fn token(&mut self) -> Result<Token<'a>, Malformed> {
        Ok(match Marker::from_u8(self.u8()?) {
            Marker::Null => Token::Nil,
            Marker::Reserved => return Err(Malformed::Reserved),
            Marker::False => Token::Bool(false),
            Marker::True => Token::Bool(true),
            Marker::FixPos(value) => Token::Uint(u64::from(value)),
            Marker::FixNeg(value) => Token::Int(i64::from(value)),
            Marker::U8 => Token::Uint(u64::from(self.u8()?)),
            Marker::U16 => Token::Uint(u64::from(self.u16()?)),
            Marker::U32 => Token::Uint(u64::from(self.u32()?)),
            Marker::U64 => Token::Uint(u64::from_be_bytes(self.array()?)),
            Marker::I8 => signed(i64::from(i8::from_be_bytes(self.array()?))),
            Marker::I16 => signed(i64::from(i16::from_be_bytes(self.array()?))),
            Marker::I32 => signed(i64::from(i32::from_be_bytes(self.array()?))),
            Marker::I64 => signed(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Token::Float(f64::from(f32::from_be_bytes(self.array()?))),
            Marker::F64 => Token::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => Token::Text(self.take(usize::from(length))?),
            Marker::Str8 | Marker::Bin8 => {
                let length = self.u8()?;
                Token::Text(self.take(usize::from(length))?)
            }
            Marker::Str16 | Marker::Bin16 => {
                let length = self.u16()?;
                Token::Text(self.take(usize::from(length))?)
            }
            Marker::Str32 | Marker::Bin32 => {
                let length = self.u32()?;
                Token::Text(self.take(length as usize)?)
            }
            Marker::FixArray(count) => Token::Array(u32::from(count)),
            Marker::Array16 => Token::Array(u32::from(self.u16()?)),
            Marker::Array32 => Token::Array(self.u32()?),
            Marker::FixMap(count) => Token::Map(u32::from(count)),
            Marker::Map16 => Token::Map(u32::from(self.u16()?)),
            Marker::Map32 => Token::Map(self.u32()?),
            Marker::FixExt1 => self.ext(1)?,
            Marker::FixExt2 => self.ext(2)?,
            Marker::FixExt4 => self.ext(4)?,
            Marker::FixExt8 => self.ext(8)?,
            Marker::FixExt16 => self.ext(16)?,
            Marker::Ext8 => {
                let length = self.u8()?;
                self.ext(usize::from(length))?
            }
            Marker::Ext16 => {
                let length = self.u16()?;
                self.ext(usize::from(length))?
            }
            Marker::Ext32 => {
                let length = self.u32()?;
                self.ext(length as usize)?
            }
        })
    }

    fn ext(&mut self, length: usize) -> Result<Token<'a>, Malformed> {
        self.take(1)?;
        self.take(length)?;
        Ok(Token::Ext)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// What was read since the cursor stood at the beginning of `before`.
    fn since(&self, before: &'a [u8]) -> &'a [u8] {
        &before[..before.len() - self.rest.len()]
    }
}

/// Libraries are free to write positive numbers in the signed formats.
fn signed<'a>(value: i64) -> Token<'a> {
    u64::try_from(value).map_or(Token::Int(value), Token::Uint)
}
