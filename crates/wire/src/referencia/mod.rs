//! What servidores and the referencia say to each other, on port 5560.

mod reply;
mod request;

pub use crate::letter::BadMessage;
pub use reply::{Listed, Reply};
pub use request::Request;
