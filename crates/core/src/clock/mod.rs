//! Three kinds of time that must never be mixed, each a type of its own.
//!
//! * [`Instant`] measures how long things take: timeouts, round trips. It never goes back and means
//!   nothing outside its process.
//! * [`WallTime`] is what a person calls the time. It may be wrong, and it may jump.
//! * [`Lamport`] orders events that caused one another, and says nothing about how long they took.
//!
//! All three enter the core as input; nothing here reads a clock.

mod agreed;
mod cristian;
mod instant;
mod lamport;
mod wall;

pub use agreed::{AgreedClock, MAX_DISAGREEMENT, median};
pub use cristian::{Cristian, Estimate};
pub use instant::{Instant, Now};
pub use lamport::Lamport;
pub use wall::WallTime;
