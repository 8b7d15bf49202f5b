//! A client of Papo, for people's programs and for bots.

mod ask;
mod event;
mod recent;
mod saved;
pub mod session;
mod timing;

pub use ask::Ask;
pub use event::{Answered, Event, Outcome, RequestId, Shown};
pub use saved::Saved;
pub use session::SessionOptions;
pub use timing::Timing;
