//! Just enough MessagePack: a cursor over bytes that allocates nothing, maps as flat lists of borrowed entries, and a
//! writer into a `Vec`.
//!
//! Values are not built into trees: a nested map stays a slice of bytes until somebody asks for it.

mod map;
mod reader;
mod writer;

pub use map::FieldError;
pub use reader::Malformed;

pub(crate) use map::{Map, array};
pub(crate) use reader::{Reader, Token, Value};
pub(crate) use writer::Writer;
