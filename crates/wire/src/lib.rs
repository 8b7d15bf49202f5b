//! Every message that crosses a socket, as types.
//!
//! What comes in is bounded before it is looked at ([`limits`]), read leniently (unknown keys are ignored, text may be
//! `str` or `bin`, a missing clock is 0), and is afterwards a value that cannot be wrong: a [`request::Body`] holds checked
//! names and texts. What goes out is exactly what the wire protocol's page says, plus optional keys.
//!
//! Read in this order: [`request`] and [`reply`] are what clients and the chat say to each other, [`publication`] and
//! [`topic`] what subscribers are sent. [`envelope`] carries requests between brokers and servidores, [`stamp`] tells the
//! proxy what it has forwarded already. [`referencia`] and [`peer`] are the old system's maps between servidores, [`admin`] is what
//! operators ask about members.
//!
//! Not here: how servidores replicate the log (the servidor's own protocol), and sockets.

pub mod admin;
pub mod envelope;
mod letter;
pub mod limits;
mod msgpack;
pub mod names;
pub mod peer;
pub mod publication;
pub mod referencia;
pub mod reply;
pub mod request;
mod service;
pub mod stamp;
pub mod text;
pub mod timestamp;
pub mod topic;

pub use msgpack::{FieldError, Malformed};
pub use service::Service;
