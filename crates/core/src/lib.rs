//! The pure core of Papo.

pub mod chat;
pub mod clock;
pub mod log;
pub mod members;
pub mod replica;
