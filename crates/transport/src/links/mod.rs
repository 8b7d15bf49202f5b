//! Sockets that follow the addresses of names.

mod fan_out;
mod per_address;
mod wanted;

pub use fan_out::FanOut;
pub use per_address::{LinkChanges, LinkError, Links};
